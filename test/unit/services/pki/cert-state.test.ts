import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertState } from '../../../../src-main/services/pki/index.ts';

const options = { projectName: 'study', line: '2.8.1' as const, now: new Date() };
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cert-state-'));
  file = join(folder, 'cert.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function stateWith(...names: string[]): Promise<CertState> {
  const state = await CertState.open(folder, options);
  for (const name of names) {
    state.put(name, await state.authority.issue({ subject: { commonName: name, organization: 'org' } }));
  }
  await state.save();
  return state;
}

const content = async () => JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;

describe('the state file', () => {
  it('has the form the reference writes: one line, its separators, root first, order of issue', async () => {
    await stateWith('server1', 'site-2', 'site-1');
    const text = await readFile(file, 'utf8');
    const pem = (value: unknown) => JSON.stringify(value);
    const read = (await content()) as Record<string, { cert: string; pri_key: string }>;
    const entries = ['server1', 'site-2', 'site-1'].map(
      (name) => `"${name}": {"cert": ${pem(read[name]?.cert)}, "pri_key": ${pem(read[name]?.pri_key)}}`,
    );
    expect(text).toBe(
      `{"root_cert": ${pem(read['root_cert'])}, "root_pri_key": ${pem(read['root_pri_key'])}, ${entries.join(', ')}}`,
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['cert.json']);
  });

  it('gives back what it kept, also for names that look like numbers or object internals', async () => {
    const names = ['10', '2', '__proto__', 'constructor', 'site-1'];
    const written = await stateWith(...names);
    const read = await CertState.open(folder, options);
    expect(read.isNew).toBe(false);
    expect([...read.names].sort()).toEqual([...names].sort());
    for (const name of names) {
      expect(read.find(name)?.certificatePem).toBe(written.find(name)?.certificatePem);
      expect(read.find(name)?.summary.commonName).toBe(name);
    }
    expect(read.find('site-9')).toBeUndefined();
    expect(read.find('toString')).toBeUndefined();
    expect(read.authority.issued(new X509Certificate(read.find('2')?.certificatePem ?? ''))).toBe(true);
  });

  it('narrows the mode of a state the reference left open for all', async () => {
    await stateWith('site-1');
    await writeFile(file, await readFile(file), { mode: 0o644 });
    await (await CertState.open(folder, options)).save();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('writes over what a crash left behind', async () => {
    await writeFile(`${file}.new`, 'half', { mode: 0o644 });
    await stateWith('site-1');
    expect(await readdir(folder)).toEqual(['cert.json']);
  });

  it('puts back what was there before', async () => {
    await stateWith('site-1');
    const before = await readFile(file, 'utf8');
    const state = await CertState.open(folder, options);
    state.put('site-2', await state.authority.issue({ subject: { commonName: 'site-2' } }));
    await state.save();
    expect(await readFile(file, 'utf8')).not.toBe(before);
    await state.restore();
    expect(await readFile(file, 'utf8')).toBe(before);
    await rm(file);
    const first = await CertState.open(folder, options);
    await first.save();
    await first.restore();
    expect(await readdir(folder)).toEqual([]);
  });

  it('renews the root over its key, so that what it signed stays valid', async () => {
    const state = await stateWith('site-1');
    const before = state.authority.certificatePem;
    state.renewRoot();
    await state.save();
    const after = await CertState.open(folder, options);
    expect(after.authority.certificatePem).not.toBe(before);
    expect(after.authority.summary.commonName).toBe('study');
    expect(after.find('site-1')).toBeDefined();
  });

  it('shows nobody the key of the authority', async () => {
    const state = await stateWith('site-1');
    expect(JSON.stringify(state)).not.toContain('PRIVATE');
    expect(JSON.stringify(state.authority)).not.toContain('PRIVATE');
    const own = [state, state.authority]
      .flatMap((holder) => Object.values(holder as object).map(String))
      .join();
    expect(own).not.toContain('PRIVATE');
  });
});

describe('a state that cannot be used', () => {
  let sound: string;
  beforeAll(async () => {
    const made = await mkdtemp(join(tmpdir(), 'cert-state-'));
    const state = await CertState.open(made, options);
    for (const name of ['site-1', 'site-2', 'site-3', 'site-4']) {
      state.put(name, await state.authority.issue({ subject: { commonName: name, organization: 'org' } }));
    }
    await state.save();
    sound = await readFile(join(made, 'cert.json'), 'utf8');
    await rm(made, { recursive: true });
  });
  const write = (text: string) => writeFile(file, text);
  const other = async () => {
    const state = await CertState.open(join(folder, 'nowhere'), options);
    return state.authority.issue({ subject: { commonName: 'site-1', organization: 'org' } });
  };

  it.each([
    ['empty', () => '', /empty/],
    ['no JSON', () => 'hello', /no valid JSON/],
    ['cut short', (text: string) => text.slice(0, 3000), /no valid JSON/],
    ['an empty object', () => '{}', /root_cert is missing/],
    ['a list', () => '[]', /no JSON object/],
    [
      'without the root key',
      (text: string) => text.replace('"root_pri_key"', '"x"'),
      /root_pri_key is missing/,
    ],
    [
      'with a damaged root certificate',
      (text: string) => text.replace(/BEGIN CERTIFICATE-----\\n.{10}/, '$&!!!!'),
      /root_cert does not hold a certificate/,
    ],
    [
      'with a damaged root key',
      (text: string) => text.replace(/"root_pri_key": "[^"]{100}/, '"root_pri_key": "x'),
      /root_pri_key does not hold a private key/,
    ],
  ])('%s: says so, names the file, shows no key', async (_what, damage, message) => {
    const damaged = damage(sound);
    await write(damaged);
    const failure = CertState.open(folder, options);
    await expect(failure).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(message) as string,
    });
    await expect(failure).rejects.toThrow(file);
    await expect(failure).rejects.not.toThrow(/PRIVATE KEY-----/);
    expect(await readFile(file, 'utf8')).toBe(damaged);
  });

  it('of another project is a conflict', async () => {
    await write(sound);
    await expect(CertState.open(folder, { ...options, projectName: 'other' })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('"study"') as string,
    });
  });

  it('with a root key of another root has no integrity', async () => {
    const stranger = await other();
    await write(JSON.stringify({ ...(JSON.parse(sound) as object), root_pri_key: stranger.privateKeyPem }));
    await expect(CertState.open(folder, options)).rejects.toMatchObject({ code: 'integrity' });
  });

  it('finds a subject whose parts do not belong together, and leaves the others alone', async () => {
    const stranger = await other();
    const pairs = JSON.parse(sound) as Record<string, { cert: string; pri_key: string }>;
    await writeFile(
      file,
      JSON.stringify({
        ...pairs,
        'site-1': { cert: stranger.certificatePem, pri_key: stranger.privateKeyPem },
        'site-2': { cert: pairs['site-2']?.cert, pri_key: stranger.privateKeyPem },
        'site-3': { cert: 'x' },
      }),
    );
    const state = await CertState.open(folder, options);
    expect(() => state.find('site-1')).toThrow(/issued by another root/);
    expect(() => state.find('site-2')).toThrow(/do not belong together/);
    expect(() => state.find('site-3')).toThrow(/has no cert or no pri_key/);
    expect(state.find('site-4')).toBeDefined();
  });
});
