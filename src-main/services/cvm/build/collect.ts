/** From the builder's last words to the archive in the kit's place. */
import { join } from 'node:path';
import { DeskError } from '../../../contract/errors.ts';
import { failureHint } from '../../../domain/cc/build-log.ts';
import { type Build, type BuildTools, say } from './build.ts';
import type { BuildEnd } from './follow.ts';
import { type Machine, must, valuesOf } from './machine.ts';
import { publish, stage } from './publish.ts';
import { hashResult, lookAtResult } from './scripts.ts';
import type { BuildResult } from './types.ts';

const longMs = 24 * 3600 * 1000;

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
