/** A real federation whose sites attest with the scripted authorizer of this folder. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../ports.ts';
import {
  type FlareVersion,
  type LabFederation,
  newLabFolder,
  provisionReference,
  startFederation,
} from '../nvflare.ts';
import { type ReferenceProject, referenceProject } from '../reference-project.ts';

const here = dirname(fileURLToPath(import.meta.url));

export interface SiteOrders {
  mode: 'pass' | 'bad' | 'slow' | 'raise' | 'plain_raise' | 'mock';
  /** Hex of the signed part of a report (`reportBody`). */
  report?: string;
  /** PEM file of the test chip. */
  key?: string;
  replay?: boolean;
  seconds?: number;
  refuse?: string[];
}

export interface AttestingFederation extends LabFederation {
  /** Changes what a site (by the name of its kit; `localhost` is the server) does from now on. */
  order(site: string, orders: SiteOrders): Promise<void>;
}

/** Provisions, adds the attester to every site's `local`, starts all. */
export async function startAttestingFederation(options: {
  version: FlareVersion;
  orders: Record<string, SiteOrders>;
  /** Seconds between checks of the peers. */
  interval: number;
  project?: Partial<ReferenceProject>;
}): Promise<AttestingFederation> {
  const { version, orders, interval } = options;
  const folder = await newLabFolder('attesting');
  const lab = join(folder, 'orders');
  await mkdir(lab);
  const order = (site: string, what: SiteOrders): Promise<void> =>
    writeFile(join(lab, `${site}.json`), JSON.stringify(what));
  for (const [site, what] of Object.entries(orders)) await order(site, what);
  const clients = Object.keys(orders).filter((name) => name !== 'localhost');
  const yaml = referenceProject({ ...options.project, version, clients, port: await freePort() });
  const { prod } = await provisionReference(version, yaml, join(folder, 'project'));
  for (const name of await readdir(prod)) {
    const local = join(prod, name, 'local');
    if (!existsSync(local) || existsSync(join(prod, name, 'startup', 'fed_admin.json'))) continue;
    const component = (id: string, path: string, args: object) =>
      writeFile(join(local, `${id}__p_resources.json`), JSON.stringify({ components: [{ id, path, args }] }));
    await component('snp_authorizer', 'lab_authorizer.LabAuthorizer', {});
    await component('cc_manager', 'nvflare.app_opt.confidential_computing.cc_manager.CCManager', {
      cc_issuers_conf: [{ issuer_id: 'snp_authorizer', token_expiration: 100 }],
      cc_verifier_ids: ['snp_authorizer'],
      verify_frequency: interval,
      cc_enabled_sites: ['server', ...clients],
    });
  }
  const federation = await startFederation({
    version,
    kits: prod,
    env: { LAB_ATTESTATION: lab, PYTHONPATH: here },
  });
  return { ...federation, prod, order };
}
