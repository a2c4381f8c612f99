/** Ending a confidential VM in the order that does not stop the federation. */
import { DeskError } from '../../../contract/errors.ts';
import { pause } from '../cancel.ts';
import type { SiteShell } from '../site-shell.ts';
import type { StepLog } from '../step-log.ts';
import type { SiteState, SitesOptions, SiteTarget } from '../types.ts';
import { signalVm, vmsLeft } from './scripts.ts';
import { describeVm, vmStatusOf } from './vm-status.ts';

const pollMs = 500;
/** QEMU ends at once upon TERM; its drives are written back first. */
const termMs = 20_000;
const killMs = 5_000;

/** The fail-stop rule of confidential FLARE (docs/reference/confidential-computing.md §1.5, §6.3 rule 8). */
const failStopWarning =
  'A confidential site that vanishes stops the whole federation within one check interval. Only a site that was shut down by command leaves in order.';

interface Context {
  signal?: AbortSignal;
}

/**
 * Takes the site out of the federation by command, waits until it left, then ends its VM: TERM, later KILL, only to
 * processes with the image's vm_id. Where the site cannot be taken out first it ends nothing unless `force` is given.
 * Errors: `needs_confirmation` (not taken out, not forced), `remote_failed` (the VM would not end).
 */
export async function stopVm(
  shell: SiteShell,
  target: SiteTarget,
  log: StepLog,
  options: Pick<SitesOptions, 'leave' | 'force'>,
  context: Context,
): Promise<SiteState> {
  const before = await log.step(
    'status',
    () => vmStatusOf(shell, target, { ...context, tail: 0 }),
    describeVm,
  );
  const vmId = before.pids.length > 0 ? before.vm.vmId : before.other?.vmId;
  if (vmId === undefined) {
    if (before.process !== 'stale') return 'already_stopped';
    throw new DeskError(
      'conflict',
      `No VM of ${target.name} is seen, but its drives are held on ${shell.place}.`,
      {
        hint: 'The VM may run under an account whose processes this one cannot see: look on the host.',
      },
    );
  }
  await leaveFirst(target, log, options, context);
  await log.step(
    'stop',
    async () => {
      for (const [signal, milliseconds] of [
        ['TERM', termMs],
        ['KILL', killMs],
      ] as const) {
        const lines = await shell.must('Ending the VM', signalVm, [vmId, signal], context);
        const refused = lines.filter((line) => line.startsWith('refused '));
        if (refused.length > 0)
          throw new DeskError(
            'denied',
            `The VM of ${target.name} may not be ended by this account on ${shell.place}.`,
            {
              hint: 'QEMU runs as root: allow the account sudo without a password for kill, or end it on the host.',
            },
          );
        if ((await waitForEnd(shell, vmId, milliseconds, context)).length === 0) return signal;
      }
      throw new DeskError('remote_failed', `The VM of ${target.name} would not end on ${shell.place}.`, {
        hint: 'It may hang in the kernel: look on the host.',
      });
    },
    (signal) => `ended after signal ${signal}`,
  );
  return 'stopped';
}

async function leaveFirst(
  target: SiteTarget,
  log: StepLog,
  { leave, force }: Pick<SitesOptions, 'leave' | 'force'>,
  context: Context,
): Promise<void> {
  let reason = 'there is no admin session to do it with';
  if (leave) {
    try {
      await log.step(
        'leave',
        () => leave(target, context),
        (said) => said,
      );
      return;
    } catch (error) {
      if (error instanceof DeskError && error.code === 'cancelled') throw error;
      reason = error instanceof Error ? error.message.replace(/\.$/, '') : 'of an unforeseen reason';
      log.steps.pop();
    }
  }
  await log.step(
    'leave',
    () => {
      if (force) return Promise.resolve();
      throw new DeskError(
        'needs_confirmation',
        `${target.name} could not be shut down by command first: ${reason}. ${failStopWarning}`,
        {
          hint: `Shut it down in a console (shutdown client ${target.name}), or end the VM all the same (sites stop --force).`,
        },
      );
    },
    () => ({
      state: 'warning',
      message: `not shut down by command: ${reason}; the VM is ended all the same`,
      hint: failStopWarning,
    }),
  );
}

async function waitForEnd(
  shell: SiteShell,
  vmId: string,
  milliseconds: number,
  context: Context,
): Promise<string[]> {
  const until = performance.now() + milliseconds;
  for (;;) {
    const lines = await shell.must('Looking for the VM', vmsLeft, [vmId], context);
    const left = lines.filter((line) => line.startsWith('left '));
    if (left.length === 0 || performance.now() > until) return left;
    await pause(pollMs, context.signal);
  }
}
