import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { DeskError } from '../../contract/errors.ts';
import { isAlive, ownMark, type ProcessMark } from './process-mark.ts';

/**
 * Takes the lock file, so that one run at a time writes a project's workspace. The lock of a process that is gone is
 * taken over. Answers the release. Throws `locked`, or the file system's error.
 */
export async function takeLock(file: string): Promise<() => Promise<void>> {
  const mark = await ownMark();
  const own = `${file}.${mark.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(own, JSON.stringify(mark), { mode: 0o600, flag: 'wx' });
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      if (await linked(own, file)) return () => rm(file, { force: true });
      await clearStale(file, own);
    }
  } finally {
    await rm(own, { force: true });
  }
  throw new DeskError('locked', `${file}: other runs keep taking this lock.`, { retryable: true });
}

/** What file systems without hard links answer. */
const noLinks = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'];

/** A hard link appears whole or not at all; where there are none, a new file must do. */
async function linked(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code === undefined || !noLinks.includes(code)) throw error;
  }
  try {
    await writeFile(file, await readFile(own), { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock if its owner is gone; throws `locked` if not. */
async function clearStale(file: string, own: string): Promise<void> {
  const text = await textOf(file);
  if (text === undefined) return;
  const mark = parseMark(text);
  if (mark === undefined || (await isAlive(mark))) {
    const who = mark === undefined ? 'another run' : `process ${mark.pid} on ${mark.host}`;
    throw new DeskError('locked', `This project is being provisioned by ${who}.`, {
      hint: `Wait until it ends. If nothing runs there any more, delete ${file}.`,
      retryable: true,
    });
  }
  // Two runs may find the same stale lock. Moving it away shows whether it is still the one that was read.
  const aside = `${own}.stale`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await textOf(aside)) !== text) await linked(aside, file);
  await rm(aside, { force: true });
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseMark(text: string): ProcessMark | undefined {
  try {
    const { pid, host, started } = JSON.parse(text) as Partial<ProcessMark>;
    if (typeof pid !== 'number' || typeof host !== 'string') return undefined;
    return { pid, host, ...(typeof started === 'string' ? { started } : {}) };
  } catch {
    return undefined;
  }
}
