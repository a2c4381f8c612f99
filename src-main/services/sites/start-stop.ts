/** Starting and stopping a participant on its host, with proof. */
import { DeskError } from '../../contract/errors.ts';
import { pause } from './cancel.ts';
import { askToStop, launch, portsOpen, signalLeft, whatIsLeft } from './scripts/running.ts';
import type { SiteShell } from './site-shell.ts';
import { type RawStatus, statusOf } from './status.ts';
import type { StepLog } from './step-log.ts';
import type { SiteState, SiteTarget, SitesOptions } from './types.ts';

const pollMs = 500;
const tailLines = 20;
/** The kit's own loop looks every 5 s (docs/reference/provisioning.md §7.2), then waits 5 s. */
const gracefulMs = 12_000;
const signalMs = 5_000;
/** The kit's loop starts a program that ended again, every 5 s; so often it may. */
const maxRestarts = 1;
/** Nothing to be seen for this long after the launch: it has ended. Longer where only pid files tell. */
const goneMs = 1_500;
const goneUnseenMs = 15_000;

interface Context {
  signal?: AbortSignal;
}

/** Which of the ports something listens on, as the host itself sees it. */
export async function openPorts(
  shell: SiteShell,
  ports: readonly number[],
  context: Context,
): Promise<number[]> {
  if (ports.length === 0) return [];
  const lines = await shell.must('Looking at ports', portsOpen, ports.map(String), context);
  return lines.filter((line) => line.startsWith('open ')).map((line) => Number(line.slice('open '.length)));
}

/**
 * Starts the current kit with its own start script, detached from the SSH session. Proof: a server answers on its ports,
 * the process of any other participant stays alive. What does not prove itself is stopped again and its last log lines are told.
 * Errors: `not_found` (no kit), `conflict` (port in use, left-over processes), `remote_failed`, `timeout`.
 */
export async function start(
  shell: SiteShell,
  target: SiteTarget,
  log: StepLog,
  options: Pick<SitesOptions, 'startTimeoutMs' | 'settleMs'>,
  context: Context,
): Promise<SiteState> {
  if (target.type === 'admin')
    throw new DeskError('unsupported', `${target.name} is an admin: there is no process to start.`);
  const before = await log.step(
    'status',
    () => statusOf(shell, { ...context, tail: 0 }),
    (status) => ({
      ...(status.process === 'running' && status.runningKit !== status.currentKit
        ? { state: 'warning' }
        : {}),
      message: describe(status),
    }),
  );
  if (before.process === 'running') return 'already_running';
  if (!before.delivered)
    throw new DeskError('not_found', `No kit of ${target.name} is on ${shell.place}.`, {
      hint: 'Run sites distribute first.',
    });
  if (before.processes.length > 0)
    throw new DeskError(
      'conflict',
      `Processes of ${target.name} are left over on the host: ${before.processes.join(', ')}.`,
      { hint: 'Run sites stop, which ends them, then start again.' },
    );
  await log.step(
    'ports',
    async () => {
      const taken = await openPorts(shell, target.ports ?? [], context);
      if (taken.length > 0)
        throw new DeskError(
          'conflict',
          `Port ${taken.join(', ')} is in use on ${shell.place} by something else.`,
          {
            hint: 'Find its owner on the host (ss -ltnp), or give the project other ports.',
          },
        );
    },
    () => ((target.ports ?? []).length > 0 ? `${target.ports?.join(', ')} free` : 'none to listen on'),
  );
  await log.step(
    'launch',
    () => shell.must('Starting', launch, [], context),
    () => `${before.currentKit}, log in ${before.folder}/run/start.log`,
  );
  try {
    await log.step(
      'proof',
      () => prove(shell, target, options, context),
      ({ status, closed }) =>
        closed.length === 0
          ? describe(status)
          : { state: 'warning', message: `${describe(status)}; port ${closed.join(', ')} is not open yet` },
    );
  } catch (error) {
    // What did not prove itself has nothing to lose; a cancel must not wait for the kit's own slow loop.
    await end(shell, { gracefulMs: 0 }).catch(() => undefined);
    throw error;
  }
  return 'running';
}

async function prove(
  shell: SiteShell,
  target: SiteTarget,
  options: Pick<SitesOptions, 'startTimeoutMs' | 'settleMs'>,
  context: Context,
): Promise<{ status: RawStatus; closed: number[] }> {
  const began = performance.now();
  const settleMs = options.settleMs ?? 4_000;
  const timeoutMs = options.startTimeoutMs ?? 60_000;
  let python: number | undefined;
  let since = began;
  let restarts = 0;
  let waitingFor = 'its process';
  const wanted = target.ports ?? [];
  // Others may open their ports only when somebody below them needs one.
  const listens = target.type === 'server' && wanted.length > 0;
  for (;;) {
    await pause(pollMs, context.signal);
    const status = await statusOf(shell, { ...context, tail: tailLines });
    const now = performance.now();
    if (status.python !== undefined && status.python !== python) {
      if (python !== undefined) restarts++;
      python = status.python;
      since = now;
    }
    const nothingRuns = status.process !== 'running' && status.processes.length === 0;
    const gone = nothingRuns && now - began > (status.seesAll ? goneMs : goneUnseenMs);
    if (gone || restarts > maxRestarts) {
      const what = gone ? 'ended at once' : 'ends again and again';
      throw failedStart(shell, target, what, status);
    }
    if (status.python !== undefined && (listens || now - since >= settleMs)) {
      const open = await openPorts(shell, wanted, context);
      const closed = wanted.filter((port) => !open.includes(port));
      if (closed.length === 0 || !listens) return { status, closed };
      waitingFor = `port ${closed.join(', ')}`;
    }
    if (now - began > timeoutMs) {
      const what = `did not prove itself within ${Math.round(timeoutMs / 1000)} s: still waiting for ${waitingFor}`;
      throw failedStart(shell, target, what, status, 'timeout');
    }
  }
}

function failedStart(
  shell: SiteShell,
  target: SiteTarget,
  what: string,
  status: RawStatus,
  code: 'remote_failed' | 'timeout' = 'remote_failed',
): DeskError {
  const tail = (status.logTail ?? []).slice(-tailLines).join('\n');
  const said = tail === '' ? 'Its log is empty.' : `Last lines of its log:\n${tail}`;
  return new DeskError(code, `${target.name} ${what} on ${shell.place}. ${said}`, {
    hint: `Read ${status.log ?? `${status.folder}/run/start.log`} on the host; run sites check for what is missing there.`,
  });
}

/** Ends the participant: as its own scripts do, then TERM, then KILL. Errors: `remote_failed` when something is left. */
export async function stop(
  shell: SiteShell,
  target: SiteTarget,
  log: StepLog,
  context: Context,
): Promise<SiteState> {
  const before = await log.step('status', () => statusOf(shell, { ...context, tail: 0 }), describe);
  if (before.process === 'stopped') return 'already_stopped';
  await log.step(
    'stop',
    async () => {
      // Left-over processes have no loop any more that would end them.
      const patience = before.process === 'running' ? gracefulMs : 0;
      const ended = await end(shell, { ...context, gracefulMs: patience });
      if (ended.left.length === 0) return ended;
      throw new DeskError(
        'remote_failed',
        `Processes of ${target.name} would not end on ${shell.place}: ${ended.left.join(', ')}.`,
        { hint: 'They may belong to another account, or hang in the kernel: look on the host.' },
      );
    },
    ({ how }) => `ended ${how}; none of its processes is left`,
  );
  return 'stopped';
}

async function end(
  shell: SiteShell,
  options: Context & { gracefulMs: number },
): Promise<{ how: string; left: number[] }> {
  await shell.run(askToStop, [], options);
  if ((await waitForEnd(shell, options.gracefulMs, options)).length === 0)
    return { how: 'in its own way', left: [] };
  for (const signal of ['TERM', 'KILL']) {
    await shell.run(signalLeft, [signal], options);
    if ((await waitForEnd(shell, signalMs, options)).length === 0)
      return { how: `after signal ${signal}`, left: [] };
  }
  return { how: '', left: await leftNow(shell, options) };
}

async function leftNow(shell: SiteShell, context: Context): Promise<number[]> {
  const lines = await shell.must('Looking for processes', whatIsLeft, [], context);
  return lines.filter((line) => line.startsWith('left ')).map((line) => Number(line.slice('left '.length)));
}

/** Waits until nothing is left; gives what is left when the time is over. */
async function waitForEnd(shell: SiteShell, milliseconds: number, context: Context): Promise<number[]> {
  const until = performance.now() + milliseconds;
  for (;;) {
    const left = await leftNow(shell, context);
    if (left.length === 0 || performance.now() > until) return left;
    await pause(pollMs, context.signal);
  }
}

/** One line about a participant's process. */
export function describe(status: RawStatus): string {
  if (status.process === 'running') {
    const since = status.since === undefined ? '' : ` since ${status.since}`;
    const other =
      status.runningKit === status.currentKit
        ? ''
        : `; current is ${status.currentKit ?? 'nothing'}: stop and start to use it`;
    return `running, pid ${status.pid ?? '?'}${since}, kit ${status.runningKit}${other}`;
  }
  if (status.process === 'stale')
    return status.processes.length > 0
      ? `not running, but processes are left over: ${status.processes.join(', ')}`
      : 'not running, but pid files are left over';
  return status.delivered ? `stopped, kit ${status.currentKit}` : 'no kit delivered';
}
