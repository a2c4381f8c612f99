/** The same step on every host, side by side. One site's failure is its own. */
import PQueue from 'p-queue';
import { DeskError, type ErrorAnswer } from '../../contract/errors.ts';
import type { ReportProgress } from '../../ports.ts';
import { connect, type SshConnection } from '../ssh/index.ts';
import { check } from './check.ts';
import { runVmStep } from './cvm/steps.ts';
import { distribute, prepareKit } from './distribute.ts';
import { questionsInTurn } from './questions.ts';
import { rollback } from './rollback.ts';
import { SiteShell } from './site-shell.ts';
import { describe, start, stop } from './start-stop.ts';
import { shownStatus, statusOf } from './status.ts';
import { StepLog } from './step-log.ts';
import type { SiteResult, SiteState, SiteStatus, SitesOptions, SitesResult, SiteTarget } from './types.ts';

const defaultParallel = 4;

/**
 * Runs one step for all targets, `parallel` hosts at once, and gives each site's steps and state in the order of the
 * targets. It throws only for what is wrong with the call itself (`invalid_input`: no targets, names or folders that
 * cannot be); everything else stands in the site's own `error`. After a cancel, sites not finished are `cancelled`.
 * Running a step again does only what is missing. `ended` hears each site's result as soon as it is there.
 */
export async function runSites(
  options: SitesOptions,
  context: { signal?: AbortSignal; report?: ReportProgress; ended?: (site: SiteResult) => void } = {},
): Promise<SitesResult> {
  for (const target of options.targets) checkTarget(target);
  const report = context.report ?? (() => undefined);
  const ssh = questionsInTurn(options.ssh);
  const queue = new PQueue({ concurrency: Math.max(1, options.parallel ?? defaultParallel) });
  let finished = 0;
  const results = new Map<SiteTarget, SiteResult>();
  for (const phase of phasesOf(options)) {
    const work = phase.map((target) =>
      queue.add(async () => {
        const result = await runSite(target, { ...options, ssh }, report, context.signal);
        finished++;
        context.ended?.(result);
        report({ step: options.step, done: finished, total: options.targets.length, unit: 'sites' });
        results.set(target, result);
      }),
    );
    await Promise.all(work);
  }
  return { sites: options.targets.flatMap((target) => results.get(target) ?? []) };
}

/**
 * Confidential sites start after their server, which they attest to, and leave before it: a server that goes first takes
 * the whole federation with it. All others go at once.
 */
function phasesOf({ step, targets }: SitesOptions): SiteTarget[][] {
  if ((step !== 'start' && step !== 'stop') || !targets.some(({ cvm }) => cvm)) return [[...targets]];
  const servers = targets.filter(({ type }) => type === 'server');
  const others = targets.filter(({ type }) => type !== 'server');
  return step === 'start' ? [servers, others] : [others, servers];
}

/** One image is one site: a second VM of it would be its clone, with its key and its measurement. */
function refuseClone(target: SiteTarget, { step, targets }: SitesOptions): void {
  const image = target.cvm?.image;
  if (step !== 'start' || !image) return;
  const twin = targets.find(
    (other) => other !== target && other.cvm?.image?.launch.vmId === image.launch.vmId,
  );
  if (twin && image.launch.vmId !== undefined)
    throw new DeskError(
      'conflict',
      `${target.name} and ${twin.name} have the same image (vm_id ${image.launch.vmId}).`,
      {
        hint: 'Build an image of its own for each site.',
      },
    );
}

async function runSite(
  target: SiteTarget,
  options: SitesOptions,
  report: ReportProgress,
  signal: AbortSignal | undefined,
): Promise<SiteResult> {
  const log = new StepLog(target.name, report);
  const context = signal ? { signal } : {};
  const { narrate } = options;
  const narrated = narrate ? { narrate: (line: string) => narrate(target.name, line) } : {};
  let connection: SshConnection | undefined;
  let status: SiteStatus | undefined;
  const open = async (): Promise<SiteShell> => {
    connection = await log.step(
      'connect',
      () => connect(target.ssh, { ...options.ssh, ...context, ...narrated }),
      () => `logged in on ${target.ssh.host}`,
    );
    return new SiteShell(connection, target);
  };
  const work = async (): Promise<SiteState> => {
    if (signal?.aborted) throw new DeskError('cancelled', 'Cancelled.');
    if (target.cvm) {
      refuseClone(target, options);
      const done = await runVmStep(target, log, options, open, context);
      status = done.status;
      return done.state;
    }
    switch (options.step) {
      case 'distribute': {
        const kit = await prepareKit(target, log, options, signal);
        return distribute(await open(), kit, log, signal);
      }
      case 'check':
        return check(await open(), target, log, context);
      case 'start':
        return start(await open(), target, log, options, context);
      case 'stop':
        return stop(await open(), target, log, context);
      case 'rollback':
        return rollback(await open(), log, context);
      case 'status': {
        const shell = await open();
        const found = await log.step(
          'status',
          () =>
            statusOf(shell, {
              ...context,
              ...(options.logLines === undefined ? {} : { tail: options.logLines }),
            }),
          describe,
        );
        status = shownStatus(found);
        return found.process === 'stopped' && !found.delivered ? 'not_delivered' : found.process;
      }
    }
  };
  try {
    const state = await work();
    return { name: target.name, state, steps: log.steps, ...(status ? { status } : {}) };
  } catch (error) {
    const answer = answerOf(error, target.name);
    const state = answer.code === 'cancelled' ? 'cancelled' : 'failed';
    return { name: target.name, state, steps: log.steps, error: answer };
  } finally {
    connection?.close();
  }
}

function answerOf(error: unknown, site: string): ErrorAnswer {
  if (error instanceof DeskError) return error.toAnswer();
  return new DeskError('internal', `The step failed on ${site} for an unforeseen reason.`, {
    cause: error,
  }).toAnswer();
}

/** Names become folders and words of remote scripts: only what the project rules allow anyway gets this far. */
function checkTarget(target: SiteTarget): void {
  if (!/^[A-Za-z0-9_@][A-Za-z0-9._@-]*$/.test(target.name))
    throw new DeskError('invalid_input', `"${target.name}" cannot be the name of a folder on a host.`);
  if (!/^(\/|~\/|~$)/.test(target.directory) || /[\p{Cc}]/u.test(target.directory))
    throw new DeskError(
      'invalid_input',
      `The directory "${target.directory}" of ${target.name} is not an absolute path.`,
      { hint: 'Write an absolute path, or one below ~, as "directory" in desk.yml.' },
    );
  for (const folder of target.path ?? [])
    if (!folder.startsWith('/') || /[:\p{Cc}]/u.test(folder))
      throw new DeskError(
        'invalid_input',
        `"${folder}" in "path" of ${target.name} is not an absolute path.`,
      );
  for (const port of target.ports ?? [])
    if (!Number.isInteger(port) || port < 1 || port > 65535)
      throw new DeskError('invalid_input', `Port ${port} of ${target.name} is not between 1 and 65535.`);
}
