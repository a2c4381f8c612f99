import type { StateValue } from '../../../src-main/contract/index.ts';
import type { StateKind } from '../../components/state-badge.tsx';

export type BoardJob = StateValue<'jobs.board'>['jobs'][number];
/** What is submitted: a name in the transfer folder, or a folder picked elsewhere. */
export interface ChosenJob {
  name: string;
  where: { job: string } | { folder: string };
}

export const phaseStates: Record<BoardJob['phase'], StateKind> = {
  waiting: 'unknown',
  busy: 'busy',
  done: 'ok',
  failed: 'bad',
  unknown: 'unknown',
};
