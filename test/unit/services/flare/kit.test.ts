import { inspect } from 'node:util';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { adminSignerOf, openAdminKit, openSession } from '../../../../src-main/services/flare/index.ts';
import { verifyPss } from '../../../../src-main/services/pki/index.ts';
import { X509Certificate } from 'node:crypto';
import { type KitOptions, type Party, TestProject, writeKit } from './support/project.ts';

let project: TestProject;
let other: TestProject;
let admin: Party;
let expired: Party;
let future: Party;
let stranger: Party;
const cleanUps: (() => Promise<unknown>)[] = [];

beforeAll(() => {
  project = new TestProject();
  other = new TestProject();
  admin = project.issue('admin@example.com', { role: 'lead' });
  expired = project.issue('admin@example.com', { age: 400 });
  future = project.issue('admin@example.com', { age: -10 });
  stranger = other.issue('admin@example.com');
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function kit(options: Partial<KitOptions> = {}): Promise<string> {
  const written = await writeKit({ project, admin, port: 8003, ...options });
  cleanUps.push(written.remove);
  return written.folder;
}

const opening = (options: Partial<KitOptions> = {}) => kit(options).then((folder) => openAdminKit(folder));

describe('a good kit', () => {
  test('says where and who', async () => {
    const folder = await kit({ signed: true });
    expect(await openAdminKit(folder)).toEqual({
      folder,
      projectName: 'demo_project',
      user: 'admin@example.com',
      serverIdentity: 'localhost',
      scheme: 'tcp',
      host: 'localhost',
      port: 8003,
      connectionSecurity: 'mtls',
      uploadDir: join(folder, 'transfer'),
      downloadDir: join(folder, 'transfer'),
      certificateEnds: new X509Certificate(admin.certificatePem).validToDate.getTime(),
      signed: true,
    });
  });

  test('has the defaults of the reference', async () => {
    const gone = ['connection_security', 'port', 'server_identity', 'username', 'host'];
    const config = Object.fromEntries(gone.map((name) => [name, undefined]));
    expect(await opening({ config: { ...config, upload_dir: '/srv/jobs' } })).toMatchObject({
      connectionSecurity: 'mtls',
      port: 8002,
      serverIdentity: 'server',
      host: 'localhost',
      user: 'admin@example.com',
      uploadDir: '/srv/jobs',
      signed: false,
    });
  });

  test('shows no secret, however it is looked at', async () => {
    const opened = await opening();
    const secret = admin.keyPem.split('\n')[3]!;
    const shown = [
      JSON.stringify(opened),
      inspect(opened, { depth: 10, showHidden: true, getters: true }),
      inspect(adminSignerOf(opened).signer, { depth: 10, showHidden: true, getters: true }),
      JSON.stringify(adminSignerOf(opened)),
    ];
    for (const text of shown) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain('PRIVATE');
    }
    expect(Reflect.ownKeys(opened).filter((key) => /key|signer|credential/i.test(String(key)))).toEqual([]);
  });

  test('signs with its key', async () => {
    const { signer, certificatePem } = adminSignerOf(await opening());
    const text = Buffer.from('text');
    expect(verifyPss(new X509Certificate(certificatePem).publicKey, text, signer.sign(text))).toBe(true);
  });

  test('is left as it was', async () => {
    const folder = await kit({ signed: true });
    const hash = async () =>
      createHash('sha256')
        .update(await readFile(join(folder, 'startup', 'client.key')))
        .digest('hex');
    const before = await hash();
    await openAdminKit(folder);
    expect(await hash()).toBe(before);
  });

  test('a copy of it opens nothing', async () => {
    const copy = { ...(await opening()) };
    await expect(openSession(copy)).rejects.toMatchObject({ code: 'bad_usage' });
    expect(() => adminSignerOf(copy)).toThrow(/not opened/);
  });

  test('intermediate certificates behind the own one do no harm', async () => {
    const bundle = admin.certificatePem + project.root.certificatePem;
    expect(await opening({ files: { 'client.crt': bundle } })).toMatchObject({ user: 'admin@example.com' });
  });
});

describe('a kit that cannot be used', () => {
  const config = (text: string): Partial<KitOptions> => ({ files: { 'fed_admin.json': text } });
  const cases: [string, () => Partial<KitOptions>, string, RegExp][] = [
    ['no JSON', () => config('{"admin": '), 'invalid_input', /fed_admin\.json is not JSON/],
    ['binary', () => config('\0\x01\xff'), 'invalid_input', /fed_admin\.json is not JSON/],
    ['empty', () => config(''), 'invalid_input', /fed_admin\.json is not JSON/],
    ['a list', () => config('[]'), 'invalid_input', /no "admin" section/],
    ['null', () => config('null'), 'invalid_input', /no "admin" section/],
    [
      'from before 2.7',
      () => config('{"format_version":1,"admin":{"with_ssl":true,"cred_type":"cert"}}'),
      'unsupported',
      /before 2\.7/,
    ],
    ['a port out of range', () => ({ config: { port: 70000 } }), 'invalid_input', /admin\.port/],
    ['a port that is text', () => ({ config: { port: '8003' } }), 'invalid_input', /admin\.port/],
    [
      'no project name',
      () => ({ config: { project_name: undefined } }),
      'invalid_input',
      /admin\.project_name/,
    ],
    [
      'an unknown security',
      () => ({ config: { connection_security: 'none' } }),
      'invalid_input',
      /admin\.connection_security/,
    ],
    ['an unknown scheme', () => ({ config: { scheme: 'carrier-pigeon' } }), 'unsupported', /carrier-pigeon/],
    [
      'a key outside of the kit',
      () => ({ config: { client_key: '../../etc/key' } }),
      'invalid_input',
      /admin\.client_key/,
    ],
    [
      'a key of somebody else',
      () => ({ files: { 'client.key': stranger.keyPem } }),
      'integrity',
      /do not belong together/,
    ],
    [
      'a root of another project',
      () => ({ files: { 'rootCA.pem': other.root.certificatePem } }),
      'cert_untrusted',
      /was not issued by the root/,
    ],
    ['an expired certificate', () => ({ admin: expired }), 'cert_expired', /client\.crt expired on/],
    ['a certificate of tomorrow', () => ({ admin: future }), 'cert_expired', /valid only from/],
    [
      'a user name of another kit',
      () => ({ config: { username: 'eve@example.com' } }),
      'integrity',
      /"admin@example.com".*"eve@example.com"/,
    ],
    [
      'a certificate that is none',
      () => ({ files: { 'client.crt': 'hello' } }),
      'invalid_input',
      /client\.crt does not hold a certificate/,
    ],
    [
      'a certificate cut short',
      () => ({ files: { 'client.crt': admin.certificatePem.slice(0, 300) } }),
      'invalid_input',
      /client\.crt does not hold/,
    ],
    [
      'a key cut short',
      () => ({ files: { 'client.key': admin.keyPem.slice(0, 300) } }),
      'invalid_input',
      /client\.key/,
    ],
    ['a huge file', () => ({ files: { 'rootCA.pem': Buffer.alloc(2_000_000) } }), 'too_large', /rootCA\.pem/],
  ];

  test.each(cases)('%s', async (_name, options, code, message) => {
    const error: unknown = await opening(options()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(JSON.stringify(error) + inspect(error)).not.toContain(admin.keyPem.split('\n')[3]);
  });

  test('a folder that is no kit, a missing file, a file that may not be read', async () => {
    await expect(openAdminKit('/nowhere/at/all')).rejects.toMatchObject({ code: 'not_found' });
    const folder = await kit();
    await rm(join(folder, 'startup', 'client.crt'));
    await expect(openAdminKit(folder)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('client.crt') as string,
    });
  });
});

describe('signatures', () => {
  const files = ['fed_admin.json', 'client.crt', 'client.key', 'rootCA.pem'];

  test.each(files)('one byte more in %s is noticed', async (name) => {
    const folder = await kit({ signed: true });
    const path = join(folder, 'startup', name);
    await writeFile(path, `${await readFile(path, 'utf8')}\n`);
    await expect(openAdminKit(folder)).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringContaining(`${name} was changed`) as string,
    });
  });

  test('other listed files count as well', async () => {
    const folder = await kit({ signed: true, files: { 'fl_admin.sh': 'echo' } });
    await writeFile(join(folder, 'startup', 'fl_admin.sh'), 'echo evil');
    await expect(openAdminKit(folder)).rejects.toMatchObject({ code: 'integrity' });
    await rm(join(folder, 'startup', 'fl_admin.sh'));
    await expect(openAdminKit(folder)).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringContaining('missing') as string,
    });
  });

  test('a list that leaves out what is used, one of another root, one that is no list', async () => {
    const folder = await kit({ signed: true });
    const list = join(folder, 'startup', 'signature.json');
    const signatures = JSON.parse(await readFile(list, 'utf8')) as Record<string, string>;
    const rest = Object.entries(signatures).filter(([name]) => name !== 'fed_admin.json');
    await writeFile(list, JSON.stringify(Object.fromEntries(rest)));
    await expect(openAdminKit(folder)).rejects.toMatchObject({
      message: expect.stringContaining('not covered') as string,
    });
    await writeFile(list, JSON.stringify({ ...signatures, '../local/x': 'AAAA' }));
    await expect(openAdminKit(folder)).rejects.toMatchObject({ code: 'integrity' });
    await writeFile(list, '[1]');
    await expect(openAdminKit(folder)).rejects.toMatchObject({ code: 'integrity' });
    await rm(list);
    expect(await openAdminKit(folder)).toMatchObject({ signed: false });
  });
});
