import { DeskError } from '../../contract/errors.ts';
import { switchKit } from './scripts/delivery.ts';
import type { SiteShell } from './site-shell.ts';
import { describe } from './start-stop.ts';
import { statusOf } from './status.ts';
import type { StepLog } from './step-log.ts';
import type { SiteState } from './types.ts';

/**
 * Switches back to the kit before the current one; the current one becomes the previous. A running participant keeps its
 * kit until it is stopped and started. Errors: `not_found` when there is no kit to go back to.
 */
export async function rollback(
  shell: SiteShell,
  log: StepLog,
  context: { signal?: AbortSignal },
): Promise<SiteState> {
  const before = await log.step('status', () => statusOf(shell, { ...context, tail: 0 }), describe);
  const { previousKit } = before;
  if (previousKit === undefined)
    throw new DeskError('not_found', `There is no earlier kit in ${before.folder} to go back to.`);
  await log.step(
    'switch',
    () => shell.must('Switching back', switchKit, [previousKit], context),
    () => {
      const message = `current is ${previousKit}, ${before.currentKit ?? 'nothing'} is kept`;
      return before.process === 'running'
        ? { state: 'warning', message: `${message}; stop and start the participant to use it` }
        : message;
    },
  );
  return 'rolled_back';
}
