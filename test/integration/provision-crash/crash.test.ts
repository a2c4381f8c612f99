/** What is left of a provisioning run that was killed, and runs as somebody who may not write. */
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmod, chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { provision } from '../../../src-main/services/provision/index.ts';
import { noSmallDisk, smallDisk } from '../../lab/small-disk.ts';
import { crashProject } from './project.ts';

const child = fileURLToPath(new URL('child.ts', import.meta.url));
const clients = 12;
const nobody = 65534;

let workspace: string;
const root = () => join(workspace, 'crashing');

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'provision-crash-'));
});
afterEach(() => rm(workspace, { recursive: true, force: true }));

/** Runs the child to its end, or kills it when it tells `killAt`, where it waits, or goes on if there is a delay. Gives its last line. */
async function run(options: { uid?: number; killAt?: string; delayMs?: number } = {}): Promise<string> {
  const { uid, killAt, delayMs } = options;
  const waits = killAt !== undefined && delayMs === undefined ? [killAt] : [];
  const started = spawn(process.execPath, [child, workspace, String(clients), ...waits], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
    ...(uid === undefined ? {} : { uid }),
  });
  let text = '';
  started.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const reached = () => text.split('\n').includes(killAt ?? '-');
    const already = reached();
    text += chunk;
    if (!already && reached()) setTimeout(() => started.kill('SIGKILL'), delayMs ?? 0);
  });
  await new Promise((resolve) => started.once('close', resolve));
  return text.trimEnd().split('\n').at(-1) ?? '';
}

const rootCertificate = async (prod: string) =>
  new X509Certificate(await readFile(join(root(), prod, 'server1/startup/rootCA.pem'))).fingerprint256;

async function prods(): Promise<string[]> {
  return (await readdir(root())).filter((name) => name.startsWith('prod_')).sort();
}

/** Every kit there is has all its files, and they are in the state. */
async function expectWholeKits(prod: string): Promise<void> {
  const names = (await readdir(join(root(), prod))).sort();
  expect(names).toEqual(
    crashProject(clients)
      .participants.map(({ name }) => name)
      .sort(),
  );
  const state = JSON.parse(await readFile(join(root(), 'state/cert.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  for (const name of names) {
    const base = name === 'server1' ? 'server' : 'client';
    const certificate = await readFile(join(root(), prod, name, `startup/${base}.crt`), 'utf8');
    expect(state[name]).toMatchObject({ cert: certificate });
    for (const folder of ['startup', 'local']) {
      const listed = Object.keys(
        JSON.parse(await readFile(join(root(), prod, name, folder, 'signature.json'), 'utf8')) as object,
      );
      const there = await readdir(join(root(), prod, name, folder));
      expect([...listed, 'signature.json'].sort()).toEqual(there.sort());
    }
  }
}

describe('a killed run', () => {
  const moments = [
    ['at its start', 'cert 0'],
    ['while it makes keys', 'cert 5'],
    ['when the keys are there', 'kits 0'],
    ['while it writes kits', 'kits 6'],
    ['before it publishes', 'finalize'],
  ] as const;

  it.each(moments)(
    '%s leaves no kits in a new workspace, and the next run ends well',
    async (_when, killAt) => {
      expect(await run({ killAt })).toBe(killAt);
      expect(await prods()).toEqual([]);
      const made = await provision(crashProject(clients), { workspace });
      expect(made.prod).toBe(join(root(), 'prod_00'));
      expect((await readdir(root())).sort()).toEqual(['prod_00', 'state']);
      expect(await readdir(join(root(), 'state'))).toEqual(['cert.json']);
      await expectWholeKits('prod_00');
    },
  );

  it.each(moments)('%s leaves older kits and the state as they were', async (_when, killAt) => {
    await provision(crashProject(3), { workspace });
    const before = await readFile(join(root(), 'state/cert.json'), 'utf8');
    expect(await run({ killAt })).toBe(killAt);
    expect(await prods()).toEqual(['prod_00']);
    expect(await readFile(join(root(), 'state/cert.json'), 'utf8')).toBe(before);
    await provision(crashProject(clients), { workspace });
    expect(await rootCertificate('prod_01')).toBe(await rootCertificate('prod_00'));
    expect((await readdir(root())).sort()).toEqual(['prod_00', 'prod_01', 'state']);
    await expectWholeKits('prod_01');
  });

  it('at any moment of its end leaves all or nothing, and one authority', { timeout: 120_000 }, async () => {
    let fingerprint: string | undefined;
    for (let round = 0; round < 12; round += 1) {
      const before = (await prods().catch((): string[] => [])).length;
      await run({ killAt: 'finalize', delayMs: round * 4 });
      const now = await prods().catch((): string[] => []);
      expect(now.length - before).toBeLessThanOrEqual(1);
      for (const prod of now.slice(before)) await expectWholeKits(prod);
      const [first] = now;
      if (first !== undefined) fingerprint ??= await rootCertificate(first);
    }
    const made = await provision(crashProject(clients), { workspace });
    const last = made.prod.slice(-'prod_00'.length);
    await expectWholeKits(last);
    if (fingerprint !== undefined) expect(await rootCertificate(last)).toBe(fingerprint);
  });
});

if (process.getuid?.() === 0)
  describe('a user who may not', () => {
    it('write the workspace is told so', async () => {
      await chmod(workspace, 0o755);
      expect(await run({ uid: nobody })).toBe('refused denied');
      expect(await readdir(workspace)).toEqual([]);
    });

    it('read the state is told so', async () => {
      await provision(crashProject(1), { workspace });
      await chmod(workspace, 0o777);
      for (const folder of ['', 'state']) await chown(join(root(), folder), nobody, nobody);
      expect(await run({ uid: nobody })).toBe('refused denied');
      expect((await readdir(root())).sort()).toEqual(['prod_00', 'state']);
    });
  });

/** A file system of one megabyte, where this machine lets us have one. */
describe('a full disk', () => {
  it('is told, and leaves the workspace as it was', async ({ skip }) => {
    // Only root may mount; a machine that does not let it says nothing about us.
    const disk = smallDisk(workspace, 'size=900k');
    if (!disk) return skip(noSmallDisk);
    try {
      await provision(crashProject(2), { workspace });
      await writeFile(join(workspace, 'other'), 'x');
      expect(await run()).toBe('refused too_large');
      expect((await readdir(root())).sort()).toEqual(['prod_00', 'state']);
      expect(await readdir(join(root(), 'state'))).toEqual(['cert.json']);
    } finally {
      disk.unmount();
    }
  });
});
