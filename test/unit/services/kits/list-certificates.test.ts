import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listCertificates } from '../../../../src-main/services/kits/index.ts';
import { makeSampleKits, type SampleKits } from './sample-kits.ts';

const dayMs = 86_400_000;

describe('listCertificates', () => {
  let kits: SampleKits;
  let folder = '';

  beforeAll(async () => {
    kits = await makeSampleKits('2.8.1');
  });
  afterAll(() => rm(kits.folder, { recursive: true, force: true }));
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flaredesk-certs-'));
    await cp(kits.projectFolder, folder, { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('lists each certificate once, with every place, the root first', async () => {
    const { certificates, problems } = await listCertificates(folder);
    expect(problems).toEqual([]);
    expect(certificates.map(({ name, kind, type }) => [name, kind, type])).toEqual([
      ['example_project', 'root', null],
      ['admin@nvidia.com', 'participant', 'admin'],
      ['cc-site', 'participant', 'client'],
      ['relay-1', 'participant', 'relay'],
      ['relay-1', 'listener', 'relay'],
      ['server1', 'participant', 'server'],
      ['site-1', 'participant', 'client'],
      ['site-2', 'participant', 'client'],
      ['site-2', 'listener', 'client'],
    ]);
    expect(certificates[0]?.where).toHaveLength(7);
    expect(certificates[1]).toMatchObject({
      org: 'nvidia',
      role: 'lead',
      where: ['state/cert.json', 'prod_00/admin@nvidia.com/startup/client.crt'],
      file: join(folder, 'state/cert.json'),
      state: 'ok',
    });
    expect([359, 360]).toContain(certificates[0]?.days_left);
    expect(JSON.stringify(certificates)).not.toContain('PRIVATE');
  });

  it.each([
    [0, 'ok'],
    [329, 'ok'],
    [331, 'expiring'],
    [361, 'expired'],
    [-1, 'not_yet_valid'],
  ])('%i days on they are %s', async (days, state) => {
    const { certificates } = await listCertificates(folder, { now: Date.now() + days * dayMs });
    expect(new Set(certificates.map((certificate) => certificate.state))).toEqual(new Set([state]));
  });

  it('looks at the newest prod folder alone', async () => {
    await mkdir(join(folder, 'prod_10'));
    await cp(join(folder, 'prod_00/site-1'), join(folder, 'prod_10/site-1'), { recursive: true });
    await cp(join(folder, 'prod_00/site-1'), join(folder, 'prod_9/site-1'), { recursive: true });
    const { certificates } = await listCertificates(folder);
    const places = certificates.flatMap(({ where }) => where);
    expect(places.filter((place) => !/^(state|prod_10)\//.test(place))).toEqual([]);
    expect(certificates.find(({ name }) => name === 'server1')).toMatchObject({
      type: null,
      where: ['state/cert.json'],
    });
  });

  it('a kit whose certificate is not that of the state has a row of its own', async () => {
    await cp(
      join(folder, 'prod_00/relay-1/startup/server.crt'),
      join(folder, 'prod_00/site-1/startup/client.crt'),
    );
    const { certificates } = await listCertificates(folder);
    expect(certificates.filter(({ name }) => name === 'site-1')).toHaveLength(2);
  });

  it('names single files that cannot be read, and lists the rest', async () => {
    const state = join(folder, 'state/cert.json');
    const content = JSON.parse(await readFile(state, 'utf8')) as Record<string, unknown>;
    await writeFile(state, JSON.stringify({ ...content, 'site-1': { cert: 'no certificate' }, 'site-2': 5 }));
    await writeFile(join(folder, 'prod_00/server1/startup/server.crt'), '');
    const { certificates, problems } = await listCertificates(folder);
    expect(problems.map(({ file }) => file)).toEqual([
      'state/cert.json',
      'state/cert.json',
      'prod_00/server1/startup/server.crt',
    ]);
    expect(certificates).toHaveLength(9);
  });

  it.each([
    ['{"root_cert": "-----BEG', 'not valid JSON'],
    ['', 'is empty'],
    ['[]', 'JSON object'],
    [Buffer.from([255, 0]), 'no text'],
  ])('refuses the damaged state %j', async (text, message) => {
    await writeFile(join(folder, 'state/cert.json'), text);
    await expect(listCertificates(folder)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(message) as string,
    });
  });

  it('refuses a folder that is none or holds no project', async () => {
    await expect(listCertificates(join(folder, 'none'))).rejects.toMatchObject({ code: 'not_found' });
    await expect(listCertificates(join(folder, 'prod_00/site-1'))).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('stops when cancelled', async () => {
    await expect(listCertificates(folder, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});
