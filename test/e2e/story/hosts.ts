/** The hosts of the main job: one real sshd per participant, each with its own home and a key of its own. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endMarked, newMark } from '../../lab/keeper.ts';
import { type FlareVersion, flareBin } from '../../lab/nvflare.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import type { HostWords } from './wizard.ts';

export const participants = ['localhost', 'site-1', 'site-2'] as const;

export interface LabHosts {
  sshds: Map<string, Sshd>;
  /** What the person types for this participant's host. */
  words(name: string): HostWords;
  stop(): Promise<void>;
}

/** Starts them below `folder`; everything that runs on them ends with `stop()`, or by itself after 170 s. */
export async function startHosts(folder: string, version: FlareVersion): Promise<LabHosts> {
  const mark = newMark();
  const sshds = new Map<string, Sshd>();
  const stop = async (): Promise<void> => {
    await Promise.all([...sshds.values()].map((sshd) => sshd.stop()));
    await endMarked(mark);
  };
  try {
    for (const name of participants) {
      sshds.set(name, await startSshd({ folder: join(folder, 'hosts', name), env: mark, limitMs: 170_000 }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const words = (name: string): HostWords => {
    const sshd = sshds.get(name);
    if (!sshd) throw new Error(`No host ${name}.`);
    return {
      address: sshd.host,
      port: sshd.port,
      user: sshd.user,
      identity: sshd.identity,
      directory: join(sshd.home, 'flare'),
      path: flareBin(version),
    };
  };
  return { sshds, words, stop };
}

/** Every file below a folder whose path ends so. */
export const filesBelow = async (place: string, ending: string): Promise<string[]> =>
  (await readdir(place, { recursive: true }))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(place, name));

/**
 * NVFlare's job store lies in /tmp/nvflare by default, shared by every server of the machine: the server's own admin
 * gives it one of its own, in the file that is a site's to change.
 */
export async function ownStorage(home: string): Promise<void> {
  for (const file of await filesBelow(home, 'local/resources.json.default')) {
    const text = await readFile(file, 'utf8');
    const own = text.replaceAll('/tmp/nvflare/', `${join(home, 'storage')}/`);
    await writeFile(file.replace(/\.default$/, ''), own, { mode: 0o600 });
  }
}
