/** What the site tests share: hosts, targets, and places that are full or read-only. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  runSites,
  type SiteResult,
  type SitesOptions,
  type SiteStep,
  type SiteTarget,
} from '../../../src-main/services/sites/index.ts';
import { smallDisk } from '../../lab/small-disk.ts';
import type { Sshd } from '../../lab/sshd.ts';

export const newFolder = (name: string) => mkdtempSync(join(tmpdir(), `flaredesk-${name}-`));

export const sshSettings = (folder: string, user: string): SitesOptions['ssh'] => ({
  home: join(folder, 'home-of-the-admin'),
  auth: { defaultUser: user },
  hostKeys: { ownFile: join(folder, 'known_hosts'), readFiles: [] },
});

/** A target on a lab host. `port` replaces the host's own (a proxy before it). */
export function targetOn(
  sshd: Sshd,
  directory: string,
  change: Partial<SiteTarget> & { port?: number } = {},
): SiteTarget {
  const { port, ...rest } = change;
  return {
    name: 'site-1',
    type: 'client',
    ssh: { host: sshd.host, port: port ?? sshd.port, identity: sshd.identity, hostKey: sshd.fingerprint },
    directory,
    prod: 'prod_00',
    ...rest,
  };
}

export async function run(
  step: SiteStep,
  target: SiteTarget,
  ssh: SitesOptions['ssh'],
  more: Partial<SitesOptions> = {},
  context: Parameters<typeof runSites>[1] = {},
): Promise<SiteResult> {
  const { sites } = await runSites({ step, targets: [target], ssh, settleMs: 800, ...more }, context);
  const [site] = sites;
  if (!site) throw new Error('no site came back');
  return site;
}

export const stepOf = (site: SiteResult, name: string) => site.steps.find((step) => step.name === name);

/** A folder nobody can write in, root included where it can be mounted. */
export function readOnlyFolder(folder: string): () => void {
  const disk = smallDisk(folder, 'size=1m');
  if (disk) {
    disk.readOnly();
    return () => disk.unmount();
  }
  chmodSync(folder, 0o555);
  return () => {
    chmodSync(folder, 0o755);
    rmSync(folder, { recursive: true, force: true });
  };
}
