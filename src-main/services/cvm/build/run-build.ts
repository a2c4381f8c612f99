/** One image build on its host: the host taken, kit and config brought, the builder begun and followed. */
import { join } from 'node:path';
import { DeskError } from '../../../contract/errors.ts';
import { readKit, tarOf } from '../../sites/index.ts';
import { type Build, type BuildTools, say } from './build.ts';
import { configFor } from './check-host.ts';
import { endBuild } from './end-build.ts';
import { type BuildEnd, follow, type FollowCursor } from './follow.ts';
import { type Machine, must, valuesOf } from './machine.ts';
import { begin, prepare, receiveKit, reserve, runnerScript } from './scripts.ts';
import type { BuildRecord } from './types.ts';

const longMs = 24 * 3600 * 1000;

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
