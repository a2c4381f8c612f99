import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAddress } from '../../../../../src-main/domain/cc/check-network.ts';
import { isOwnCcFile } from '../../../../../src-main/domain/cc/enable.ts';
import { createNameLookup, loadProject } from '../../../../../src-main/services/projects/index.ts';
import { folderWith } from '../project-folder.ts';
import { checkGuide, dockerArchive, guideFolder, guideProject, guideServer, soundSite } from './guide.ts';

const codes = (findings: { severity: string; code: string }[]) =>
  findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code);

describe('looking names up', () => {
  const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));

  it('tells a name that is not there from one nobody could answer for', async () => {
    expect(await createNameLookup({ ask: () => Promise.resolve({}) })('a')).toBe('found');
    expect(await createNameLookup({ ask: failing('ENOTFOUND') })('a')).toBe('missing');
    expect(await createNameLookup({ ask: failing('EAI_AGAIN') })('a')).toBe('unknown');
  });

  it('waits no longer than its limit and asks once while the answer is fresh', async () => {
    let asked = 0;
    let time = 0;
    const lookUp = createNameLookup({
      limitMs: 20,
      keepMs: 1000,
      now: () => time,
      ask: () => {
        asked += 1;
        return new Promise(() => undefined);
      },
    });
    const began = performance.now();
    expect(await lookUp('a')).toBe('unknown');
    expect(performance.now() - began).toBeLessThan(500);
    await lookUp('a');
    expect(asked).toBe(1);
    time = 2000;
    await lookUp('a');
    expect(asked).toBe(2);
  });

  it('warns of no name that was found, or that nobody could answer for', async () => {
    const nameless = soundSite.replace(/hosts_entries:\n.*\n/, '');
    const files = { 'cc_site-1.yml': nameless };
    for (const answer of ['found', 'unknown'] as const) {
      const { findings } = await checkGuide(files, { lookUpName: () => Promise.resolve(answer) });
      expect(codes(findings)).toEqual([]);
    }
    expect(codes((await checkGuide(files)).findings)).toEqual(['cc_host_unresolved']);
  });
});

describe('a docker archive', () => {
  const withArchive = async (bytes: Uint8Array | string, root = 45) =>
    codes(
      (
        await checkGuide({
          'home/x.tar.gz': bytes,
          'cc_site-1.yml': soundSite
            .replace(/docker_archive: .*/, 'docker_archive: ~/x.tar.gz')
            .replace('root_drive_size: 45', `root_drive_size: ${root}`),
        })
      ).findings,
    );

  it.each([
    'manifest.json',
    'blobs/',
    'index.json',
    'oci-layout',
    `${'0f'.repeat(32)}/`,
    `${'0f'.repeat(32)}.json`,
  ])('beginning with %s is taken', async (first) => {
    expect(await withArchive(await dockerArchive(first))).toEqual([]);
  });

  it.each<[string, Uint8Array | string]>([
    ['text', 'not packed'],
    ['nothing', ''],
    ['packed text', gzipSync('text')],
    ['a damaged gzip', Uint8Array.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 255, 255, 255])],
  ])('that is %s is refused', async (_, bytes) => {
    expect(await withArchive(bytes)).toEqual(['cc_archive_invalid']);
  });

  it('that does not fit on the root drive is refused', async () => {
    const { folder, home } = await guideFolder({
      'cc_site-1.yml': soundSite.replace(/docker_archive: .*/, 'docker_archive: ~/big.tar.gz'),
    });
    const { open } = await import('node:fs/promises');
    const check = async (gigabytes: number) => {
      const handle = await open(join(home, 'big.tar.gz'), 'w');
      await handle.write(await dockerArchive());
      await handle.truncate(gigabytes * 1_000_000_000);
      await handle.close();
      const began = performance.now();
      const { findings } = await loadProject({ file: join(folder, 'project.yml'), home });
      expect(performance.now() - began).toBeLessThan(2000);
      return codes(findings);
    };
    expect(await check(46)).toEqual(['cc_archive_too_large']);
    expect(await check(20)).toEqual(['cc_archive_large']);
    expect(await check(5)).toEqual([]);
  });

  it('on a builder of its own is not looked for here', async () => {
    const folder = await folderWith({
      'project.yml': guideProject,
      'cc_server1.yml': guideServer,
      'cc_site-1.yml': soundSite,
      'desk.yml': 'version: 1\nbuilders: { snp-1: { ssh: 10.0.0.9, command: /opt/cc/cvm_build.sh } }\n',
    });
    const { findings } = await loadProject({ file: join(folder, 'project.yml'), home: folder });
    expect(codes(findings)).toEqual([]);
  });
});

it('looks for the port of the key broker that desk.yml names', async () => {
  const { findings } = await checkGuide({
    'cc_site-1.yml': soundSite,
    'desk.yml': 'version: 1\nkbs: { address: "https://kbs.example.org:9443" }\n',
  });
  expect(findings.filter(({ severity }) => severity !== 'info').map(({ hint }) => hint)).toEqual([
    'Write "allowed_out_ports: [443, 8002, 8999, 9443]".',
    'Write "allowed_out_ports: [443, 8002, 8999, 9443]".',
  ]);
});

it('checks 500 confidential sites in under 2 s', async () => {
  const folder = await folderWith({});
  const sites = Array.from({ length: 500 }, (_, index) => `site-${index}`);
  await mkdir(join(folder, 'cc'));
  for (const name of sites) await writeFile(join(folder, 'cc', `${name}.yml`), soundSite);
  await writeFile(join(folder, 'cc_server1.yml'), guideServer);
  const list = sites.map(
    (name) => `  - { name: ${name}, type: client, org: nvidia, cc_config: cc/${name}.yml }\n`,
  );
  await writeFile(
    join(folder, 'project.yml'),
    guideProject.replace(/ {2}- name: site-1\n(?: {4}.*\n)+/, list.join('')),
  );
  const began = performance.now();
  const { participantCount, project } = await loadProject({
    file: join(folder, 'project.yml'),
    home: folder,
    lookUpName: () => Promise.resolve('missing'),
  });
  expect(performance.now() - began).toBeLessThan(2000);
  expect(participantCount).toBe(502);
  expect(project).toBeDefined();
});

describe('whatever is written in a file', () => {
  const word = fc.oneof(
    fc.constantFrom('toString', '__proto__', 'snp_authorizer', 'onprem_cvm', 'server', '*', 'a.b'),
    fc.string({ maxLength: 8 }),
  );
  const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      word,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(word, tie('any'), { maxKeys: 3 }),
    ),
  })).any;
  const key = fc.oneof(
    fc.constantFrom(
      'compute_env',
      'cc_issuers',
      'cc_attestation',
      'class_allow_list',
      'user_config',
      'role',
      'allowed_ports',
      'allowed_out_ports',
      'hosts_entries',
      'host_entries',
      'docker_archive',
      'root_drive_size',
    ),
    word,
  );

  it('there are findings, never an exception', async () => {
    const { folder, home } = await guideFolder();
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, value, { maxKeys: 6 }), async (settings) => {
        const overlay = new Map([[join(folder, 'cc_site-1.yml'), JSON.stringify(settings)]]);
        const { findings } = await loadProject({ file: join(folder, 'project.yml'), home, overlay });
        expect(Array.isArray(findings)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

it.each([
  ['10.0.0.5', true],
  ['256.0.0.1', false],
  ['10.0.0', false],
  ['fe80::1', true],
  ['::ffff:10.0.0.5', true],
  ['server1', false],
  ['1.2.3.4:80', false],
])('%s is an address: %s', (text, answer) => expect(isAddress(text)).toBe(answer));

it.each([
  ['cc_site-1.yml', true],
  ['cc/site-1.yaml', true],
  ['../x.yml', false],
  ['a/../x.yml', false],
  ['.hidden.yml', false],
  ['/x.yml', false],
  ['desk.yml', false],
  ['x.txt', false],
])('%s may be made by a form: %s', (name, answer) => expect(isOwnCcFile(name)).toBe(answer));
