import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type KitVerification, verifyKit } from '../../../../src-main/services/kits/index.ts';
import { makeSampleKits, type SampleKits } from './sample-kits.ts';

const names = ['server1', 'relay-1', 'site-1', 'site-2', 'admin@nvidia.com', 'cc-site'];
const dayMs = 86_400_000;

describe.each(['2.7.2', '2.8.1'] as const)('verifyKit on kits of %s', (line) => {
  let kits: SampleKits;
  let copies: string[] = [];

  beforeAll(async () => {
    kits = await makeSampleKits(line);
  });
  afterAll(() => rm(kits.folder, { recursive: true, force: true }));
  afterEach(async () => {
    await Promise.all(copies.map((copy) => rm(copy, { recursive: true, force: true })));
    copies = [];
  });

  const copyOf = async (name: string): Promise<string> => {
    const copy = await mkdtemp(join(tmpdir(), 'flaredesk-kit-'));
    copies.push(copy);
    await cp(kits.kit(name), copy, { recursive: true });
    return copy;
  };

  /** Changes a copy of a kit, verifies it. */
  const after = async (name: string, change: (kit: string) => Promise<unknown>): Promise<KitVerification> => {
    const copy = await copyOf(name);
    await change(copy);
    return await verifyKit(copy);
  };

  it.each(names)('finds nothing wrong with %s', async (name) => {
    const { problems, checked, root_fingerprint } = await verifyKit(kits.kit(name));
    expect(problems).toEqual([]);
    expect(checked).toBeGreaterThan(2);
    expect(root_fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });

  it('compares the root with a known fingerprint, however it is written', async () => {
    const { root_fingerprint } = await verifyKit(kits.kit('site-1'));
    const known = root_fingerprint ?? '';
    for (const rootFingerprint of [
      known,
      known.toLowerCase(),
      `SHA256:${known.replaceAll(':', '')}`,
      known.replaceAll(':', ' '),
    ]) {
      const { problems, notes } = await verifyKit(kits.kit('site-1'), { rootFingerprint });
      expect(problems).toEqual([]);
      expect(notes.map(({ note }) => note).join()).not.toContain('known fingerprint');
    }
    const other = await verifyKit(kits.kit('site-1'), {
      rootFingerprint: known.replace(/^../, known.startsWith('00') ? '11' : '00'),
    });
    expect(other.problems).toEqual([
      { file: 'startup/rootCA.pem', problem: `is another root: its fingerprint is ${known}` },
    ]);
  });

  it('finds a flipped bit anywhere in a signed file', async () => {
    const copy = await copyOf(line === '2.7.2' ? 'site-2' : 'cc-site');
    const folders = line === '2.7.2' ? ['startup', 'local'] : ['.', 'startup', 'local'];
    const files: string[] = [];
    for (const folder of folders) {
      for (const entry of await readdir(join(copy, folder), { withFileTypes: true })) {
        if (entry.isFile() && entry.name !== 'signature.json') files.push(join(folder, entry.name));
      }
    }
    expect(files.length).toBeGreaterThan(10);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.double({ min: 0, max: 0.9999999, noNaN: true }),
        fc.nat(7),
        async (file, where, bit) => {
          const path = join(copy, file);
          const bytes = await readFile(path);
          const changed = Buffer.from(bytes);
          const offset = Math.floor(where * bytes.length);
          changed[offset] = (changed[offset] ?? 0) ^ (1 << bit);
          await writeFile(path, changed);
          // A damaged fed_*.json may no longer be a kit at all; that is an answer too.
          const found = await verifyKit(copy).then(
            ({ problems }) =>
              problems.some((problem) => problem.file === file || file === 'startup/rootCA.pem'),
            (error: { code: string }) => file.startsWith('startup/fed_') && error.code === 'invalid_input',
          );
          await writeFile(path, bytes);
          expect(found, `${file} at ${offset}`).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
    expect((await verifyKit(copy)).problems).toEqual([]);
  }, 60_000);

  it('names expired, not yet valid and soon expiring certificates', async () => {
    const expired = await verifyKit(kits.kit('server1'), { now: Date.now() + 361 * dayMs });
    expect(expired.problems.map(({ file, problem }) => [file, problem.slice(0, 10)])).toEqual([
      ['startup/rootCA.pem', 'expired on'],
      ['startup/server.crt', 'expired on'],
    ]);
    const early = await verifyKit(kits.kit('server1'), { now: Date.now() - dayMs });
    expect(early.problems.map(({ problem }) => problem)).toContainEqual(
      expect.stringContaining('is not valid before'),
    );
    const soon = await verifyKit(kits.kit('server1'), { now: Date.now() + 340 * dayMs });
    expect(soon.problems).toEqual([]);
    expect(soon.notes.map(({ note }) => note)).toContainEqual(expect.stringContaining('expires on'));
  });

  it.each([
    ['the certificate of another site', 'startup/client.crt', 'is for "relay-1"'],
    ['the key of another site', 'startup/client.key', 'is not the key of the certificate'],
  ])('finds %s', async (_, file, problem) => {
    const { problems } = await after('site-1', (kit) => cp(join(kits.kit('relay-1'), file), join(kit, file)));
    expect(problems).toContainEqual({ file, problem: expect.stringContaining(problem) as string });
  });

  it('finds a kit with the root of another project', async () => {
    const other = await makeSampleKits(line);
    try {
      const { problems } = await after('site-1', (kit) =>
        cp(join(other.kit('site-1'), 'startup/rootCA.pem'), join(kit, 'startup/rootCA.pem')),
      );
      expect(problems).toContainEqual({
        file: 'startup/client.crt',
        problem: 'was not issued by the root in startup/rootCA.pem',
      });
    } finally {
      await rm(other.folder, { recursive: true, force: true });
    }
  });

  it.each([
    'startup/client.crt',
    'startup/client.key',
    'startup/rootCA.pem',
    'startup/start.sh',
    'local/resources.json.default',
    'local/log_config.json.default',
  ])('finds that %s is missing', async (file) => {
    const { problems } = await after('site-1', (kit) => rm(join(kit, file)));
    expect(problems.filter((problem) => problem.file === file).map(({ problem }) => problem)).toContainEqual(
      expect.stringContaining('missing'),
    );
  });

  it.each([
    ['cut short', '{"format_version": 2, "comp'],
    ['binary', Buffer.from([0, 255, 254, 1])],
    ['a list', '[]'],
    ['empty', ''],
  ])('finds a local file that is %s', async (_, content) => {
    const file = 'local/resources.json.default';
    const { problems } = await after('site-1', (kit) => writeFile(join(kit, file), content));
    expect(problems.map((problem) => problem.file)).toContain(file);
  });

  if (process.platform !== 'win32')
    it('waits for nobody when a pipe stands in for a file', async () => {
      const { problems } = await after('site-1', async (kit) => {
        await rm(join(kit, 'startup/client.crt'));
        execFileSync('mkfifo', [join(kit, 'startup/client.crt')]);
      });
      expect(problems).toContainEqual({
        file: 'startup/client.crt',
        problem: expect.stringContaining('not a regular file') as string,
      });
    });

  it('finds that the root holds another kind of key', async () => {
    const { problems } = await after('site-1', (kit) => {
      const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      const files = ['-keyout', join(kit, '../ec.key'), '-out', join(kit, 'startup/rootCA.pem')];
      execFileSync('openssl', [...args, '-subj', '/CN=example_project', '-days', '9', ...files], {
        stdio: 'ignore',
      });
      return rm(join(kit, '../ec.key'));
    });
    expect(problems).toContainEqual({
      file: 'startup/rootCA.pem',
      problem: 'holds a key of type ec; FLARE needs RSA',
    });
  });

  it('finds characters that the runtime cannot read', async () => {
    const file = 'startup/fed_server.json';
    const { problems } = await after('server1', async (kit) => {
      const text = await readFile(join(kit, file), 'utf8');
      await writeFile(join(kit, file), text.replace('{', '{"x": "é",'));
    });
    expect(problems).toContainEqual({ file, problem: expect.stringContaining('outside ASCII') as string });
  });

  if (process.platform !== 'win32')
    it('tells open private keys apart', async () => {
      const readable = await after('site-1', (kit) => chmod(join(kit, 'startup/client.key'), 0o644));
      expect(readable.problems).toEqual([]);
      expect(readable.notes).toContainEqual({
        file: 'startup/client.key',
        note: expect.stringContaining('mode 644') as string,
      });
      const writable = await after('site-1', (kit) => chmod(join(kit, 'startup/client.key'), 0o666));
      expect(writable.problems).toContainEqual({
        file: 'startup/client.key',
        problem: expect.stringContaining('may be changed') as string,
      });
    });

  it('tells which files nothing vouches for', async () => {
    const { notes } = await verifyKit(kits.kit('site-1'));
    const unsigned = notes.filter(({ note }) => note.includes('2.8 does not sign'));
    expect(unsigned).toHaveLength(line === '2.8.1' ? 1 : 0);
  });

  it('a confidential-computing kit bears no unsigned file anywhere', async () => {
    for (const file of ['x.log', 'local/comm_config.json', 'transfer/x', 'startup/x__p_resources.json']) {
      const { problems } = await after('cc-site', (kit) => writeFile(join(kit, file), '{}'));
      expect(problems.map((problem) => problem.file)).toContain(file);
    }
    const { problems } = await after('cc-site', (kit) => mkdir(join(kit, 'custom')));
    expect(problems.map((problem) => problem.file)).toEqual(['custom', 'custom/signature.json']);
  });

  it('stops when cancelled', async () => {
    await expect(verifyKit(kits.kit('cc-site'), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  if (line === '2.7.2')
    describe('signatures', () => {
      it.each(['startup', 'local'])('finds a missing %s/signature.json', async (part) => {
        const { problems } = await after('server1', (kit) => rm(join(kit, part, 'signature.json')));
        expect(problems.map(({ file }) => file)).toEqual([`${part}/signature.json`]);
      });

      it.each([
        [
          'not listed',
          (signatures: Record<string, unknown>) => delete signatures['server.key'],
          'is not signed',
        ],
        ['no text', (signatures: Record<string, unknown>) => (signatures['server.key'] = 5), 'not base64'],
        [
          'no base64',
          (signatures: Record<string, unknown>) => (signatures['server.key'] = '%%%'),
          'not base64',
        ],
        [
          'of another file',
          (signatures: Record<string, unknown>) => (signatures['server.key'] = signatures['server.crt']),
          'is not what was signed',
        ],
      ])('finds a signature that is %s', async (_, change, problem) => {
        const { problems } = await after('server1', async (kit) => {
          const file = join(kit, 'startup/signature.json');
          const signatures = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
          change(signatures);
          await writeFile(file, JSON.stringify(signatures));
        });
        expect(problems).toEqual([
          { file: 'startup/server.key', problem: expect.stringContaining(problem) as string },
        ]);
      });

      it('finds that an admin kit without any signature should have some', async () => {
        const { problems } = await after('admin@nvidia.com', async (kit) => {
          for (const part of ['startup', 'local']) await rm(join(kit, part, 'signature.json'));
        });
        expect(problems.map(({ file }) => file)).toEqual(['startup/signature.json', 'local/signature.json']);
      });

      it.each(['{"a": ', '[]', ''])('finds a signature.json that is no object: %j', async (text) => {
        const { problems } = await after('server1', (kit) =>
          writeFile(join(kit, 'startup/signature.json'), text),
        );
        expect(problems.map(({ file }) => file)).toEqual(['startup/signature.json']);
      });

      it('finds unsigned files and links in startup, and lets site settings in local be', async () => {
        const { problems, notes } = await after('site-1', async (kit) => {
          await writeFile(join(kit, 'startup/x__p_resources.json'), '{}');
          await rm(join(kit, 'startup/start.sh'));
          await symlink('/etc/hostname', join(kit, 'startup/start.sh'));
          await writeFile(join(kit, 'local/resources.json'), '{}');
          await writeFile(join(kit, 'local/evil__p_resources.json'), '{}');
          await writeFile(join(kit, 'daemon_pid.fl'), '1');
        });
        expect(problems.map(({ file }) => file).toSorted()).toEqual([
          'local/evil__p_resources.json',
          'startup/start.sh',
          'startup/x__p_resources.json',
        ]);
        expect(notes.map(({ file }) => file)).toContain('local/resources.json');
      });
    });
});
