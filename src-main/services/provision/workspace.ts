import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import { takeLock } from './lock.ts';

/** Places in `<workspace>/<project>` (docs/reference/provisioning.md §3.3). */
export interface WorkspacePaths {
  root: string;
  state: string;
  wip: string;
  lock: string;
}

export function workspacePaths(workspace: string, projectName: string): WorkspacePaths {
  const root = join(workspace, projectName);
  return { root, state: join(root, 'state'), wip: join(root, 'wip'), lock: join(root, '.provision.lock') };
}

/** The reference stops at this number without a word. */
const lastStage = 99;

/**
 * The name of the next kit folder: the largest number there is, plus one (docs/reference/provisioning.md §3.4).
 * Throws `conflict` for an entry that looks like one but has no number, and when the numbers are used up.
 */
export async function nextProd(root: string): Promise<string> {
  let last = -1;
  for (const name of await entriesOf(root)) {
    if (!name.startsWith('prod_')) continue;
    const digits = name.slice(name.lastIndexOf('_') + 1);
    if (!/^\d+$/.test(digits)) {
      throw new DeskError('conflict', `${join(root, name)}: after "prod_" comes a number.`, {
        hint: 'Give it a name that does not begin with prod_, or move it away.',
      });
    }
    last = Math.max(last, Number(digits));
  }
  if (last >= lastStage) {
    throw new DeskError('conflict', `${join(root, `prod_${last}`)} is the last number there is.`, {
      hint: 'Move the old prod_ folders away, then run again.',
    });
  }
  return `prod_${String(last + 1).padStart(2, '0')}`;
}

/** One run's hold on a workspace: locked, and put back as it was unless the run ends well. */
export interface WorkspaceHold {
  paths: WorkspacePaths;
  /** Moves the finished `wip` folder to its name. */
  publish(prod: string): Promise<string>;
  /** Removes `wip` and the folders this run has made and not filled, and gives the lock back. */
  release(): Promise<void>;
}

/** Locks the workspace and clears what a crashed run left. Throws `locked`, or the file system's error. */
export async function holdWorkspace(paths: WorkspacePaths): Promise<WorkspaceHold> {
  const made = await makeFolder(paths.root);
  const unmake = async () => {
    for (const folder of made.toReversed()) await rmdir(folder).catch(() => undefined);
  };
  let unlock: () => Promise<void>;
  try {
    unlock = await takeLock(paths.lock);
  } catch (error) {
    await unmake();
    throw error;
  }
  const release = async () => {
    await rm(paths.wip, { recursive: true, force: true });
    await unlock();
    await unmake();
  };
  try {
    await rm(paths.wip, { recursive: true, force: true });
    made.push(...(await makeFolder(paths.state)));
    await mkdir(paths.wip);
  } catch (error) {
    await release();
    throw error;
  }
  return {
    paths,
    release,
    async publish(prod) {
      const target = join(paths.root, prod);
      await rename(paths.wip, target);
      await syncFolder(paths.root);
      return target;
    },
  };
}

/** Makes a folder with all above it; answers the ones that were missing, from the top down. */
async function makeFolder(folder: string): Promise<string[]> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return [];
  const made: string[] = [];
  for (let at = folder; at.length >= first.length; at = dirname(at)) made.unshift(at);
  return made;
}

/** Makes a rename in this folder survive a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
