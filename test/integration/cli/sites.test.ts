/** The `sites` commands on real SSH hosts: whose key is accepted how, who asks, and what the exit code says. */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { flaredesk } from '../../lab/flaredesk.ts';
import { makeKey, type Sshd, startSshd } from '../../lab/sshd.ts';
import { projectWith } from '../../lab/project-text.ts';

const entry = join(import.meta.dirname, '../../../src-main/headless/main.ts');
const names = ['server1', 'site-1', 'site-2'] as const;

let folder: string;
let locked: string;
const hosts = new Map<string, Sshd>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flaredesk-cli-sites-'));
  await writeFile(join(folder, 'project.yml'), projectWith(2));
  locked = makeKey(join(folder, 'locked'), { passphrase: 'open sesame' });
  const authorizedKeys = [await readFile(`${locked}.pub`, 'utf8')];
  for (const name of names) {
    hosts.set(
      name,
      await startSshd({ folder: join(folder, name), ...(name === 'site-2' ? { authorizedKeys } : {}) }),
    );
  }
});
afterAll(async () => {
  await Promise.all([...hosts.values()].map((host) => host.stop()));
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});
let state: string;
let round = 0;
beforeEach(() => {
  round += 1;
  state = join(folder, `state-${round}`);
});
const host = (name: string): Sshd => {
  const found = hosts.get(name);
  if (!found) throw new Error(name);
  return found;
};
const place = (name: string): string => `[${host(name).host}]:${host(name).port}`;

async function writeDesk(pins: Partial<Record<string, string>> = {}, identity?: string) {
  const lines = names.map((name) => {
    const { host: ssh, port, user, home, identity: own } = host(name);
    const key = name === 'site-2' && identity !== undefined ? identity : own;
    const pin = pins[name] === undefined ? '' : `, host_key: "${pins[name]}"`;
    return `  ${name}: { ssh: ${ssh}, port: ${port}, user: ${user}, identity: ${key}, directory: ${home}/flare${pin} }`;
  });
  await writeFile(
    join(folder, 'desk.yml'),
    `version: 1\nproject: project.yml\nhosts:\n${lines.join('\n')}\n`,
  );
}
const pinned = (): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, host(name).fingerprint]));

const sites = (...words: string[]) =>
  flaredesk<{ sites: { name: string; state: string; error?: { code: string; message: string } }[] }>(
    ['sites', ...words, '-p', 'project.yml'],
    { cwd: folder, env: { FLAREDESK_STATE: state, FLAREDESK_CHECK: '1', SSH_AUTH_SOCK: '' }, seconds: 60 },
  );
const statesOf = (answer: Awaited<ReturnType<typeof sites>>): string[] =>
  answer.ok
    ? answer.value.sites.map((site) => `${site.name} ${site.error?.code ?? site.state}`)
    : [answer.error.code];

describe('an unknown host', () => {
  it('is refused without a terminal, says its key, and nothing is remembered', async () => {
    await writeDesk();
    const answer = await sites('status', '--only', 'server1');
    expect(answer.code).toBe(1);
    expect(statesOf(answer)).toEqual(['server1 host_key_unknown']);
    expect(JSON.stringify(answer)).toContain(host('server1').fingerprint);
    expect(await readFile(join(state, 'known_hosts'), 'utf8').catch(() => '')).toBe('');
  });

  it('is accepted by its key on the command line, by the name of the participant or of the host, and remembered', async () => {
    await writeDesk();
    const yes = await sites(
      'status',
      '--only',
      'server1,site-1',
      '--accept-host-key',
      `server1=${host('server1').fingerprint}`,
      '--accept-host-key',
      `${place('site-1')}=${host('site-1').fingerprint}`,
    );
    expect(yes.code).toBe(0);
    expect(statesOf(yes)).toEqual(['server1 not_delivered', 'site-1 not_delivered']);
    expect((await sites('status', '--only', 'server1,site-1')).code).toBe(0);
  });

  it('is refused when the key given is another, and when it was given for another host', async () => {
    await writeDesk();
    const wrong = host('site-1').fingerprint;
    const answer = await sites('status', '--only', 'server1', '--accept-host-key', `server1=${wrong}`);
    expect(statesOf(answer)).toEqual(['server1 host_key_unknown']);
    const swapped = await sites(
      'status',
      '--only',
      'server1',
      '--accept-host-key',
      `site-1=${host('server1').fingerprint}`,
    );
    expect(statesOf(swapped)).toEqual(['server1 host_key_unknown']);
  });

  it('is asked about at a terminal, and connected to only after a written yes', async () => {
    await writeDesk();
    const words = [process.execPath, entry, 'sites', 'status', '-p', 'project.yml', '--only', 'server1'];
    const answerWith = async (typed: string): Promise<{ code: number | null; text: string }> => {
      const child = spawn('script', ['-qfec', words.map((word) => `'${word}'`).join(' '), '/dev/null'], {
        cwd: folder,
        env: { ...process.env, FLAREDESK_STATE: state, TERM: 'xterm', NO_COLOR: '1' },
        timeout: 40_000,
        killSignal: 'SIGKILL',
      });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      await expect.poll(() => text, { timeout: 15_000 }).toContain('Type yes to connect: ');
      child.stdin.write(`${typed}\r`);
      return { code: await ended, text };
    };
    expect(await answerWith('no')).toMatchObject({ code: 1 });
    const yes = await answerWith('yes');
    expect(yes.code).toBe(0);
    expect(yes.text).toContain(host('server1').fingerprint);
    expect(yes.text).toContain('not delivered');
    const trail = await flaredesk(['audit', 'show'], { cwd: folder, env: { FLAREDESK_STATE: state } });
    const entries = (trail.ok ? trail.value['entries'] : []) as { action: string; outcome: string }[];
    expect(
      entries.filter(({ action }) => action === 'host_key.decision').map(({ outcome }) => outcome),
    ).toEqual(['accepted', 'refused']);
  });
});

describe('several hosts', () => {
  it('end with 3 when one of them has another key, and the others are done', async () => {
    await writeDesk({ ...pinned(), 'site-1': host('server1').fingerprint }, locked);
    const answer = await sites('status', '--only', 'server1,site-1');
    expect(answer.code).toBe(3);
    expect(statesOf(answer)).toEqual(['server1 not_delivered', 'site-1 host_key_changed']);
    const list = await flaredesk(['task', 'list'], { cwd: folder, env: { FLAREDESK_STATE: state } });
    const [task] = (list.ok ? list.value['tasks'] : []) as { id: string; status: string }[];
    expect(task?.status).toBe('partly_done');
    const shown = await flaredesk(['task', 'show', task?.id ?? ''], {
      cwd: folder,
      env: { FLAREDESK_STATE: state },
    });
    expect(shown).toMatchObject({
      ok: true,
      value: {
        children: [
          { target: 'server1', status: 'succeeded' },
          { target: 'site-1', status: 'failed', error: { code: 'host_key_changed' } },
        ],
      },
    });
  });

  it('refuse a site that is not there before anything is tried', async () => {
    await writeDesk(pinned());
    expect(await sites('status', '--only', 'site-9')).toMatchObject({
      code: 2,
      error: { code: 'invalid_input' },
    });
    expect(await sites('distribute')).toMatchObject({ code: 2, error: { code: 'not_found' } });
  });
});

describe('an encrypted identity', () => {
  /** Runs with the passphrase file open as descriptor 3. */
  async function withPassphrase(text: string | undefined) {
    await writeFile(join(folder, 'passphrase'), text ?? '');
    const words = ['sites', 'status', '-p', 'project.yml', '--only', 'site-2', '--json'];
    const child = spawn(
      process.execPath,
      [entry, ...words, ...(text === undefined ? [] : ['--passphrase-fd', '3'])],
      {
        cwd: folder,
        env: { ...process.env, FLAREDESK_STATE: state, SSH_AUTH_SOCK: '' },
        stdio: ['ignore', 'pipe', 'pipe', openSync(join(folder, 'passphrase'), 'r')],
        timeout: 40_000,
        killSignal: 'SIGKILL',
      },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    }
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, said };
  }

  it('is opened with a passphrase from a file descriptor, which is written nowhere', async () => {
    await writeDesk(pinned(), locked);
    const { code, said } = await withPassphrase('open sesame\n');
    expect(code).toBe(0);
    expect(said).not.toContain('sesame');
    const written = await Promise.all(
      ['flaredesk.sqlite', 'flaredesk.sqlite-wal', 'flaredesk.log'].map((name) =>
        readFile(join(state, name), 'latin1').catch(() => ''),
      ),
    );
    expect(written.join('')).not.toContain('sesame');
  });

  it('stays closed with a wrong one, and says what to do without one', async () => {
    await writeDesk(pinned(), locked);
    const wrong = await withPassphrase('shut sesame\n');
    expect(wrong.code).toBe(1);
    expect(wrong.said).not.toContain('sesame');
    const none = await withPassphrase(undefined);
    expect(none.code).not.toBe(0);
    expect(none.said).toContain('--passphrase-fd');
  });
});
