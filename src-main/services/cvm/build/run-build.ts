/** One image build, from the look at its host to the archive in the kit's place. The queue gives it a machine. */
import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DeskError } from '../../../contract/errors.ts';
import { buildConfig } from '../../../domain/cc/build-config.ts';
import { failureHint } from '../../../domain/cc/build-log.ts';
import type { Clock } from '../../../ports.ts';
import { readKit, tarOf } from '../../sites/index.ts';
import type { BuildLogs } from './build-logs.ts';
import { type BuildEnd, follow, type FollowCursor, type Watchdog } from './follow.ts';
import { linesOf, type Machine, must, valuesOf } from './machine.ts';
import { publish, stage } from './publish.ts';
import {
  begin,
  clean,
  end,
  hashResult,
  leftOvers,
  lookAround,
  lookAtResult,
  prepare,
  receiveKit,
  release,
  reserve,
  runnerScript,
} from './scripts.ts';
import type { BuildRecord, BuildRequest, BuildResult, LeftOver } from './types.ts';

export interface BuildTools {
  clock: Clock;
  logs: BuildLogs;
  /** This installation, in the locks and requests on hosts. */
  owner: string;
  /** For people who find our lock: `anna@console`. */
  who: string;
  /** This process, told apart from every other one. */
  process: string;
  /** Whether a process named so still runs. */
  isAlive: (process: string) => boolean;
  /** Throws when the kit is not whole and signed. */
  verifyKit: (kit: string, signal: AbortSignal) => Promise<void>;
  /** Throws `integrity` when the archive is no bundle of this kit; answers what is worth knowing. */
  verifyBundle: (
    archive: string,
    context: { site: string; kit: string; signal: AbortSignal; sha256: string },
  ) => Promise<{ notes: string[] }>;
  watchdog: Watchdog;
  pollMs: number;
}

/** A build under way. `change` writes the record down and tells it. */
export interface Build {
  request: BuildRequest;
  record: BuildRecord;
  signal: AbortSignal;
  change: (changes: Partial<BuildRecord>) => Promise<void>;
}

const cleanupMs = 20_000;
const longMs = 24 * 3600 * 1000;
/** Seconds a builder may take to end after it was asked to. */
const graceSeconds = 5;
/** Room a host needs beside the drives: the kit and the logs of the build. */
const spareBytes = 64 * 1024 * 1024;

export const newBuildId = (): string => randomBytes(6).toString('hex');

function say(build: Build, tools: BuildTools, text: string): void {
  tools.logs.add(build.record.id, [{ at: tools.clock.now(), from: 'desk', text }]);
}

/** The config text and what it needs, with paths as they are on the machine. `home` is the account's home there. */
function configFor({ request, record }: Build, machine: Machine, home: string) {
  const folder = dirname(request.config.file);
  const absolute = (path: string): string => {
    if (path === '~' || path.startsWith('~/')) return join(machine.isLocal ? homedir() : home, path.slice(1));
    if (path.startsWith('/')) return path;
    if (machine.isLocal) return resolve(folder, path);
    throw new DeskError(
      'invalid_input',
      `${request.config.file}: "${path}" is not absolute, but ${machine.label} is another machine.`,
      { hint: 'Write the absolute path it has on the builder host.' },
    );
  };
  const kit = machine.isLocal
    ? join(request.prod, request.site)
    : `${folderOn(machine, home)}/jobs/${record.id}/${request.site}`;
  return buildConfig(request.config.document, request.config.file, { kit, absolute });
}

const folderOn = ({ host }: Machine, home: string): string => host.directory.replace(/^~(?=\/|$)/, home);

/**
 * Looks whether the host can build: the builder is there, the files it reads, the tools, room, no virtual machines. Throws with
 * everything that is wrong; answers what is only odd, and the home folder there.
 */
export async function checkHost(build: Build, machine: Machine): Promise<{ home: string; notes: string[] }> {
  const { request, signal } = build;
  const { command } = machine.host;
  const look = async (files: string[]) =>
    must(machine, 'Looking at the builder', lookAround, [command, ...files], { signal });
  machine.home ??= valuesOf(await look([])).get('home') ?? '';
  const { home } = machine;
  const config = configFor(build, machine, home);
  const lines = await look(config.files.map(({ path }) => path));
  const starting = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const wrong: { message: string; hint: string }[] = [];
  const [kind = '', ...rest] = (valuesOf(lines).get('command') ?? '').split(' ');
  const path = rest.join(' ');
  if (kind === 'missing')
    wrong.push({
      message: `the image builder ${path} is not there`,
      hint: 'Write its absolute path as build_image_cmd in project.yml, or as "command" of the builder in desk.yml.',
    });
  if (kind === 'folder')
    wrong.push({ message: `the image builder ${path} is a folder`, hint: 'Name the program in it.' });
  if (kind === 'mode')
    wrong.push({ message: `the image builder ${path} is not executable`, hint: `chmod +x ${path}` });
  for (const line of starting('file')) {
    if (!line.startsWith('missing ')) continue;
    const missing = line.slice('missing '.length);
    const field = config.files.find((file) => file.path === missing)?.field ?? 'a file';
    wrong.push({
      message: `${field} ${missing} is not there or cannot be read`,
      hint: 'Copy it to the builder host, or correct the path in the cc_config file.',
    });
  }
  const tools = starting('tool');
  if (tools.length > 0)
    wrong.push({
      message: `${tools.join(', ')} ${tools.length === 1 ? 'is' : 'are'} missing`,
      hint: 'Builds need Linux with util-linux, coreutils and procps.',
    });
  const free = Number(valuesOf(lines).get('free') ?? Number.NaN) * 1024;
  if (free < spareBytes)
    wrong.push({
      message: `${machine.host.directory} has only ${Math.floor(free / 1024 / 1024)} MiB left`,
      hint: 'Free some space on the builder host.',
    });
  const vms = starting('used').filter((line) => line.startsWith('process '));
  if (vms.length > 0 && request.allowRunningVms !== true)
    wrong.push({
      message: `${vms.length === 1 ? 'a virtual machine runs' : `${vms.length} virtual machines run`} there (${vms
        .map((line) => `process ${line.split(' ')[1]}`)
        .join(', ')})`,
      hint: 'Image builders are known to end every QEMU of their host. Build elsewhere, or say that they may be ended.',
    });
  if (wrong.length > 0)
    throw new DeskError(
      'remote_failed',
      `${machine.label} cannot build ${request.site}: ${wrong.map(({ message }) => message).join('; ')}.`,
      {
        hint: wrong[0]?.hint ?? '',
        ...(wrong.length > 1 ? { fields: wrong } : {}),
      },
    );
  const needed = config.driveGigabytes * 1e9;
  const notes: string[] = [];
  if (free < needed)
    notes.push(
      `${machine.label} has ${Math.floor(free / 1e9)} GB free, the drives of the image may take ${config.driveGigabytes} GB.`,
    );
  if (vms.length > 0) notes.push(`Virtual machines run on ${machine.label}; the builder may end them.`);
  return { home, notes };
}

/** Takes the host. Answers undefined when it is ours, else who has it, in words. */
export async function reserveHost(
  { record, signal }: Build,
  machine: Machine,
  tools: BuildTools,
): Promise<string | undefined> {
  const ask = async (gone: string) => {
    const args = [record.id, tools.owner, tools.who, tools.process, gone];
    return valuesOf(await must(machine, 'Reserving the builder', reserve, args, { signal }));
  };
  let answer = await ask('');
  const former = answer.get('process');
  if (former !== undefined && former !== tools.process && !tools.isAlive(former)) answer = await ask(former);
  if (answer.has('taken')) return undefined;
  const since = Number(answer.get('since')) * 1000;
  const who = answer.get('who') || 'somebody';
  const time = since > 0 ? ` since ${new Date(since).toISOString()}` : '';
  return `${machine.label} is taken by ${who}${time}. If nobody builds there any more, remove ${answer.get('lock') ?? 'its lock'} on it.`;
}

/** Brings kit and config to the host and begins. After this the build goes on whatever becomes of us. */
export async function beginBuild(
  build: Build,
  machine: Machine,
  tools: BuildTools,
  home: string,
): Promise<void> {
  const { request, record, signal } = build;
  const kit = join(request.prod, request.site);
  await build.change({ state: 'sending' });
  const wanted = `owner ${tools.owner}\nsite ${request.site}\nproject ${request.project}\nprod ${request.prod}\nfrom ${tools.who}\n`;
  await must(machine, 'Making the folder of the build', prepare, [record.id], { signal, stdin: wanted });
  if (!machine.isLocal) {
    const packed = await readKit(kit, 'kit', signal);
    const tar = tarOf(packed, () => undefined);
    try {
      await must(machine, 'Sending the kit', receiveKit, [record.id, request.site], {
        signal,
        stdin: tar as AsyncIterable<Uint8Array>,
        timeoutMs: longMs,
      });
    } finally {
      tar.destroy();
    }
  }
  const config = configFor(build, machine, home);
  const folder = machine.isLocal ? request.folder : '';
  // Written down first: a crash in between is then found again on the host.
  await build.change({ state: 'building', startedAt: tools.clock.now(), note: undefined });
  say(build, tools, `${machine.host.command} begins on ${machine.label}`);
  await must(machine, 'Starting the build', begin, [record.id, machine.host.command, folder, runnerScript], {
    signal,
    stdin: config.text,
  });
}

/** Follows a begun build to its end; on `cancelled` and `timeout` it is ended on the host and what is left over is told. */
export async function followBuild(
  build: Build,
  machine: Machine,
  tools: BuildTools,
  cursor: FollowCursor,
  leave: () => boolean,
): Promise<BuildEnd> {
  const { record } = build;
  let writing: Promise<void> = Promise.resolve();
  const change = (changes: Partial<BuildRecord>): void => {
    writing = writing.then(() => build.change(changes));
  };
  try {
    const ended = await follow(machine, record.id, cursor, {
      clock: tools.clock,
      intervalMs: tools.pollMs,
      watchdog: tools.watchdog,
      signal: build.signal,
      onLines: (lines) => tools.logs.add(record.id, lines),
      onStage: (found) => {
        if (found !== record.stage) change({ stage: found });
      },
      onNote: (note) => change({ note }),
    });
    await writing;
    return ended;
  } catch (error) {
    await writing;
    const code = error instanceof DeskError ? error.code : undefined;
    if (leave() || (code !== 'cancelled' && code !== 'timeout')) throw error;
    await endBuild(build, machine, tools).catch((cause: unknown) => {
      throw new DeskError(
        'remote_failed',
        `The build of ${build.request.site} may go on: it could not be ended on ${machine.label}.`,
        {
          hint: 'Cancel it again when the host can be reached.',
          retryable: true,
          cause,
        },
      );
    });
    throw error;
  }
}

/** Ends a build on its host for good and gives the host free. What is left over is put into the record. */
export async function endBuild(build: Build, machine: Machine, tools: BuildTools): Promise<void> {
  const { record } = build;
  const found = await must(machine, 'Ending the build', end, [record.id, String(graceSeconds)], {
    timeoutMs: cleanupMs,
  });
  await tellLeftOvers(build, tools, found);
  await giveFree(build, machine);
  await machine.run(clean, [record.id], { timeoutMs: cleanupMs });
}

/** Gives the host free for the next build. */
export async function giveFree(build: Build, machine: Machine): Promise<void> {
  await machine.run(release, [build.record.id], { timeoutMs: cleanupMs });
}

/** What is left on the host after a build that failed. */
export async function noteLeftOvers(build: Build, machine: Machine, tools: BuildTools): Promise<void> {
  const { code, ...rest } = await machine.run(leftOvers, [build.record.id], { timeoutMs: cleanupMs });
  if (code === 0) await tellLeftOvers(build, tools, linesOf({ code, ...rest }));
}

/** A mapping may be called anything; the command is there to be copied into a shell. */
const quoted = (name: string): string =>
  /^[\w.:@%+][\w.:@%+-]*$/.test(name) ? name : `-- '${name.replaceAll("'", "'\\''")}'`;

async function tellLeftOvers(build: Build, tools: BuildTools, lines: readonly string[]): Promise<void> {
  const found = lines.flatMap((line): LeftOver[] => {
    const [word, kind, ...rest] = line.split(' ');
    const [first = ''] = rest;
    if (word !== 'left') return [];
    const name = kind === 'luks' ? rest.join(' ') : first;
    if (kind === 'process') return [{ kind, name, command: `kill ${name}`, certain: false }];
    if (kind === 'nbd')
      return [{ kind, name, command: `sudo qemu-nbd --disconnect /dev/${name}`, certain: false }];
    if (kind === 'luks')
      return [{ kind, name, command: `sudo cryptsetup close ${quoted(name)}`, certain: false }];
    return [];
  });
  if (found.length === 0) return;
  for (const { kind, name, command } of found)
    say(build, tools, `Left over since this build began: ${kind} ${name}; to end it: ${command}`);
  await build.change({ leftOvers: found });
}

/** The path of the result, or the error that says why there is none. */
export async function resultOf(
  build: Build,
  machine: Machine,
  ended: BuildEnd,
): Promise<{ path: string; bytes: number }> {
  const { site } = build.request;
  const said = ended.lastLines.slice(-3).join(' | ').slice(0, 500);
  const hint = failureHint(ended.lastLines) ?? 'See its log; retry when the cause is gone.';
  const failed = (message: string, way = hint) =>
    new DeskError('remote_failed', `The image of ${site} was not built on ${machine.label}: ${message}`, {
      hint: way,
      retryable: true,
    });
  if (ended.cancelled) throw new DeskError('cancelled', `The build of ${site} was cancelled.`);
  if (ended.code === undefined)
    throw failed('the build vanished; the host was restarted, or somebody ended it.', 'Retry it.');
  if (ended.code !== 0)
    throw failed(
      `the builder ended with status ${ended.code}${said === '' ? ' and wrote nothing.' : `; its last words: ${said}`}`,
    );
  if (ended.ready === undefined)
    throw failed(
      `the builder ended without the line "CVM Bundle <path> is ready" on standard output${said === '' ? '.' : `; its last words: ${said}`}`,
    );
  const facts = valuesOf(await must(machine, 'Looking at the result', lookAtResult, [ended.ready], {}));
  const kind = facts.get('kind');
  if (kind !== 'file') {
    const why: Record<string, string> = {
      relative: 'is not an absolute path',
      folder: 'is a folder, not an archive',
      missing: 'is not there',
      special: 'is no file',
      unreadable: 'cannot be read by this account',
    };
    throw failed(
      `the builder names ${ended.ready} as its result, which ${why[kind ?? ''] ?? 'cannot be used'}.`,
    );
  }
  return { path: ended.ready, bytes: Number(facts.get('size')) };
}

/** Fetches the result, verifies it and puts it in the kit's place. Until then the kit stays as it is. */
export async function collect(
  build: Build,
  machine: Machine,
  tools: BuildTools,
  found: { path: string; bytes: number },
  progress: (done: number, total: number) => void,
): Promise<BuildResult> {
  const { request, record, signal } = build;
  await build.change({ state: 'fetching', note: undefined });
  const staging = await stage(request.prod, request.site, record.id);
  const hash = async (): Promise<string> => {
    const { output } = await machine.run(hashResult, [found.path], { signal, timeoutMs: longMs });
    return /^[0-9a-f]{64}/.exec(output.toString('latin1').trim())?.[0] ?? '';
  };
  const [sha256] = await Promise.all([
    hash(),
    machine.fetch(found.path, staging.archive, {
      bytes: found.bytes,
      signal,
      progress: (done) => progress(done, found.bytes),
    }),
  ]);
  if (sha256 === '')
    throw new DeskError('unsupported', `${machine.label} has no tool to compute SHA-256.`, {
      hint: 'Install coreutils (sha256sum) or openssl there.',
    });
  await build.change({ state: 'verifying' });
  const { notes } = await tools.verifyBundle(staging.archive, {
    site: request.site,
    kit: join(request.prod, request.site),
    signal,
    sha256,
  });
  const archive = await publish(request.prod, request.site, record.id);
  say(build, tools, `${archive}: ${found.bytes} bytes, verified`);
  return { archive, bytes: found.bytes, sha256, builderPath: found.path, notes };
}

/** Removes what is ours on the host. Kept quiet: the build has its outcome already. */
export async function cleanUp(build: Build, machine: Machine): Promise<void> {
  if (machine.isOpen)
    await machine.run(clean, [build.record.id], { timeoutMs: cleanupMs }).catch(() => undefined);
}
