/** One image build on its host: the host taken, kit and config brought, the builder begun and followed. */
import { join } from 'node:path';
import { DeskError } from '../../../contract/errors.ts';
import { readKit, tarOf } from '../../sites/index.ts';
import { type Build, type BuildTools, say } from './build.ts';
import { configFor, vmsInTheWay } from './check-host.ts';
import { endBuild } from './end-build.ts';
import { type BuildEnd, follow, type FollowCursor } from './follow.ts';
import { type Machine, must, valuesOf } from './machine.ts';
import { prepareBuild, reserve, runnerScript, takeAndBegin } from './scripts.ts';
import type { BuildRecord } from './types.ts';

const longMs = 24 * 3600 * 1000;

/** Asks for the host; once more when who has it is a process of ours that is gone. */
async function askFor(tools: BuildTools, ask: (gone: string) => Promise<string[]>): Promise<string[]> {
  const lines = await ask('');
  const former = valuesOf(lines).get('process');
  if (former === undefined || former === tools.process || tools.isAlive(former)) return lines;
  return ask(former);
}

/** Who has the host, in words; undefined when it is ours. */
function holderOf(machine: Machine, answer: Map<string, string>): string | undefined {
  if (answer.has('taken')) return undefined;
  const since = Number(answer.get('since')) * 1000;
  const who = answer.get('who') || 'somebody';
  const time = since > 0 ? ` since ${new Date(since).toISOString()}` : '';
  return `${machine.label} is taken by ${who}${time}. If nobody builds there any more, remove ${answer.get('lock') ?? 'its lock'} on it.`;
}

/** Takes the host. Answers undefined when it is ours, else who has it, in words. */
export async function reserveHost(
  { record, signal }: Build,
  machine: Machine,
  tools: BuildTools,
): Promise<string | undefined> {
  const answer = valuesOf(
    await askFor(tools, (gone) =>
      must(
        machine,
        'Reserving the builder',
        reserve,
        [record.id, tools.owner, tools.who, tools.process, gone],
        { signal },
      ),
    ),
  );
  const home = answer.get('home');
  if (home) machine.home ??= home;
  return holderOf(machine, answer);
}

/** Brings kit and config to the host. Nothing begins by this; the host may be building another image. */
export async function sendBuild(
  build: Build,
  machine: Machine,
  tools: BuildTools,
  home: string,
): Promise<void> {
  const { request, record, signal } = build;
  const config = Buffer.from(configFor(build, machine, home).text);
  const wanted = `owner ${tools.owner}\nsite ${request.site}\nproject ${request.project}\nprod ${request.prod}\nfrom ${tools.who}\n`;
  const args = [record.id, machine.isLocal ? '' : request.site, wanted, String(config.length)];
  const send = (stdin: Uint8Array | AsyncIterable<Uint8Array>) =>
    must(machine, 'Sending kit and config', prepareBuild, args, { signal, stdin, timeoutMs: longMs });
  if (machine.isLocal) return void (await send(config));
  const packed = await readKit(join(request.prod, request.site), 'kit', signal);
  const tar = tarOf(packed, () => undefined);
  try {
    await send(oneAfterAnother(config, tar as AsyncIterable<Uint8Array>));
  } finally {
    tar.destroy();
  }
}

async function* oneAfterAnother(first: Uint8Array, rest: AsyncIterable<Uint8Array>) {
  yield first;
  yield* rest;
}

/**
 * Takes the host and begins what `sendBuild` brought there. After this the build goes on whatever becomes of us. Answers
 * undefined then; who has the host, in words; or the error that says why this host cannot build it.
 */
export async function beginBuild(
  build: Build,
  machine: Machine,
  tools: BuildTools,
): Promise<string | DeskError | undefined> {
  const { request, record, signal } = build;
  const { command, name } = machine.host;
  const folder = machine.isLocal ? request.folder : '';
  const careful = request.allowRunningVms === true ? '' : 'careful';
  // Written down first: a crash in between is then found again on the host.
  await build.change({ state: 'building', host: name, startedAt: tools.clock.now(), note: undefined });
  say(build, tools, `${command} begins on ${machine.label}`);
  const lines = await askFor(tools, (gone) =>
    must(
      machine,
      'Starting the build',
      takeAndBegin,
      [record.id, tools.owner, tools.who, tools.process, gone, command, folder, runnerScript, careful],
      { signal },
    ),
  );
  return holderOf(machine, valuesOf(lines)) ?? vmsInTheWay(build, machine, lines);
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
