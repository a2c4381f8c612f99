/** Sites: the steps a participant's host goes through, over SSH. */
export { type PackedKit, readKit, tarOf } from './pack.ts';
export { questionsInTurn } from './questions.ts';
export { runSites } from './run-sites.ts';
export type {
  SiteImage,
  SiteResult,
  SiteState,
  SiteStatus,
  SiteStep,
  SitesOptions,
  SitesResult,
  SiteTarget,
  StepResult,
  StepState,
  VmStatus,
} from './types.ts';
