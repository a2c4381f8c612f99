/** Looks whether a host is ready, and changes nothing there. Finds all that is wrong, not only the first. */
import { DeskError } from '../../contract/errors.ts';
import { flareLineOf } from '../../domain/project/flare-line.ts';
import type { FlareLine } from '../../domain/project/model.ts';
import { printable } from '../ssh/index.ts';
import { readFolder, readPython, readTools, tryReach } from './scripts/host-facts.ts';
import { type SiteShell, valuesOf } from './site-shell.ts';
import { describe, openPorts } from './start-stop.ts';
import { type RawStatus, statusOf } from './status.ts';
import type { Outcome, StepLog } from './step-log.ts';
import type { SiteState, SiteTarget } from './types.ts';

const mebibyte = 1024 * 1024;
/** Below this NVFlare's logs and job stores soon fill the disk; a kit itself is far smaller. */
const tightBytes = 2 * 1024 * mebibyte;
const neededBytes = 64 * mebibyte;
/** Certificates are valid from the minute they were made: a slow clock sees them as not yet valid. */
const skewWarningSeconds = 5;
const skewErrorSeconds = 120;

interface Context {
  signal?: AbortSignal;
}

/**
 * `ready` when nothing failed; warnings do not fail. Errors: those of the connection, and `remote_failed` that names every
 * failed step.
 */
export async function check(
  shell: SiteShell,
  target: SiteTarget,
  log: StepLog,
  context: Context,
): Promise<SiteState> {
  const say = (outcome: Outcome) => outcome;
  await log.step('tools', () => tools(shell, context), say);
  await log.step('directory', () => directory(shell, context), say);
  const status = await log.step(
    'participant',
    () => statusOf(shell, { ...context, tail: 0 }),
    (found) => ({ state: found.process === 'stale' ? 'warning' : 'ok', message: describe(found) }),
  );
  if (target.type !== 'admin') {
    await log.step('python', () => python(shell, target.line, context), say);
    await log.step('clock', () => clock(shell, context), say);
  }
  if (target.ports && target.ports.length > 0)
    await log.step('ports', () => ports(shell, target.ports ?? [], status, context), say);
  if (target.reaches && target.reaches.length > 0)
    await log.step('server', () => reach(shell, target.reaches ?? [], context), say);

  const failed = log.steps.filter((step) => step.state === 'failed');
  if (failed.length === 0) return 'ready';
  throw new DeskError(
    'remote_failed',
    `${target.name} is not ready: ${failed.map((step) => `${step.name}: ${step.message}`).join('; ')}.`,
    failed[0]?.hint === undefined ? {} : { hint: failed[0].hint },
  );
}

async function tools(shell: SiteShell, context: Context): Promise<Outcome> {
  const lines = await shell.must('Looking for tools', readTools, [], context);
  const missing = lines
    .filter((line) => line.startsWith('missing '))
    .map((line) => line.slice('missing '.length));
  const system = valuesOf(lines).get('system') ?? 'unknown system';
  if (missing.length === 0) return { message: system };
  // Without these two a start still works, with less certainty.
  const soft = missing.every((tool) => tool === 'setsid' || tool === 'ps');
  return {
    state: soft ? 'warning' : 'failed',
    message: `${system}; missing: ${missing.join(', ')}`,
    hint: 'Install the missing tools on the host (bash, tar, coreutils, procps, util-linux).',
  };
}

export async function directory(shell: SiteShell, context: Context): Promise<Outcome> {
  const values = valuesOf(await shell.must('Looking at the folder', readFolder, [], context));
  const problem = values.get('problem');
  if (problem !== undefined)
    return {
      state: 'failed',
      message: printable(problem),
      hint: 'Give the account the folder (mkdir, chown), or name another "directory" in desk.yml.',
    };
  const free = Number(values.get('free')) * 1024;
  if (!Number.isFinite(free)) return { state: 'warning', message: 'writable; free space unknown' };
  const message = `${values.get('near') ?? ''} writable, ${Math.floor(free / mebibyte)} MiB free`;
  if (free < neededBytes)
    return { state: 'failed', message, hint: `At least ${neededBytes / mebibyte} MiB are needed.` };
  if (free < tightBytes)
    return { state: 'warning', message, hint: 'Logs and models soon need more than that.' };
  return { message };
}

async function python(shell: SiteShell, line: FlareLine | undefined, context: Context): Promise<Outcome> {
  const values = valuesOf(await shell.must('Looking at Python', readPython, [], context));
  const path = values.get('python');
  const hint = 'Install NVFlare on the host, and name the folder of its python3 as "path" in desk.yml.';
  if (path === undefined || path === 'none') return { state: 'failed', message: 'no python3 on PATH', hint };
  const found = `${path} ${values.get('version') ?? ''}`.trim();
  const version = values.get('nvflare');
  if (version === undefined || version === 'none')
    return { state: 'failed', message: `${found} has no nvflare`, hint };
  const message = `${found}, nvflare ${printable(version)}`;
  if (line === undefined) return { message };
  let there: FlareLine | undefined;
  try {
    there = flareLineOf(version);
  } catch {
    there = undefined;
  }
  if (there === line) return { message };
  return {
    state: 'failed',
    message: `${message}, but the kit is for the line of ${line}`,
    hint: `Install nvflare==${line} on the host, or provision for the version that is there (--flare).`,
  };
}

export async function clock(shell: SiteShell, context: Context): Promise<Outcome> {
  const asked = Date.now();
  const lines = await shell.must('Reading the clock', 'date +%s', [], context);
  const answered = Date.now();
  const there = Number(lines[0]);
  if (!Number.isInteger(there)) return { state: 'warning', message: 'the clock cannot be read' };
  // The host shows whole seconds; the middle of the question is our best guess of the moment.
  const skew = Math.round(there + 0.5 - (asked + answered) / 2000);
  const off = Math.abs(skew);
  const message = off <= 1 ? 'in step' : `${off} s ${skew > 0 ? 'ahead of' : 'behind'} this machine`;
  if (off > skewErrorSeconds)
    return { state: 'failed', message, hint: 'Set the clock (NTP): certificates depend on it.' };
  return off > skewWarningSeconds ? { state: 'warning', message, hint: 'Set the clock (NTP).' } : { message };
}

async function ports(
  shell: SiteShell,
  wanted: readonly number[],
  status: RawStatus,
  context: Context,
): Promise<Outcome> {
  const open = await openPorts(shell, wanted, context);
  if (status.process === 'running') {
    const closed = wanted.filter((port) => !open.includes(port));
    if (closed.length === 0) return { message: `${wanted.join(', ')} open, by the running participant` };
    return { state: 'warning', message: `the participant runs, but port ${closed.join(', ')} is not open` };
  }
  if (open.length === 0) return { message: `${wanted.join(', ')} free` };
  return {
    state: 'failed',
    message: `port ${open.join(', ')} in use by something else`,
    hint: 'Find its owner on the host (ss -ltnp), or give the project other ports.',
  };
}

export async function reach(
  shell: SiteShell,
  goals: readonly { host: string; port: number }[],
  context: Context,
): Promise<Outcome> {
  const args = goals.flatMap(({ host, port }) => [host, String(port)]);
  const lines = await shell.must('Trying the server', tryReach, args, context);
  const answers = lines
    .filter((line) => line.startsWith('reach '))
    .map((line) => line.slice('reach '.length));
  const outcomes = goals.map(({ host, port }, index) => reached(`${host}:${port}`, host, answers[index]));
  const worst =
    outcomes.find((outcome) => outcome.state === 'failed') ??
    outcomes.find((outcome) => outcome.state === 'warning');
  const message = outcomes.map((outcome) => outcome.message).join('; ');
  return {
    ...(worst?.state ? { state: worst.state } : {}),
    message,
    ...(worst?.hint ? { hint: worst.hint } : {}),
  };
}

function reached(place: string, host: string, answer: string | undefined): Outcome {
  if (answer === 'open') return { message: `${place} answers` };
  if (answer === 'refused')
    return {
      state: 'warning',
      message: `${place} refuses: nothing listens there yet`,
      hint: 'In order before the server is started; else look at the server and its ports.',
    };
  if (answer === 'unresolved')
    return {
      state: 'failed',
      message: `the host cannot resolve ${host}`,
      hint: `Add ${host} to DNS or to /etc/hosts of this host, or set default_host of the server in project.yml.`,
    };
  if (answer === 'silent')
    return { state: 'failed', message: `${place} does not answer`, hint: 'A firewall on the way drops it.' };
  return {
    state: 'failed',
    message: `${place} cannot be reached${answer ? ` (${printable(answer.replace(/^failed /, ''))})` : ''}`,
    hint: 'Check the network between this host and the server.',
  };
}
