/** The hosts of the main job: one real sshd per participant, each with its own home and a key of its own. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endMarked, newMark } from '../../lab/keeper.ts';
import { type FlareVersion, flareBin } from '../../lab/nvflare.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import type { HostWords } from './wizard.ts';

export const participants = ['localhost', 'site-1', 'site-2'] as const;

/** What the hosts are called in ~/.ssh/config, in the order of the participants. */
const aliases = ['flare-server', 'hospital-a', 'hospital-b'] as const;

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

/** Names the hosts in the ~/.ssh/config of this home, as admins do: port and key need not be typed then. */
export async function withAliases(hosts: LabHosts, home: string): Promise<LabHosts> {
  const named = participants.map((name, index) => ({
    alias: aliases[index] ?? name,
    ...hosts.words(name),
    name,
  }));
  const config = named.map(
    ({ alias, address, port, identity }) =>
      `Host ${alias}\n  HostName ${address}\n  Port ${port}\n  IdentityFile ${identity}\n`,
  );
  await mkdir(join(home, '.ssh'), { recursive: true, mode: 0o700 });
  await writeFile(join(home, '.ssh', 'config'), config.join(''), { mode: 0o600 });
  return {
    ...hosts,
    words(name) {
      const { user, directory, path } = hosts.words(name);
      return { address: named.find((one) => one.name === name)?.alias ?? name, user, directory, path };
    },
  };
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
