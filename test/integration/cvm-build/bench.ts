/** Kits, builder hosts and a queue over the test builder. Everything lies in one lab folder per test. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeskError } from '../../../src-main/contract/errors.ts';
import {
  type BuilderHost,
  type BuildQueue,
  type BuildQueueOptions,
  type BuildRecord,
  type BuildRequest,
  type BuildStore,
  createBuildLogs,
  createBuildQueue,
} from '../../../src-main/services/cvm/build/index.ts';
import { connect } from '../../../src-main/services/ssh/index.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import { silentLogger } from '../../lab/silent-logger.ts';

export const builderCommand = join(import.meta.dirname, '../../lab/cvm-builder/build-image');

/** A folder that looks like the signed kit of a confidential participant. */
function makeKit(prod: string, site: string): string {
  const kit = join(prod, site);
  for (const part of ['startup', 'local', 'transfer']) mkdirSync(join(kit, part), { recursive: true });
  writeFileSync(join(kit, 'startup/fed_client.json'), `{"client": "${site}"}`);
  writeFileSync(join(kit, 'startup/client.key'), 'not a key');
  for (const folder of ['', 'startup', 'local'])
    writeFileSync(join(kit, folder, 'signature.json'), `{"of": "${site}"}`);
  return kit;
}

function memoryStore(): BuildStore & { records: Map<string, BuildRecord> } {
  const records = new Map<string, BuildRecord>();
  const times: Record<string, number[]> = {};
  return {
    records,
    read: (prod, site) => Promise.resolve(records.get(`${prod} ${site}`)),
    write: (record) => Promise.resolve(void records.set(`${record.prod} ${record.site}`, record)),
    durations: () => Promise.resolve(times),
    addDuration: (host, seconds) => Promise.resolve(void (times[host] ??= []).push(seconds)),
  };
}

/** An sshd as builder host: own home (and so an own test builder), own lock, own folder for temporary files. */
export async function startBuilder(name: string, folder: string): Promise<{ host: BuilderHost; sshd: Sshd }> {
  const place = join(folder, name);
  mkdirSync(join(place, 'tmp'), { recursive: true });
  const sshd = await startSshd({
    folder: place,
    env: {
      FLAREDESK_BUILDER_LOCK: join(place, 'lock'),
      TMPDIR: join(place, 'tmp'),
      CVM_TEST_BUILDER_RECORD: join(place, 'calls'),
      CVM_TEST_BUILDER_TIMES: join(place, 'times'),
    },
  });
  // What the environment may not carry, a file beside the builder does.
  symlinkSync(builderCommand, join(sshd.home, 'build-image'));
  const { host, port, user, identity, fingerprint } = sshd;
  return {
    sshd,
    host: {
      name,
      ssh: { host, port, user, identity, hostKey: fingerprint },
      directory: '~/builds',
      command: '~/build-image',
    },
  };
}

export interface Bench {
  folder: string;
  prod: string;
  store: ReturnType<typeof memoryStore>;
  logs: ReturnType<typeof createBuildLogs>;
  queue: BuildQueue;
  request: (site: string, hosts: BuilderHost[], config?: Record<string, unknown>) => BuildRequest;
  /** What the test builder on this host was called with. */
  calls: (host: string) => Record<string, unknown>[];
}

export async function newBench(changes: Partial<BuildQueueOptions> = {}): Promise<Bench> {
  const folder = await newLabFolder('build');
  const prod = join(folder, 'workspace/study/prod_00');
  mkdirSync(prod, { recursive: true });
  const store = memoryStore();
  const logs = createBuildLogs(join(folder, 'logs'), silentLogger);
  const queue = createBuildQueue({
    clock: { now: () => Date.now() },
    logs,
    owner: 'bench',
    who: 'test@bench',
    process: String(process.pid),
    isAlive: () => false,
    verifyKit: () => Promise.resolve(),
    verifyBundle: () => Promise.resolve({ notes: [] }),
    watchdog: { silentSeconds: 600, longestSeconds: 3600 },
    pollMs: 200,
    store,
    logger: silentLogger,
    describeError: (error) =>
      error instanceof DeskError
        ? error.toAnswer()
        : { code: 'internal', message: String(error), retryable: false },
    connect: (host, signal) =>
      connect(host.ssh ?? { host: '' }, {
        home: folder,
        hostKeys: { ownFile: join(folder, 'known_hosts'), readFiles: [] },
        auth: { defaultUser: 'nobody' },
        signal,
      }),
    ...changes,
  });
  return {
    folder,
    prod,
    store,
    logs,
    queue,
    request: (site, hosts, config = {}) => {
      makeKit(prod, site);
      const { test_builder: wishes = {}, ...rest } = config;
      return {
        site,
        project: 'study',
        prod,
        folder,
        hosts,
        // Other tests run stand-ins for QEMU on this machine.
        allowRunningVms: true,
        config: {
          file: join(folder, `cc_${site}.yml`),
          document: {
            compute_env: 'onprem_cvm',
            role: 'client',
            root_drive_size: 1,
            test_builder: wishes,
            ...rest,
          },
        },
      };
    },
    calls: (host) =>
      readFileSync(join(folder, host, 'calls'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}
