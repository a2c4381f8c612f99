/** `cvm inspect|verify` and `userdata`, as scripts use them, on real bundles, drives and a real sshd. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingDriveTool } from '../../lab/drive-tools.ts';
import { flaredesk, type FlaredeskAnswer } from '../../lab/flaredesk.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { deskHost, startSshd, type Sshd } from '../../lab/sshd.ts';
import { type CcKits, makeCcKits } from './kits.ts';
import { packSiteBundle } from './site-bundle.ts';

interface Finding {
  severity: string;
  file: string;
  message: string;
}
interface Inspection {
  participant: string;
  findings: Finding[];
  record?: { path: string; signed: boolean };
  kit: { root_fingerprint: string } | null;
  drives: { name: string; check: string }[];
}
interface Verification {
  participant: string;
  signed_by: string;
  root_fingerprint: string;
  files: number;
  problems: Finding[];
}

let folder = '';
const run = <Value>(...words: string[]): Promise<FlaredeskAnswer<Value>> =>
  flaredesk<Value>(words, {
    cwd: folder,
    env: { FLAREDESK_STATE: join(folder, 'state'), FLAREDESK_CHECK: '1', SSH_AUTH_SOCK: '' },
    seconds: 60,
  });
const valueOf = <Value>(answer: FlaredeskAnswer<Value>): Value => {
  if (!answer.ok) throw new Error(`${answer.error.code}: ${answer.error.message}`);
  return answer.value;
};

describe.skipIf(missingDriveTool() !== undefined)('by command', () => {
  let kits: CcKits;
  let archive = '';
  beforeAll(async () => {
    folder = await newLabFolder('bundle-commands');
    kits = await makeCcKits(folder);
    archive = packSiteBundle(folder, kits);
    writeFileSync(join(folder, 'desk.yml'), 'version: 1\nflare: "2.8.1"\nworkspace: ws\n');
  });

  describe('a bundle', () => {
    let root = '';

    it('is compared with its project and signed with the root key; the record is named by its path', async () => {
      const looked = await run<Inspection>('cvm', 'inspect', archive, '-p', 'project.yml');
      expect(valueOf(looked)).toMatchObject({ participant: 'site-1', findings: [] });
      expect(valueOf(looked).record).toBeUndefined();
      root = valueOf(looked).kit?.root_fingerprint ?? '';
      expect(root).toMatch(/^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/);
      const signed = await run<Inspection>('cvm', 'inspect', archive, '-p', 'project.yml', '--sign', 'root');
      expect(signed.code).toBe(0);
      const record = join(kits.kit('site-1'), 'site-1.bundle.json');
      expect(valueOf(signed).record).toEqual({ path: record, signed: true });
      expect(existsSync(record)).toBe(true);
    });

    it('is verified by the fingerprint alone, or by the root of the project here', async () => {
      const told = await run<Verification>('cvm', 'verify', archive, '--root-fingerprint', `SHA256:${root}`);
      expect(told.code).toBe(0);
      expect(valueOf(told)).toMatchObject({ participant: 'site-1', files: 9, problems: [] });
      const own = await run<Verification>('cvm', 'verify', archive, '-p', 'project.yml');
      expect(valueOf(own)).toMatchObject({
        root_fingerprint: root,
        signed_by: 'bundle_project',
        problems: [],
      });
    });

    it('is not verified without a root, nor by another one, and a changed byte ends with 1', async () => {
      const none = await run('cvm', 'verify', archive);
      expect(none.code).toBe(2);
      const other = await run('cvm', 'verify', archive, '--root-fingerprint', 'AB'.repeat(32));
      expect(other.ok ? '' : other.error.code).toBe('cert_untrusted');
      // A page is told by the same words: no folder of this machine is in them.
      expect(other.ok ? '' : other.error.message).not.toContain(folder);
      const copy = join(folder, 'changed');
      mkdirSync(copy);
      const bytes = readFileSync(archive);
      // The time in the header of gzip: the content stays as it was, the archive does not.
      bytes[5] = (bytes[5] ?? 0) ^ 1;
      writeFileSync(join(copy, 'site-1.tgz'), bytes);
      copyFileSync(join(kits.kit('site-1'), 'site-1.bundle.json'), join(copy, 'site-1.bundle.json'));
      const changed = await run<Verification>(
        'cvm',
        'verify',
        join(copy, 'site-1.tgz'),
        '--root-fingerprint',
        root,
      );
      expect(changed.code).toBe(1);
      expect(valueOf(changed).problems.map(({ file }) => file)).toEqual(['site-1.tgz']);
    });

    it("is signed with a project admin's kit; a member's is refused", async () => {
      const sign = (name: string) =>
        run<Inspection>('cvm', 'inspect', archive, '--sign', 'admin', '--admin-kit', kits.kit(name));
      const member = await sign('member@nvidia.com');
      expect(member.ok ? '' : member.error.code).toBe('denied');
      expect(valueOf(await sign('admin@nvidia.com')).record?.signed).toBe(true);
      const verified = await run<Verification>('cvm', 'verify', archive, '--root-fingerprint', root);
      expect(valueOf(verified).signed_by).toBe('admin@nvidia.com');
    });

    it('is called superseded where a newer run has a kit for its participant', async () => {
      mkdirSync(join(kits.projectFolder, 'prod_01/site-1'), { recursive: true });
      const looked = await run<Inspection>('cvm', 'inspect', archive, '-p', 'project.yml');
      expect(valueOf(looked).findings.map(({ message }) => message)).toEqual([
        'Superseded: prod_01 has a newer kit for site-1.',
      ]);
    });
  });

  describe('user data', () => {
    let sshd: Sshd;
    let host = '';
    beforeAll(async () => {
      host = await newLabFolder('bundle-commands-host');
      sshd = await startSshd({ folder: join(host, 'sshd') });
      mkdirSync(join(folder, 'data'));
      writeFileSync(join(folder, 'data/labels.csv'), 'a,b\n');
      const words = { ...deskHost(sshd), directory: `${host}/flare` };
      writeFileSync(
        join(folder, 'desk.yml'),
        `version: 1\nflare: "2.8.1"\nworkspace: ws\nhosts:\n  site-1: ${JSON.stringify(words)}\n`,
      );
    });
    afterAll(() => sshd.stop());

    it('is made, filled, grown and told of an export here; a drive here is named by its path', async () => {
      const drive = join(folder, 'user_data.qcow2');
      const made = await run('userdata', 'create', 'user_data.qcow2', 'data', '--size', '0.0625');
      expect(valueOf(made)).toEqual({ drive, on: 'this machine' });
      writeFileSync(join(folder, 'more.csv'), 'c\n');
      expect(valueOf(await run('userdata', 'put', 'user_data.qcow2', 'more.csv', '--name', 'm.csv'))).toEqual(
        {
          drive,
          on: 'this machine',
        },
      );
      expect(valueOf(await run('userdata', 'resize', 'user_data.qcow2', '--size', '1'))).toMatchObject({
        drive,
      });
      const listed = await run<{ entries: { name: string }[] }>('userdata', 'ls', 'user_data.qcow2');
      expect(valueOf(listed).entries.map(({ name }) => name)).toEqual(['lost+found', 'labels.csv', 'm.csv']);
    });

    it('an export the VM cannot reach is told before anything is written, and written only when asked to', async () => {
      const drive = join(folder, 'user_data.qcow2');
      const before = readFileSync(drive);
      const words = ['userdata', 'mount-conf', 'user_data.qcow2', '127.0.0.1:/exports/study'];
      const refused = await run(...words, '-p', 'project.yml', '--for', 'site-1');
      expect(refused.ok ? '' : refused.error.code).toBe('needs_confirmation');
      expect(refused.stderr).toContain('allowed_out_ports of site-1 lacks 111 and 2049');
      expect(refused.stderr).toContain('"insecure"');
      expect(readFileSync(drive).equals(before)).toBe(true);
      const anyway = await run<{ drive: string; warnings: string[]; reached: { port: number }[] }>(
        ...words,
        '-p',
        'project.yml',
        '--for',
        'site-1',
        '--anyway',
      );
      expect(valueOf(anyway).drive).toBe(drive);
      expect(valueOf(anyway).reached.map(({ port }) => port)).toEqual([111, 2049]);
      const read = await run<{ base64: string }>('userdata', 'cat', 'user_data.qcow2', '/ext_mount.conf');
      expect(Buffer.from(valueOf(read).base64, 'base64').toString()).toBe('127.0.0.1:/exports/study\n');
    });

    it('wrong input is told at its field', async () => {
      const fieldOf = (answer: FlaredeskAnswer<unknown>): unknown =>
        answer.ok ? undefined : (answer.error.fields as { path?: string }[] | undefined)?.[0]?.path;
      const cases: [string, string[]][] = [
        ['drive', ['create', 'user_data.qcow2', 'data', '--size', '1']],
        ['folder', ['create', 'new.qcow2', 'absent', '--size', '1']],
        ['drive', ['resize', 'absent.qcow2', '--size', '1']],
        ['size', ['resize', 'user_data.qcow2', '--size', '0.5']],
        ['name', ['put', 'user_data.qcow2', 'more.csv', '--name', 'a b']],
        ['source', ['put', 'user_data.qcow2', 'absent.csv']],
        ['nfs', ['mount-conf', 'user_data.qcow2', 'nowhere']],
      ];
      for (const [field, words] of cases) {
        const answer = await run('userdata', ...words);
        expect(`${words.join(' ')} → ${String(fieldOf(answer))}`).toBe(`${words.join(' ')} → ${field}`);
        expect(JSON.stringify(answer.ok ? '' : answer.error)).not.toContain(folder);
      }
    });

    it("lies on a site's host with --site; that host says what it reaches", async () => {
      const drive = join(host, 'user_data.qcow2');
      const on = ['--site', 'site-1', '-p', 'project.yml'];
      mkdirSync(join(host, 'data'));
      writeFileSync(join(host, 'data/scan.bin'), 'scan');
      expect(
        valueOf(await run('userdata', 'create', drive, join(host, 'data'), '--size', '0.0625', ...on)),
      ).toEqual({ drive, on: 'site-1' });
      expect(valueOf(await run('userdata', 'put', drive, 'more.csv', ...on))).toEqual({
        drive,
        on: 'site-1',
      });
      const told = await run<{ warnings: string[] }>(
        'userdata',
        'mount-conf',
        drive,
        '127.0.0.1:/exports',
        '--anyway',
        ...on,
      );
      expect(told.stderr).toContain('is not reached from site-1');
      expect(valueOf(told).warnings[0]).toContain('allowed_out_ports of site-1 lacks 111 and 2049');
      const listed = await run<{ entries: { name: string }[] }>('userdata', 'ls', drive, '/', ...on);
      expect(valueOf(listed).entries.map(({ name }) => name)).toEqual([
        'lost+found',
        'scan.bin',
        'more.csv',
        'ext_mount.conf',
      ]);
      const unknown = await run('userdata', 'ls', drive, '/', '--site', 'site-9', '-p', 'project.yml');
      expect(unknown.ok ? '' : unknown.error.code).toBe('invalid_input');
    });
  });
});
