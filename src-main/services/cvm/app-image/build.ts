/** `docker build` and `docker save | gzip` on this machine or on a builder host, followed live. */
import { lstat, readdir } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';
import { DeskError } from '../../../contract/errors.ts';
import type { Clock, ReportProgress } from '../../../ports.ts';
import {
  beginJob,
  type BuildLogLine,
  clearJob,
  endJob,
  type Machine,
  followJob,
  newBuildId,
} from '../build/index.ts';

export interface AppImageBuild {
  /** Absolute path of the folder with the Dockerfile. */
  folder: string;
  /** Name for the image: `nvflare-site`. */
  tag: string;
  /** Absolute path of the archive on the machine that builds. */
  archive: string;
}

/** Runs on the machine: `$1` is a file with the tag and the archive's path. Says nothing of its own but errors. */
const script = `#!/bin/sh
{ read -r tag; read -r archive; } < "$1"
here=$(dirname "$0")
command -v docker > /dev/null || { echo 'docker: command not found' >&2; exit 127; }
docker build --progress=plain -t "$tag" -f "$here/context/Dockerfile" "$here/context" || exit
umask 077
mkdir -p "$(dirname "$archive")" || exit
part=$archive.part
trap 'rm -f "$part"; exit 143' TERM INT
echo "docker save $tag | gzip > $archive"
{ docker save "$tag" || : > "$here/failed"; } | gzip > "$part" || { rm -f "$part"; exit 1; }
if [ -e "$here/failed" ]; then rm -f "$part"; exit 1; fi
mv -f "$part" "$archive" && wc -c < "$archive"
`;

/** Known texts of a failing docker, and the way out. */
const reasons: readonly [RegExp, string][] = [
  [/docker: command not found/, 'Install Docker on the machine that builds, or build on another one.'],
  [
    /cannot connect to the docker daemon|is the docker daemon running/i,
    'Start Docker there: sudo systemctl start docker',
  ],
  [/permission denied.*docker/i, 'Put the account into the group "docker" there, and log in again.'],
  [/no space left on device/i, 'Free some space there (docker system df tells who uses it).'],
  [
    /could not find a version|no matching distribution/i,
    'A requirement cannot be installed: see the log, correct requirements.txt.',
  ],
];

/**
 * Builds and saves the image. The archive appears whole or not at all; one that was there is replaced at the end. Throws `not_found` (no
 * Dockerfile), `remote_failed` with the last words of Docker, `cancelled` (the processes are ended), those of the connection.
 */
export async function buildAppImage(
  build: AppImageBuild,
  machine: Machine,
  options: {
    clock: Clock;
    signal: AbortSignal;
    report?: ReportProgress;
    onLines: (lines: BuildLogLine[]) => void;
  },
): Promise<{ archive: string }> {
  for (const text of [build.tag, build.archive])
    if (/[\p{Cc}]/u.test(text)) throw new DeskError('invalid_input', 'Names hold no control characters.');
  const id = newBuildId();
  const job = { id, label: build.tag };
  options.report?.({ step: 'send' });
  const tar = pack();
  try {
    const filled = fill(tar, build.folder);
    filled.catch((error: unknown) => tar.destroy(error as Error));
    await Promise.all([
      beginJob(machine, job, {
        script,
        input: `${build.tag}\n${build.archive}\n`,
        context: tar as AsyncIterable<Uint8Array>,
        signal: options.signal,
      }),
      filled,
    ]);
    options.report?.({ step: 'docker' });
    const ended = await followJob(machine, id, {
      clock: options.clock,
      signal: options.signal,
      onLines: (lines) => {
        options.onLines(lines);
        const last = lines.at(-1)?.text;
        if (last !== undefined) options.report?.({ step: 'docker', message: last.slice(0, 200) });
      },
    });
    if (ended.code !== 0) {
      const said = ended.lastLines.slice(-3).join(' | ').slice(0, 500);
      const hint = reasons.find(([words]) => ended.lastLines.some((line) => words.test(line)))?.[1];
      throw new DeskError(
        'remote_failed',
        `The image ${build.tag} was not built on ${machine.label}: ${said || 'Docker said nothing'}.`,
        {
          hint: hint ?? 'See the log of the task.',
          retryable: true,
        },
      );
    }
    return { archive: build.archive };
  } catch (error) {
    await endJob(machine, id).catch(() => undefined);
    throw error;
  } finally {
    tar.destroy();
    await clearJob(machine, id);
  }
}

/** The folder as Docker's build context. Links and special files are refused: they would mean something else elsewhere. */
async function fill(tar: Pack, folder: string): Promise<void> {
  const walk = async (below: string): Promise<void> => {
    for (const name of (await readdir(join(folder, below))).sort()) {
      const path = below === '' ? name : `${below}/${name}`;
      const found = await lstat(join(folder, path));
      if (found.isDirectory()) {
        tar.entry({ name: path, type: 'directory', mode: 0o755 });
        await walk(path);
      } else if (found.isFile()) {
        const mode = (found.mode & 0o100) === 0 ? 0o644 : 0o755;
        await pipeline(
          createReadStream(join(folder, path)),
          tar.entry({ name: path, size: found.size, mode }),
        );
      } else
        throw new DeskError('invalid_input', `${join(folder, path)} is a link or special file.`, {
          hint: 'Put plain files and folders beside the Dockerfile.',
        });
    }
  };
  try {
    if (!(await lstat(join(folder, 'Dockerfile'))).isFile()) throw new Error('no file');
  } catch (error) {
    throw new DeskError('not_found', `${join(folder, 'Dockerfile')} is not there.`, {
      hint: 'Write it first: flaredesk cvm app write FOLDER',
      cause: error,
    });
  }
  await walk('');
  tar.finalize();
}
