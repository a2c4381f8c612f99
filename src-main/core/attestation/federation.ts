/** What the kits of one run tell of the sites that are to prove themselves. */
import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Expectations } from '../../domain/attestation/index.ts';
import type { WatchedSite } from '../../services/attestation/index.ts';
import type { AdminSession } from '../../services/flare/index.ts';

export interface KnownFederation {
  server: string;
  sites: WatchedSite[];
  /** Seconds; the runtime's own default where no kit says it. */
  verifyFrequency: number;
}

const defaultFrequency = 600;
const mostSites = 2000;

interface KitFacts {
  name: string;
  server: boolean;
  configured: WatchedSite['configured'];
  gpu: boolean;
  frequency?: number;
}

/** Reads the kits beside an admin's kit; what lies packed in an archive is known by its name alone. */
export async function knownFederation(
  adminKit: string,
  session: AdminSession | undefined,
): Promise<KnownFederation> {
  const prod = dirname(adminKit);
  const names = (await readdir(prod, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && entry.name !== basename(adminKit))
    .map(({ name }) => name)
    .slice(0, mostSites);
  const kits = (await Promise.all(names.map((name) => kitFacts(prod, name)))).filter(
    (one) => one !== undefined,
  );
  const taking = await session?.confidentialSites().catch(() => undefined);
  const server = kits.find((kit) => kit.server)?.name ?? 'server';
  const cells = new Map((taking ?? []).map(({ fqcn, name }) => [fqcn === 'server' ? server : name, fqcn]));
  const unknown = [...cells.keys()].filter((name) => !kits.some((kit) => kit.name === name));
  return {
    server,
    verifyFrequency: kits.find(({ frequency }) => frequency !== undefined)?.frequency ?? defaultFrequency,
    sites: [
      ...kits.map(({ name, server: isServer, configured, gpu }) => ({
        name,
        fqcn: cells.get(name) ?? (isServer ? 'server' : name),
        // What the server counts as confidential is asked, whatever lies here.
        configured: configured === 'none' && cells.has(name) ? ('real' as const) : configured,
        gpu,
      })),
      ...unknown.map((name) => ({ name, fqcn: cells.get(name) ?? name, configured: 'real' as const })),
    ].sort(
      (one, other) =>
        Number(other.name === server) - Number(one.name === server) || (one.name < other.name ? -1 : 1),
    ),
  };
}

async function kitFacts(prod: string, name: string): Promise<KitFacts | undefined> {
  const folder = join(prod, name);
  const files = await readdir(folder).catch(() => [] as string[]);
  if (files.includes(`${name}.tgz`)) return { name, server: false, configured: 'real', gpu: false };
  const startup = await readdir(join(folder, 'startup')).catch(() => [] as string[]);
  const server = startup.includes('fed_server.json');
  if (!server && !startup.includes('fed_client.json')) return undefined;
  const manager = await componentOf(folder, 'cc_manager');
  if (manager === undefined) return { name, server, configured: 'none', gpu: false };
  const issuers = manager['cc_issuers_conf'];
  const ids = Array.isArray(issuers)
    ? issuers.map((one: unknown) => String((one as { issuer_id?: string } | null)?.issuer_id ?? ''))
    : [];
  const classes = await Promise.all(ids.map((id) => classOf(folder, id)));
  const frequency = manager['verify_frequency'];
  return {
    name,
    server,
    configured:
      classes.length > 0 && classes.every((path) => /\.MockAuthorizer$/.test(path)) ? 'mock' : 'real',
    gpu: classes.some((path) => /gpu/i.test(path)),
    ...(typeof frequency === 'number' ? { frequency } : {}),
  };
}

interface Component {
  id?: unknown;
  path?: unknown;
  args?: unknown;
}

async function componentsOf(folder: string, id: string): Promise<Component[]> {
  const text = await readFile(join(folder, 'local', `${basename(id)}__p_resources.json`), 'utf8').catch(
    () => undefined,
  );
  try {
    const document = text === undefined ? undefined : (JSON.parse(text) as { components?: Component[] });
    return Array.isArray(document?.components) ? document.components : [];
  } catch {
    return [];
  }
}

async function componentOf(folder: string, id: string): Promise<Record<string, unknown> | undefined> {
  const args = (await componentsOf(folder, id)).find((one) => one.id === id)?.args;
  return typeof args === 'object' && args !== null ? (args as Record<string, unknown>) : undefined;
}

async function classOf(folder: string, id: string): Promise<string> {
  const path = (await componentsOf(folder, id)).find((one) => one.id === id)?.path;
  return typeof path === 'string' ? path : '';
}

/** What each site is expected to measure, from the signed records beside the bundles of this run; the root is that of the admin's kit. */
export async function expectedOf(
  adminKit: string,
  chips: ReadonlyMap<string, string>,
  now: number,
): Promise<(site: string) => Expectations> {
  const { expectedMeasurements } = await import('../../services/cvm/index.ts');
  const measured = await expectedMeasurements(dirname(adminKit), {
    rootFingerprint: await rootFingerprintOf(adminKit),
    now,
  });
  return (site) => {
    const own = measured.get(site);
    const chip = chips.get(site);
    return {
      ...(own === undefined ? {} : { measurement: { bundle: own.bundle, value: own.measurement } }),
      ...(chip === undefined ? {} : { chips: [chip] }),
    };
  };
}

const rootFingerprintOf = (adminKit: string): Promise<string | undefined> =>
  readFile(join(adminKit, 'startup/rootCA.pem')).then(
    (pem) => new X509Certificate(pem).fingerprint256,
    () => undefined,
  );
