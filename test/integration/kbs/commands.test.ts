import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measurementText, trusteeProfile, trusteeReleases } from '../../../src-main/domain/kbs/index.ts';
import { flaredesk } from '../../lab/flaredesk.ts';
import { startKbs, type TestKbs } from '../../lab/kbs/kbs.ts';
import { fakeTerminal, runJson } from '../../unit/headless/fake-terminal.ts';
import { roleToken } from './brokers.ts';
import { measurement, projectText, writeConfidentialProject } from './confidential-project.ts';

let kbs: TestKbs;
let folder: string;
let project: string;

interface Refused {
  code: string;
  message: string;
  hint?: string;
  fields?: { line?: number }[];
}
type Answer<Value> = { code: number } & ({ ok: true; value: Value } | { ok: false; error: Refused });

/** A command line in this process: the same as the command, without the start of Node. */
async function kbsCommand<Value>(...words: string[]): Promise<Answer<Value>> {
  const terminal = fakeTerminal({ environment: { FLAREDESK_STATE: join(folder, 'state') } });
  const { exit, answer } = await runJson(['kbs', ...words, '-p', project], terminal);
  return { code: exit, ...answer } as Answer<Value>;
}

async function done<Value>(...words: string[]): Promise<Value> {
  const answer = await kbsCommand<Value>(...words);
  if (!answer.ok) throw new Error(`${words.join(' ')}: ${JSON.stringify(answer.error)}`);
  return answer.value;
}

async function written(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

interface Row {
  participant: string;
  change: string;
}
interface Written {
  changed: boolean;
  sha256: string;
  cvms: Row[];
}
const changes = (cvms: Row[]) =>
  Object.fromEntries(cvms.map(({ participant, change }) => [participant, change]));

describe.each(trusteeReleases)('flaredesk kbs, Trustee %s', (release) => {
  const minor = Number(release.slice(3));
  const profile = trusteeProfile(release);

  beforeAll(async () => {
    kbs = await startKbs({ minor });
    folder = await mkdtemp(join(tmpdir(), 'flaredesk-kbs-command-'));
    const admin = minor < 21 ? undefined : `token_file: ${await roleToken(kbs, folder)}`;
    project = await writeConfidentialProject(folder, kbs, admin);
  });
  afterAll(async () => {
    await kbs.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('says release, admin access and whether the attestation policy is open; 1 for a danger', async () => {
    const answer = await kbsCommand<{ release: string; admin: string; findings: { code: string }[] }>(
      'status',
    );
    expect(answer).toMatchObject({ code: minor < 15 ? 1 : 0, ok: true, value: { release, admin: 'ok' } });
    if (answer.ok)
      expect(answer.value.findings.map(({ code }) => code)).toEqual(
        minor < 15 ? ['kbs_attestation_policy_open'] : [],
      );
  });

  it('takes a project from the standard policy to its own rules, refuses the stale, rolls back byte by byte', async () => {
    const standard = await done<{ text: string; sha256: string }>('policy', 'get');
    expect(standard.text).toBe(kbs.policy);

    const lint = await kbsCommand<{ findings: { code: string }[] }>('policy', 'lint');
    expect(lint.code).toBe(2);

    const rules = join(folder, 'policy.rego');
    const made = await done<{ left_out: unknown[] }>('policy', 'generate', '-o', rules);
    expect(made.left_out).toEqual([]);
    expect((await kbsCommand('policy', 'lint', rules)).code).toBe(0);

    const silent = await kbsCommand('policy', 'set', rules);
    expect(silent).toMatchObject({ code: 2, ok: false, error: { code: 'needs_confirmation' } });
    expect((await kbsCommand('policy', 'set', rules, '--confirm', 'other')).code).toBe(2);
    expect(kbs.policy).toBe(standard.text);

    const set = await done<Written>('policy', 'set', rules, '--read', standard.sha256, '--confirm', 'study');
    expect(set.changed).toBe(true);
    const ours = await readFile(rules, 'utf8');
    expect(kbs.policy).toBe(ours);
    const claims = { measurement: measurementText(measurement('11'), profile), debug: false };
    expect(kbs.guestAsks(claims, 'keys/root/vm-site-1')).toBe(200);
    expect(kbs.guestAsks(claims, 'keys/root/vm-site-2')).toBe(401);

    interface Compared {
      images: { participant: string; answer: string; lines: number[] }[];
      stale: {
        measurement: string;
        opens: string[];
        was: { participant: string; debug_swap: boolean } | null;
      }[];
    }
    const fits = await kbsCommand<Compared>('policy', 'measurements');
    expect(fits).toMatchObject({ code: 0, ok: true, value: { stale: [] } });
    if (fits.ok) expect(fits.value.images.map(({ answer }) => answer)).toEqual(['allow', 'allow', 'allow']);
    const literal = (byte: string): string => measurementText(measurement(byte), profile);
    const other = ours.replace(literal('22'), literal('ee')).replace(literal('11'), literal('ab'));
    const differs = await kbsCommand<Compared>('policy', 'measurements', await written('other.rego', other));
    expect(differs).toMatchObject({ code: 1, ok: true });
    if (differs.ok) {
      expect(differs.value.images.map(({ participant, answer }) => `${participant} ${answer}`)).toEqual([
        'server1 allow',
        'site-1 deny',
        'site-2 deny',
      ]);
      expect(differs.value.stale).toMatchObject([
        { measurement: measurement('ab'), opens: ['site-1'], was: null },
        { measurement: measurement('ee'), opens: ['site-2'], was: { debug_swap: true } },
      ]);
    }

    // Site 2 is taken out here, while another admin writes a comment.
    const [site1 = ''] = ours.split('# site-2\n');
    const less = await written('less.rego', `${site1.trimEnd()}\n`);
    const simulated = await done<{ cvms: Row[] }>('policy', 'simulate', less);
    expect(changes(simulated.cvms)).toEqual({ 'site-2': 'loses', 'site-1': 'same', server1: 'same' });
    expect(simulated.cvms[0]?.participant).toBe('site-2');

    kbs.policy = ours.replace('package policy', '# by another admin\npackage policy');
    const stale = await kbsCommand('policy', 'set', less, '--read', set.sha256, '--confirm', 'study');
    expect(stale).toMatchObject({ code: 1, ok: false, error: { code: 'conflict' } });
    expect(kbs.policy).toContain('by another admin');

    const foreign = await done<{ changed_elsewhere: { known_sha256: string } }>('policy', 'get');
    expect(foreign.changed_elsewhere.known_sha256).toBe(set.sha256);
    const compared = await done<{ base: { from: string }; conflict: boolean; merged: string }>(
      'policy',
      'diff',
      less,
    );
    expect(compared).toMatchObject({ base: { from: 'last_set' }, conflict: false });
    expect(compared.merged).toContain('by another admin');
    expect(compared.merged).not.toContain('vm-site-2');

    const closed = await done<Written>('policy', 'deny-all', '--confirm', 'study');
    expect(changes(closed.cvms)).toEqual({ server1: 'loses', 'site-1': 'loses', 'site-2': 'loses' });
    expect(kbs.guestAsks(claims, 'keys/root/vm-site-1')).toBe(401);

    const { records } = await done<{
      records: { id: string; kind: string; sha256: string; note?: string }[];
    }>('policy', 'history');
    expect(records[0]).toMatchObject({ kind: 'set', note: 'deny all' });
    const before = records.find(({ kind, sha256 }) => kind === 'set' && sha256 === set.sha256);
    await done<Written>('policy', 'roll-back', before?.id ?? '', '--confirm', 'study');
    expect(kbs.policy).toBe(ours);
    expect((await done<{ changed_elsewhere: unknown }>('policy', 'get')).changed_elsewhere).toBeNull();
  });

  it('does not set a text with errors unless they are accepted', async () => {
    const open = await written('open.rego', 'package policy\n\ndefault allow = true\n');
    const before = kbs.policy;
    const refused = await kbsCommand('policy', 'set', open, '--confirm', 'study');
    expect(refused).toMatchObject({ code: 2, ok: false, error: { code: 'invalid_input' } });
    if (!refused.ok) expect(refused.error.fields?.[0]?.line).toBe(3);
    expect(kbs.policy).toBe(before);
    const taken = await done<Written>('policy', 'set', open, '--confirm', 'study', '--accept-findings');
    expect(taken.changed).toBe(true);
  });

  it('puts a resource from a file, shows its path alone, and deletes it where the release can', async () => {
    const path = 'keys/root/vm-site-1';
    const secret = 'b3VyIHNlY3JldCBkaXNrIGtleQ==';
    const content = await written('disk.key', secret);
    const silent = await kbsCommand('resource', 'put', path, content);
    expect(silent).toMatchObject({ code: 2, ok: false, error: { code: 'needs_confirmation' } });
    expect(kbs.resources.size).toBe(0);
    const put = await done<object>('resource', 'put', path, content, '--confirm', 'study');
    expect(put).toMatchObject({ path, participant: 'site-1', size: secret.length });
    expect(kbs.resources.get(path)?.toString()).toBe(secret);

    const listed = await done<{ deletes: boolean; resources: { path: string; participant: string }[] }>(
      'resource',
      'list',
    );
    expect(listed.deletes).toBe(minor >= 20);
    expect(listed.resources).toHaveLength(3);
    expect(listed.resources.find((one) => one.path === path)).toMatchObject({
      participant: 'site-1',
      writes: 1,
      done: { what: 'put', size: secret.length },
    });
    const removed = await kbsCommand('resource', 'delete', path, '--confirm', 'study');
    if (minor >= 20) {
      expect(removed).toMatchObject({ code: 0, ok: true });
      expect(kbs.resources.size).toBe(0);
      const again = await kbsCommand('resource', 'delete', path, '--confirm', 'study');
      expect(again).toMatchObject({ ok: false, error: { code: 'remote_failed' } });
    } else {
      expect(removed).toMatchObject({ code: 2, ok: false, error: { code: 'unsupported' } });
      if (!removed.ok) expect(removed.error.message).toContain(`${release} cannot delete`);
      expect(kbs.resources.size).toBe(1);
    }
    for (const answer of [silent, put, listed, removed]) expect(JSON.stringify(answer)).not.toContain(secret);

    for (const [bad, code] of [
      ['', 'invalid_input'],
      ['#'.repeat(2 * 1024 * 1024 + 1), 'too_large'],
    ] as const) {
      const file = await written('bad', bad);
      const refused = await kbsCommand('resource', 'put', path, file, '--confirm', 'study');
      expect(refused).toMatchObject({ ok: false, error: { code } });
    }
    const odd = await kbsCommand('resource', 'put', 'keys/../root', content, '--confirm', 'study');
    expect(odd).toMatchObject({ code: 2, ok: false, error: { code: 'invalid_input' } });
  });

  it('registers the measurements of the images as reference values, and lists as the release does', async () => {
    const name = 'snp_launch_measurement';
    kbs.references.set('other', ['kept']);
    interface Listed {
      complete: boolean;
      values: { name: string; value: string | null }[];
    }
    const before = await done<Listed>('reference', 'list');
    expect(before.complete).toBe(minor < 16);
    expect(before.values.map((one) => one.name)).toEqual(minor < 16 ? ['other'] : []);
    expect((await kbsCommand('reference', 'register', name, '--from-images')).code).toBe(2);

    const register = ['reference', 'register', name, '--from-images', '--confirm', 'study'];
    const made = await done<{ changed: boolean; before: string | null; after: string }>(...register);
    const expected = ['33', '11', '22'].map((byte) => measurementText(measurement(byte), profile));
    expect(made).toMatchObject({ changed: true, before: null, after: JSON.stringify(expected) });
    expect(kbs.references.get(name)).toEqual(expected);
    expect(await done(...register)).toMatchObject({ changed: false });
    const after = await done<Listed>('reference', 'list');
    expect(after.values.map((one) => one.name)).toEqual(minor < 16 ? ['other', name] : [name]);
    const named = await done<Listed>('reference', 'list', 'other', 'none');
    expect(named.values.map(({ value }) => value)).toEqual(['["kept"]', null]);
    const empty = await kbsCommand('reference', 'register', name, '--confirm', 'study');
    expect(empty).toMatchObject({ code: 2, ok: false, error: { code: 'invalid_input' } });
  });

  it('stops every key though project.yml is broken', async () => {
    await writeFile(project, `${projectText}surprise: [\n`);
    const answer = await kbsCommand('policy', 'deny-all', '--confirm', folder.split('/').at(-1) ?? '');
    await writeFile(project, projectText);
    expect(answer).toMatchObject({ ok: true, code: 0 });
    expect(kbs.policy).toContain('default allow = false');
    expect(kbs.policy).not.toContain('allow if');
  });

  it('shows what was counted, and says what is missing without a key broker', async () => {
    const counted = await done<{ reads: Record<string, number> }>('metrics');
    expect(counted.reads['keys/root/vm-site-1']).toBe(1);
    const desk = await readFile(join(folder, 'desk.yml'), 'utf8');
    await writeFile(join(folder, 'desk.yml'), 'version: 1\n');
    const none = await kbsCommand('status');
    await writeFile(join(folder, 'desk.yml'), desk);
    expect(none).toMatchObject({ code: 2, ok: false, error: { code: 'invalid_input' } });
  });
});

it('is the same as a command of its own', async () => {
  const own = await startKbs();
  const place = await mkdtemp(join(tmpdir(), 'flaredesk-kbs-command-'));
  try {
    const file = await writeConfidentialProject(place, own);
    const answer = await flaredesk(['kbs', 'status', '-p', file], {
      cwd: place,
      env: { FLAREDESK_STATE: join(place, 'state'), FLAREDESK_CHECK: '1' },
      seconds: 60,
    });
    expect(answer).toMatchObject({ code: 1, ok: true, value: { release: 'v0.14', admin: 'ok' } });
  } finally {
    await own.stop();
    await rm(place, { recursive: true, force: true });
  }
});
