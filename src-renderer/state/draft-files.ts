import type { StateValue } from '../../src-main/contract/index.ts';

type Files = NonNullable<StateValue<'drafts.current'>['draft']>['files'];

/** Whether every file of a draft reads as it lies on disk. */
export const isUntouched = (files: Files): boolean =>
  [files.project, files.desk, ...files.cc].every(({ text, base }) => text === base);
