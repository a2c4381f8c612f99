/**
 * The real NVFlare of either line: provisions with its own tool, starts servers, clients and relays from a kit on
 * loopback, in their own folders, and stops what it started (docs/reference/admin-protocol.md §13.8).
 */
import { execFile, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { labFolder } from '../../scripts/lab.mjs';
import { endMarked, marked, newLabFolder, newMark } from './keeper.ts';

import { freePort, isListening } from './ports.ts';
import { type FlareVersion, type ReferenceProject, referenceProject } from './reference-project.ts';

export type { FlareVersion };
export { newLabFolder };
export const flareVersions: readonly FlareVersion[] = ['2.7.2', '2.8.1'];

const run = promisify(execFile);

/** The folder with `python3` and `nvflare` of one line: prepend it to PATH to start a kit's own scripts. */
export const flareBin = (version: FlareVersion) => join(labFolder(), `nvflare-${version}`, 'bin');
export const flarePython = (version: FlareVersion) => join(flareBin(version), 'python');

/** Runs a Python program of one line to its end (at most `seconds`). Gives its output; throws with it when it failed. */
export async function runPython(
  version: FlareVersion,
  args: string[],
  options: { cwd?: string; seconds?: number; env?: Record<string, string> } = {},
): Promise<{ stdout: string; stderr: string }> {
  return await run(flarePython(version), args, {
    cwd: options.cwd,
    timeout: (options.seconds ?? 120) * 1000,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, PATH: `${flareBin(version)}:${process.env.PATH}`, ...options.env },
  });
}

/**
 * Provisions with the real tool of that line. `projectYaml` is the text of project.yml (written to `folder`).
 * Gives the folder of the new kits (`prod_NN`) and the workspace.
 */
export async function provisionReference(
  version: FlareVersion,
  projectYaml: string,
  folder: string,
): Promise<{ prod: string; workspace: string; projectFile: string; output: string }> {
  await mkdir(folder, { recursive: true });
  const projectFile = join(folder, 'project.yml');
  const workspace = join(folder, 'workspace');
  await writeFile(projectFile, projectYaml);
  const args = ['-m', 'nvflare.lighter.provision', '-p', projectFile, '-w', workspace];
  const done = await runPython(version, args, { cwd: folder, seconds: 600 });
  const output = done.stdout + done.stderr;
  const name = /^name:\s*["']?([^"'\s]+)/m.exec(projectYaml)?.[1] ?? '';
  const names = existsSync(join(workspace, name)) ? await readdir(join(workspace, name)) : [];
  const newest = names
    .filter((entry) => entry.startsWith('prod_'))
    .sort()
    .at(-1);
  if (!newest) throw new Error(`nvflare provision ${version} made no kits:\n${output}`);
  return { prod: join(workspace, name, newest), workspace, projectFile, output };
}

export type ProcessKind = 'server' | 'client' | 'relay';

export interface StartOptions {
  version: FlareVersion;
  /** Where the running copy of the kit goes; missing = a new temporary folder, removed by `stop`. */
  folder?: string;
  /** Milliseconds to wait for readiness. */
  timeout?: number;
  /** More environment, such as NVFLARE_STREAMING_CHUNK_SIZE. */
  env?: Record<string, string>;
  /** Return at once instead of waiting for readiness. */
  noWait?: boolean;
}

export interface LabProcess {
  readonly kind: ProcessKind;
  readonly name: string;
  /** The running copy: the kit as given plus our `local/resources.json` and what NVFlare writes. */
  readonly folder: string;
  /** Server only: the ports it listens on, learn port first. */
  readonly ports: number[];
  /** What it wrote to standard output and standard error since its first start. */
  output(): Promise<string>;
  /** True while any of its processes lives. */
  alive(): boolean;
  /** Waits until the output matches. Throws with the end of the output after the time limit. */
  waitFor(pattern: RegExp, milliseconds?: number): Promise<void>;
  /** Ends it and its job processes. `graceMilliseconds` 0 = kill -9. The folder stays until `remove`. */
  stop(graceMilliseconds?: number): Promise<void>;
  /** Starts it again on the same folder (after `stop`); waits for readiness. */
  start(): Promise<void>;
  /** `stop`, then removes the folder when it was a temporary one. */
  remove(): Promise<void>;
}

const modules: Record<ProcessKind, string> = {
  server: 'nvflare.private.fed.app.server.server_train',
  client: 'nvflare.private.fed.app.client.client_train',
  relay: 'nvflare.private.fed.app.relay.relay',
};
const ready: Record<ProcessKind, RegExp> = {
  server: /Server started/,
  client: /Successfully registered client/,
  relay: /Successfully registered|is created: PID/,
};

/** Starts the server of a kit and waits until it listens. The kit itself is not touched. */
export const startServer = (kit: string, options: StartOptions) => startKit('server', kit, options);
/** Starts a client of a kit and waits until it is registered at the server. The kit itself is not touched. */
export const startClient = (kit: string, options: StartOptions) => startKit('client', kit, options);
export const startRelay = (kit: string, options: StartOptions) => startKit('relay', kit, options);

async function startKit(kind: ProcessKind, kit: string, options: StartOptions): Promise<LabProcess> {
  const temporary = options.folder === undefined;
  const folder = options.folder ?? join(await newLabFolder(kind), basename(kit));
  await cp(kit, folder, { recursive: true, preserveTimestamps: true });
  await useOwnStorage(folder);
  const { name, org } = await subjectOf(
    join(folder, 'startup', kind === 'server' ? 'server.crt' : 'client.crt'),
  );
  const ports = kind === 'server' ? await serverPorts(folder) : [];
  const logFile = join(folder, 'lab-output.log');
  const mark = newMark();

  const spawnPython = () => {
    const uid = kind === 'server' ? [] : [`uid=${name}`];
    const log = openSync(logFile, 'a');
    const args = ['-u', '-m', modules[kind], '-m', folder, '-s', `fed_${kind}.json`, '--set'];
    args.push('secure_train=true', ...uid, `org=${org}`, 'config_folder=config');
    const child = spawn(flarePython(options.version), args, {
      cwd: folder,
      detached: true,
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        PATH: `${flareBin(options.version)}:${process.env.PATH}`,
        HOME: folder,
        MALLOC_ARENA_MAX: '4',
        ...options.env,
        ...mark,
      },
    });
    child.unref();
    closeSync(log);
  };

  const lab: LabProcess = {
    kind,
    name,
    folder,
    ports,
    output: () => readFile(logFile, 'utf8'),
    alive: () => marked(mark).length > 0,
    waitFor: (pattern, milliseconds = 30_000) => waitForOutput(lab, pattern, 0, milliseconds),
    stop: (grace = 2000) => endMarked(mark, grace),
    async start() {
      const before = existsSync(logFile) ? (await readFile(logFile, 'utf8')).length : 0;
      spawnPython();
      if (options.noWait) return;
      try {
        await waitForOutput(lab, ready[kind], before, options.timeout ?? 60_000);
      } catch (error) {
        await lab.stop(0);
        throw error;
      }
    },
    async remove() {
      await lab.stop(500);
      if (temporary) await rm(join(folder, '..'), { recursive: true, force: true });
    },
  };
  for (const port of ports) {
    if (await isListening(port)) throw new Error(`Port ${port} of kit ${name} is taken already.`);
  }
  await lab.start();
  return lab;
}

async function waitForOutput(lab: LabProcess, pattern: RegExp, from: number, milliseconds: number) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const alive = lab.alive();
    const text = (await lab.output()).slice(from);
    if (pattern.test(text)) return;
    if (!alive || Date.now() > end) {
      const reason = alive ? `did not say ${pattern} within ${milliseconds} ms` : 'ended';
      throw new Error(`${lab.kind} ${lab.name} ${reason}:\n${text.slice(-3000)}`);
    }
    await sleep(50);
  }
}

/** Job and snapshot stores lie below /tmp/nvflare by default, where two servers would share them. */
async function useOwnStorage(folder: string) {
  const local = join(folder, 'local');
  const own = join(local, 'resources.json');
  const source = existsSync(own) ? own : `${own}.default`;
  if (!existsSync(source)) return;
  const text = await readFile(source, 'utf8');
  await writeFile(own, text.replaceAll('/tmp/nvflare/', `${join(folder, 'storage')}/`));
}

async function subjectOf(certificate: string): Promise<{ name: string; org: string }> {
  const { subject } = new X509Certificate(await readFile(certificate));
  const field = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(subject)?.[1] ?? '';
  return { name: field('CN'), org: field('O') };
}

async function serverPorts(folder: string): Promise<number[]> {
  const file = join(folder, 'startup', 'fed_server.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as {
    servers: { service: { target: string }; admin_port: number }[];
  };
  const server = config.servers[0];
  if (!server) throw new Error(`${file} names no server.`);
  return [...new Set([Number(server.service.target.split(':').at(-1)), server.admin_port])];
}

export interface FederationOptions extends Partial<Omit<ReferenceProject, 'port' | 'version'>> {
  version: FlareVersion;
  /** A folder with kits made by somebody else (a `prod_NN`); missing = made here by the real tool. */
  kits?: string;
  env?: Record<string, string>;
}

export interface LabFederation {
  version: FlareVersion;
  /** Everything of this federation lies here; removed by `stop`. */
  folder: string;
  /** The kits as provisioned, untouched: `<prod>/<participant>`. */
  prod: string;
  server: LabProcess;
  clients: LabProcess[];
  /** The folder of an admin's kit, to be given to a session; missing name = the first admin. */
  adminKit(name?: string): string;
  stop(): Promise<void>;
}

/** Provisions (or takes `kits`), starts the server, then all clients, and waits until they are registered. */
export async function startFederation(options: FederationOptions): Promise<LabFederation> {
  const { version, kits, env, ...project } = options;
  const folder = await newLabFolder('federation');
  const started: LabProcess[] = [];
  const stop = async () => {
    await Promise.all(started.map((process) => process.stop()));
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const prod =
      kits ??
      (
        await provisionReference(
          version,
          referenceProject({ ...project, version, port: await freePort() }),
          join(folder, 'project'),
        )
      ).prod;
    const names = (await readdir(prod, { withFileTypes: true }))
      .filter((e) => e.isDirectory())
      .map((e) => e.name);
    const having = (file: string) =>
      names.filter((name) => existsSync(join(prod, name, 'startup', file))).sort();
    const start = async (kind: ProcessKind, name: string) => {
      const process = await startKit(kind, join(prod, name), {
        version,
        env,
        folder: join(folder, 'run', name),
      });
      started.push(process);
      return process;
    };
    const serverName = having('fed_server.json')[0];
    if (!serverName) throw new Error(`${prod} has no server kit.`);
    const server = await start('server', serverName);
    const starts = having('fed_client.json').map((name) => start('client', name));
    await Promise.allSettled(starts);
    const clients = await Promise.all(starts);
    const admins = having('fed_admin.json');
    return {
      version,
      folder,
      prod,
      server,
      clients,
      adminKit(name = admins[0] ?? '') {
        if (!admins.includes(name)) throw new Error(`${prod} has no admin kit "${name}".`);
        return join(prod, name);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
