import type { DraftOperation } from '../../../src-main/contract/drafts.ts';
import type { Draft, DraftParticipant } from './draft.ts';

/** What the file of a site holds. */
export type Values = Readonly<Record<string, unknown>>;

/** What a part of the form is given. */
export interface PartProps {
  draft: Draft;
  participant: DraftParticipant;
  values: Values;
  /** What depends on the file's other values is made when its turn comes. */
  edit: (change: DraftOperation[] | ((values: Values) => DraftOperation[])) => void;
}

/** With what is wrong at a key of the file. */
export type WithError = PartProps & { error: (key: string) => string | undefined };
