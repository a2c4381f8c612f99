import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ClassPolicy, defaultClassPolicy } from '../../domain/job/class-policy.ts';
import { serverSite } from '../../domain/job/deploy-map.ts';
import { isRecord } from '../../domain/record.ts';
import type { FlareLine } from '../../domain/project/model.ts';

/** What the kits beside an admin kit (the same `prod_NN`) tell about the sites. */
export interface ProjectKits {
  /** Only 2.8 kits have class lists. */
  line: FlareLine;
  /** Names of the client kits. */
  clients: string[];
  /** The class policy of the server and the clients; none for 2.7 kits, which have none. */
  policies: ClassPolicy[];
}

const maxResourcesBytes = 4 * 1024 * 1024;

/**
 * Reads the kits beside an admin kit: which clients the project has and which component classes each site allows
 * (docs/reference/provisioning.md §4.6–§4.7; `local/resources.json` counts before `resources.json.default`).
 * A kit that stands alone or cannot be read tells nothing: the answer is undefined when there is no client kit.
 */
export async function readProjectKits(adminKit: string): Promise<ProjectKits | undefined> {
  const prod = dirname(adminKit);
  const names = await readdir(prod).catch(() => []);
  const clients: string[] = [];
  const policies: ClassPolicy[] = [];
  for (const name of names.sort()) {
    const kit = join(prod, name);
    const isServer = await isThere(join(kit, 'startup', 'fed_server.json'));
    const isClient = !isServer && (await isThere(join(kit, 'startup', 'fed_client.json')));
    if (!isServer && !isClient) continue;
    if (isClient) clients.push(name);
    const policy = await readPolicy(kit, isServer ? serverSite : name);
    if (policy) policies.push(policy);
  }
  const line = policies.length > 0 ? '2.8.1' : '2.7.2';
  return clients.length === 0 ? undefined : { line, clients, policies };
}

async function readPolicy(kit: string, site: string): Promise<ClassPolicy | undefined> {
  const resources =
    (await readJson(join(kit, 'local', 'resources.json'))) ??
    (await readJson(join(kit, 'local', 'resources.json.default')));
  if (!isRecord(resources) || !('class_allow_list' in resources)) return undefined;
  const list = resources.class_allow_list;
  const allowList =
    Array.isArray(list) && list.every((entry) => typeof entry === 'string')
      ? list
      : defaultClassPolicy(site).allowList;
  return { site, allowList, mode: resources.class_list_enforcement_mode === 'warn' ? 'warn' : 'enforce' };
}

async function isThere(path: string): Promise<boolean> {
  return (await readFile(path).catch(() => undefined)) !== undefined;
}

async function readJson(path: string): Promise<unknown> {
  try {
    const bytes = await readFile(path);
    return bytes.length > maxResourcesBytes ? undefined : (JSON.parse(bytes.toString('utf8')) as unknown);
  } catch {
    return undefined;
  }
}
