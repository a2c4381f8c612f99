import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectKit, verifyKit } from '../../../../src-main/services/kits/index.ts';
import { makeSampleKits, type SampleKits } from './sample-kits.ts';

describe.each(['2.7.2', '2.8.1'] as const)('inspectKit on kits of %s', (line) => {
  let kits: SampleKits;

  beforeAll(async () => {
    kits = await makeSampleKits(line);
  });
  afterAll(() => rm(kits.folder, { recursive: true, force: true }));

  const isSigned = line === '2.7.2';

  it.each([
    [
      'server1',
      {
        kind: 'server',
        org: 'nvidia',
        host: 'server1',
        port: 8002,
        admin_port: 8003,
        connection_security: 'mtls',
        signed: isSigned,
      },
    ],
    [
      'relay-1',
      {
        kind: 'relay',
        org: 'nvidia',
        host: 'server1',
        port: 8002,
        connection_security: 'mtls',
        signed: isSigned,
      },
    ],
    [
      'site-1',
      {
        kind: 'client',
        org: 'org1',
        host: 'server1',
        port: 8002,
        connection_security: 'tls',
        signed: isSigned,
      },
    ],
    [
      'site-2',
      {
        kind: 'client',
        org: 'org1',
        host: 'server1',
        port: 8002,
        connection_security: 'mtls',
        signed: isSigned,
      },
    ],
    [
      'admin@nvidia.com',
      {
        kind: 'admin',
        org: 'nvidia',
        role: 'lead',
        host: 'server1',
        port: 8003,
        connection_security: 'mtls',
        signed: isSigned,
      },
    ],
    ['cc-site', { kind: 'client', org: 'org1', signed: true }],
  ])('tells what %s is', async (name, expected) => {
    const info = await inspectKit(kits.kit(name));
    expect(info).toMatchObject({
      name,
      flare: line,
      project: 'example_project',
      server: 'server1',
      scheme: 'grpc',
      folder: kits.kit(name),
      ...expected,
    });
    expect(Date.parse(info.not_after) - Date.parse(info.not_before)).toBe(360 * 86_400_000);
    expect(info.root_fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });

  it('takes the startup folder for the kit', async () => {
    expect(await inspectKit(join(kits.kit('site-1'), 'startup'))).toEqual(
      await inspectKit(kits.kit('site-1')),
    );
  });

  it('names the kits in a prod folder', async () => {
    await expect(inspectKit(dirname(kits.kit('site-1')))).rejects.toMatchObject({
      code: 'invalid_input',
      hint: expect.stringContaining('admin@nvidia.com, cc-site, relay-1, server1, site-1') as string,
    });
  });
});

describe('inspectKit and verifyKit on what is no kit', () => {
  let kits: SampleKits;
  let folder = '';

  beforeAll(async () => {
    kits = await makeSampleKits('2.7.2');
    folder = await mkdtemp(join(tmpdir(), 'flaredesk-nokit-'));
  });
  afterAll(async () => {
    await rm(kits.folder, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  });

  const cases: [string, string, (place: string) => Promise<unknown>, string, string][] = [
    ['nothing', 'a', () => Promise.resolve(), 'not_found', 'does not exist'],
    ['a file', 'b', (place) => writeFile(place, 'x'), 'invalid_input', 'is a file'],
    ['an empty folder', 'c', (place) => mkdir(place), 'invalid_input', 'is not a startup kit'],
    [
      'two kits in one',
      'd',
      async (place) => {
        await cp(kits.kit('server1'), place, { recursive: true });
        await cp(kits.kit('site-1'), place, { recursive: true });
      },
      'invalid_input',
      'mixes the kits of a server and a client',
    ],
    [
      'binary JSON',
      'e',
      (place) => damaged(place, Buffer.from([1, 0, 255, 128])),
      'invalid_input',
      'no text',
    ],
    ['JSON cut short', 'f', (place) => damaged(place, '{"servers": ['), 'invalid_input', 'not valid JSON'],
    ['an empty configuration', 'g', (place) => damaged(place, ' '), 'invalid_input', 'is empty'],
    ['a list', 'h', (place) => damaged(place, '[1]'), 'invalid_input', 'JSON object'],
  ];

  async function damaged(place: string, content: string | Buffer): Promise<void> {
    await cp(kits.kit('server1'), place, { recursive: true });
    await writeFile(join(place, 'startup/fed_server.json'), content);
  }

  it.each(cases)('%s', async (_, name, prepare, code, message) => {
    const place = join(folder, name);
    await prepare(place);
    for (const use of [inspectKit, verifyKit]) {
      await expect(use(place)).rejects.toMatchObject({
        code,
        message: expect.stringContaining(message) as string,
      });
    }
  });

  it('configuration of the wrong shape is told as unknown, never as an exception', async () => {
    for (const [index, text] of [
      '{}',
      '{"servers": 5}',
      '{"servers": [null], "client": []}',
      '{"servers": [{"service": {"target": 7}}]}',
    ].entries()) {
      const place = join(folder, `shape-${index}`);
      await damaged(place, text);
      expect(await inspectKit(place)).toMatchObject({
        kind: 'server',
        host: null,
        port: null,
        name: 'server1',
      });
      expect((await verifyKit(place)).problems.map(({ file }) => file)).toContain('startup/fed_server.json');
    }
  });

  it('a missing or damaged certificate is named', async () => {
    const place = join(folder, 'cert');
    await cp(kits.kit('server1'), place, { recursive: true });
    await writeFile(join(place, 'startup/server.crt'), '-----BEGIN CERTIFICATE-----\nAAAA\n');
    await expect(inspectKit(place)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('server.crt') as string,
    });
    await rm(join(place, 'startup/server.crt'));
    await expect(inspectKit(place)).rejects.toMatchObject({ code: 'not_found' });
  });
});
