/** Sites: the steps a participant's host goes through, over SSH. */
export { runSites } from './run-sites.ts';
export {
  type SiteResult,
  type SiteState,
  type SiteStatus,
  type SiteStep,
  type SitesOptions,
  type SitesResult,
  type SiteTarget,
  siteSteps,
  type StepResult,
  type StepState,
} from './types.ts';
