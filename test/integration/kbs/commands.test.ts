import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measurementText, trusteeProfile } from '../../../src-main/domain/kbs/index.ts';
import { flaredesk } from '../../lab/flaredesk.ts';
import { startKbs, type TestKbs } from '../../lab/kbs/kbs.ts';
import { measurement, projectText, writeConfidentialProject } from './confidential-project.ts';

let kbs: TestKbs;
let folder: string;
let project: string;

beforeAll(async () => {
  kbs = await startKbs({ minor: 14 });
  folder = await mkdtemp(join(tmpdir(), 'flaredesk-kbs-command-'));
  project = await writeConfidentialProject(folder, kbs);
});
afterAll(async () => {
  await kbs.stop();
  await rm(folder, { recursive: true, force: true });
});

const kbsCommand = <Value>(...words: string[]) =>
  flaredesk<Value>(['kbs', ...words, '-p', project], {
    cwd: folder,
    env: { FLAREDESK_STATE: join(folder, 'state'), FLAREDESK_CHECK: '1' },
    seconds: 60,
  });

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

describe('flaredesk kbs', () => {
  it('says release, admin access and that the attestation policy is open; 1 for a danger', async () => {
    const answer = await kbsCommand<{ release: string; admin: string; findings: { code: string }[] }>(
      'status',
    );
    expect(answer).toMatchObject({ code: 1, ok: true, value: { release: 'v0.14', admin: 'ok' } });
    if (answer.ok)
      expect(answer.value.findings.map(({ code }) => code)).toEqual(['kbs_attestation_policy_open']);
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
    const claims = { measurement: measurementText(measurement('11'), trusteeProfile('v0.14')), debug: false };
    expect(kbs.guestAsks(claims, 'keys/root/vm-site-1')).toBe(200);
    expect(kbs.guestAsks(claims, 'keys/root/vm-site-2')).toBe(401);

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
