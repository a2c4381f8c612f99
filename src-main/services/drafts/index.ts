/** Drafts of a project: the only door of this folder. */
export { type Draft, type DraftContext, createDrafts, type Drafts } from './drafts.ts';
