import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import type { FlareLine } from '../../domain/project/model.ts';
import { asDeskError, readFileBytes, readJsonObject } from './read-file.ts';
import { isRecord } from '../../domain/record.ts';

export type KitKind = 'server' | 'client' | 'relay' | 'admin';

/** What a kit's own configuration says about it (docs/reference/provisioning.md §4.2–§4.5). */
export interface Kit {
  kind: KitKind;
  /** Absolute path of the kit folder. */
  folder: string;
  /** The one `startup/fed_*.json`, relative to the folder. */
  configFile: string;
  /** The line the kit was made for, as far as its files tell. */
  line?: FlareLine;
  project?: string;
  /** The name the kit's certificate must carry; missing when the files do not say it (a POC admin). */
  name?: string;
  /** Name the server's certificate must carry. */
  serverIdentity?: string;
  scheme?: string;
  /** Where it connects to; the server: what it listens on. */
  host?: string;
  port?: number;
  adminPort?: number;
  connectionSecurity?: string;
  /** The `signature.json` in its startup folder exists. */
  signed: boolean;
  /** Files of startup that the configuration names: certificate, key, root. */
  certFile: string;
  keyFile: string;
  rootFile: string;
}

const kinds: readonly KitKind[] = ['server', 'client', 'relay', 'admin'];

/**
 * Opens the kit in a folder (or whose `startup` folder it is).
 * Throws `not_found` without such a folder, `invalid_input` when it holds no kit or its configuration is damaged.
 */
export async function openKit(path: string): Promise<Kit> {
  const folder = await kitFolder(resolve(path));
  const startup = await names(join(folder, 'startup'));
  const found = kinds.filter((kind) => startup.includes(`fed_${kind}.json`));
  const [kind, another] = found;
  if (kind === undefined) throw await notAKit(folder);
  if (another !== undefined) {
    throw new DeskError('invalid_input', `${folder} mixes the kits of a ${kind} and a ${another}.`, {
      hint: 'Unpack each kit into a folder of its own.',
    });
  }
  const configFile = `startup/fed_${kind}.json`;
  const config = await readJsonObject(join(folder, configFile));
  const signed = startup.includes('signature.json');
  const base = { kind, folder, configFile, signed, rootFile: 'startup/rootCA.pem' };
  const pair = (name: 'server' | 'client') => ({
    certFile: `startup/${name}.crt`,
    keyFile: `startup/${name}.key`,
  });
  const kit: Kit = {
    ...base,
    ...pair(kind === 'server' ? 'server' : 'client'),
    ...defined(readers[kind](config)),
  };
  const line = await lineOf(kit, config);
  return line === undefined ? kit : { ...kit, line };
}

type Facts = { [Field in keyof Kit]?: Kit[Field] | undefined };

const readers: Record<KitKind, (config: Record<string, unknown>) => Facts> = {
  server(config) {
    const server = first(config['servers']);
    const service = object(server['service']);
    const name = text(server['admin_server']);
    return {
      project: text(server['name']),
      name,
      serverIdentity: name,
      scheme: text(service['scheme']),
      ...address(text(service['target'])),
      adminPort: number(server['admin_port']),
      connectionSecurity: text(server['connection_security']),
    };
  },
  client(config) {
    const server = first(config['servers']);
    const service = object(server['service']);
    const client = object(config['client']);
    const agent = object(object(config['overseer_agent'])['args']);
    // 2.7 tells host, port and admin port in one text, 2.8 host and port.
    const target = text(service['target']) ?? text(agent['sp_end_point'])?.replace(/:\d+$/, '');
    return {
      project: text(server['name']),
      name: text(client['fqsn'])?.split('.').at(-1),
      serverIdentity: text(server['identity']),
      scheme: text(service['scheme']),
      ...address(target),
      connectionSecurity: text(client['connection_security']),
    };
  },
  relay(config) {
    // The reference writes the text None when nobody set a connection security; the runtime takes it as mtls.
    const parent = object(config['connect_to']);
    return {
      project: text(config['project_name']),
      name: text(config['identity']),
      serverIdentity: text(config['server_identity']),
      scheme: text(parent['scheme']),
      ...address(text(parent['address'])),
      connectionSecurity: text(parent['connection_security'])?.replace(/^None$/, 'mtls'),
    };
  },
  admin(config) {
    const admin = object(config['admin']);
    return {
      project: text(admin['project_name']),
      name: text(admin['username']),
      serverIdentity: text(admin['server_identity']),
      scheme: text(admin['scheme']),
      host: text(admin['host']),
      port: number(admin['port']),
      connectionSecurity: text(admin['connection_security']),
    };
  },
};

/** §10: what differs between the lines and is found in every kit of that kind. */
async function lineOf(kit: Kit, config: Record<string, unknown>): Promise<FlareLine | undefined> {
  if (kit.kind === 'server' || kit.kind === 'client') return 'overseer_agent' in config ? '2.7.2' : '2.8.1';
  if (kit.kind === 'relay') {
    const log = await textOrNothing(join(kit.folder, 'local/log_config.json.default'));
    if (log.includes('error_log.txt')) return '2.8.1';
    return log.includes('log_error.txt') ? '2.7.2' : undefined;
  }
  // fed_admin.json is the same in all lines. Only the script of 2.8 passes arguments on; only 2.7 always signs.
  const script = await textOrNothing(join(kit.folder, 'startup/fl_admin.sh'));
  if (script.includes('"$@"')) return '2.8.1';
  return kit.signed || script.includes('fed_admin.json') ? '2.7.2' : undefined;
}

async function kitFolder(path: string): Promise<string> {
  const info = await stat(path).catch((error: unknown) => {
    throw asDeskError(error, path);
  });
  if (!info.isDirectory()) {
    throw new DeskError('invalid_input', `${path} is a file, not the folder of a startup kit.`, {
      hint: 'Unpack it and name the folder that holds "startup".',
    });
  }
  const isStartup =
    basename(path) === 'startup' && (await names(path)).some((name) => /^fed_\w+\.json$/.test(name));
  return isStartup ? dirname(path) : path;
}

async function notAKit(folder: string): Promise<DeskError> {
  const inside = await names(folder);
  const message = `${folder} is not a startup kit: startup/fed_server.json, fed_client.json, fed_relay.json or fed_admin.json is missing.`;
  const packed = inside.find((name) => /\.(tgz|zip)$/.test(name));
  if (packed !== undefined) {
    return new DeskError('invalid_input', message, {
      hint: `It holds the package ${packed}: unpack that first.`,
    });
  }
  const kits: string[] = [];
  for (const name of inside) {
    if ((await names(join(folder, name, 'startup'))).some((file) => /^fed_\w+\.json$/.test(file)))
      kits.push(name);
  }
  const hint =
    kits.length > 0
      ? `It holds kits: name one of them (${kits.slice(0, 5).join(', ')}${kits.length > 5 ? ', …' : ''}).`
      : 'Name the folder that holds "startup", "local" and "transfer", for example workspace/PROJECT/prod_00/site-1.';
  return new DeskError('invalid_input', message, { hint });
}

/** Names in a folder; none when there is no such folder. */
async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const answer = asDeskError(error, folder);
    if (answer.code === 'denied') throw answer;
    return [];
  }
}

async function textOrNothing(path: string): Promise<string> {
  return readFileBytes(path, 1024 * 1024).then(
    (bytes) => bytes.toString('utf8'),
    () => '',
  );
}

function defined(facts: Facts): Partial<Kit> {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

function address(value: string | undefined): Facts {
  const found = /^(.+):(\d+)$/.exec(value ?? '');
  return found ? { host: found[1], port: Number(found[2]) } : {};
}

function first(value: unknown): Record<string, unknown> {
  return Array.isArray(value) ? object(value[0]) : {};
}

function object(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
