/** The steps of a participant that runs in a confidential VM. */
import { DeskError } from '../../../contract/errors.ts';
import { clock, directory, reach } from '../check.ts';
import { type SiteShell, valuesOf } from '../site-shell.ts';
import type { StepLog } from '../step-log.ts';
import type { SiteState, SiteStatus, SitesOptions, SiteTarget } from '../types.ts';
import { deliverImage } from './deliver.ts';
import { prepareImage } from './image.ts';
import { startVm } from './launch.ts';
import { readVmTools, switchImage } from './scripts.ts';
import { stopVm } from './stop-vm.ts';
import { describeVm, shownVmStatus, vmStatusOf } from './vm-status.ts';

interface Context {
  signal?: AbortSignal;
}

/**
 * Runs one step of a confidential participant; `open` connects when the step needs the host. The status comes along where
 * the step is about what runs.
 */
export async function runVmStep(
  target: SiteTarget,
  log: StepLog,
  options: SitesOptions,
  open: () => Promise<SiteShell>,
  context: Context,
): Promise<{ state: SiteState; status?: SiteStatus }> {
  switch (options.step) {
    case 'check':
      return { state: await checkHost(await open(), target, log, context) };
    case 'distribute': {
      const image = await prepareImage(target, log);
      return { state: await deliverImage(await open(), image, log, { ...context, ssh: options.ssh }) };
    }
    case 'start': {
      const shell = await open();
      const state = await startVm(shell, target, log, options, context);
      return { state, status: shownVmStatus(await vmStatusOf(shell, target, context)) };
    }
    case 'stop':
      return { state: await stopVm(await open(), target, log, options, context) };
    case 'rollback':
      return { state: await goBack(await open(), target, log, context) };
    case 'status': {
      const shell = await open();
      const tail = options.logLines === undefined ? {} : { tail: options.logLines };
      const found = await log.step(
        'status',
        () => vmStatusOf(shell, target, { ...context, ...tail }),
        (status) => ({
          state: status.pids.length > 1 || status.vm.serial.expected === 'differs' ? 'warning' : 'ok',
          message: describeVm(status),
        }),
      );
      const state = found.process === 'stopped' && !found.delivered ? 'not_delivered' : found.process;
      return { state, status: shownVmStatus(found) };
    }
  }
}

/** Whether an image could be brought here and looked after. What a VM needs is told by the host probes (services/hosts). */
async function checkHost(
  shell: SiteShell,
  target: SiteTarget,
  log: StepLog,
  context: Context,
): Promise<SiteState> {
  await log.step(
    'tools',
    async () => valuesOf(await shell.must('Looking for tools', readVmTools, [], context)),
    (values) => {
      const missing = (values.get('missing') ?? '').split(' ').filter(Boolean);
      const system = values.get('system') ?? 'unknown system';
      return missing.length === 0
        ? system
        : {
            state: 'failed',
            message: `${system}; missing: ${missing.join(', ')}`,
            hint: 'Install them on the host (bash, tar, gzip, coreutils, procps, qemu-utils, qemu-system-x86).',
          };
    },
  );
  await log.step(
    'directory',
    () => directory(shell, context),
    (outcome) => outcome,
  );
  await log.step('participant', () => vmStatusOf(shell, target, { ...context, tail: 0 }), describeVm);
  await log.step(
    'clock',
    () => clock(shell, context),
    (outcome) => outcome,
  );
  if (target.reaches && target.reaches.length > 0)
    await log.step(
      'server',
      () => reach(shell, target.reaches ?? [], context),
      (outcome) =>
        // The VM has names of its own; what the host cannot resolve is no fault yet.
        outcome.state === 'failed' ? { ...outcome, state: 'warning' } : outcome,
    );
  const failed = log.steps.filter((step) => step.state === 'failed');
  if (failed.length === 0) return 'ready';
  throw new DeskError(
    'remote_failed',
    `${target.name} is not ready: ${failed.map((step) => `${step.name}: ${step.message}`).join('; ')}.`,
    failed[0]?.hint === undefined ? {} : { hint: failed[0].hint },
  );
}

async function goBack(
  shell: SiteShell,
  target: SiteTarget,
  log: StepLog,
  context: Context,
): Promise<SiteState> {
  const before = await log.step(
    'status',
    () => vmStatusOf(shell, target, { ...context, tail: 0 }),
    describeVm,
  );
  const { previousKit } = before;
  if (previousKit === undefined)
    throw new DeskError('not_found', `There is no earlier image in ${before.folder} to go back to.`);
  await log.step(
    'switch',
    () => shell.must('Switching back', switchImage, [previousKit], context),
    () => {
      const message = `image is ${previousKit}, ${before.currentKit ?? 'nothing'} is kept`;
      return before.process === 'running'
        ? { state: 'warning', message: `${message}; stop and start the site to use it` }
        : message;
    },
  );
  return 'rolled_back';
}
