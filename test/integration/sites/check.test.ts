/** What `check` finds on a real host, and that it changes nothing there. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../lab/ports.ts';
import { flareBin } from '../../lab/nvflare.ts';
import { type Sshd, startSshd } from '../../lab/sshd.ts';
import { newFolder, run, sshSettings, stepOf, targetOn } from './site-bench.ts';

const folder = newFolder('check');
let sshd: Sshd;
let ssh: ReturnType<typeof sshSettings>;

beforeAll(async () => {
  sshd = await startSshd({ folder: join(folder, 'sshd') });
  ssh = sshSettings(folder, sshd.user);
});
afterAll(async () => {
  await sshd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a host that is ready, for either line', async () => {
  for (const line of ['2.7.2', '2.8.1'] as const) {
    const port = await freePort();
    const reaches = [{ host: sshd.host, port: sshd.port }];
    const target = targetOn(sshd, join(folder, 'new', 'directory'), {
      line,
      path: [flareBin(line)],
      ports: [port],
      reaches,
    });
    const checked = await run('check', target, ssh);
    expect(checked).toMatchObject({ state: 'ready' });
    expect(checked.steps.map((step) => [step.name, step.state])).toEqual(
      ['connect', 'tools', 'directory', 'participant', 'python', 'clock', 'ports', 'server'].map((name) => [
        name,
        'ok',
      ]),
    );
    expect(stepOf(checked, 'python')?.message).toContain(`nvflare ${line}`);
  }
  expect(existsSync(join(folder, 'new'))).toBe(false);
});

test('everything that is wrong is told at once', async () => {
  const blocked = join(folder, 'a-file');
  writeFileSync(blocked, '');
  const target = targetOn(sshd, blocked, {
    line: '2.7.2',
    path: [flareBin('2.8.1')],
    ports: [sshd.port],
    reaches: [
      { host: 'no-such-host.invalid', port: 8002 },
      { host: '127.0.0.1', port: 1 },
    ],
  });
  const checked = await run('check', target, ssh);
  expect(checked).toMatchObject({ state: 'failed', error: { code: 'remote_failed' } });
  const states = Object.fromEntries(checked.steps.map((step) => [step.name, step.state]));
  expect(states).toMatchObject({
    directory: 'failed',
    python: 'failed',
    ports: 'failed',
    server: 'failed',
    clock: 'ok',
  });
  for (const word of ['is not a folder', '2.8.1', String(sshd.port), 'no-such-host.invalid'])
    expect(checked.error?.message).toContain(word);
  expect(stepOf(checked, 'server')?.message).toContain('nothing listens there yet');
});

test('a server that does not run yet is a warning', async () => {
  const checked = await run(
    'check',
    targetOn(sshd, folder, { path: [flareBin('2.8.1')], reaches: [{ host: '127.0.0.1', port: 1 }] }),
    ssh,
  );
  expect(checked.state).toBe('ready');
  expect(stepOf(checked, 'server')?.state).toBe('warning');
});

test('python without nvflare, and a clock that is off', async () => {
  const bin = join(folder, 'odd-bin');
  mkdirSync(bin);
  const put = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  put('python3', 'echo "version 3.12.1"; echo "nvflare none"');
  put('date', 'expr "$(/bin/date +%s)" - 600');
  const checked = await run('check', targetOn(sshd, folder, { path: [bin], line: '2.8.1' }), ssh);
  expect(stepOf(checked, 'python')).toMatchObject({
    state: 'failed',
    message: expect.stringContaining('has no nvflare') as string,
  });
  expect(stepOf(checked, 'clock')).toMatchObject({
    state: 'failed',
    message: expect.stringMatching(/^(599|600|601) s behind/) as string,
  });
});

test('an unsupported nvflare is named', async () => {
  const bin = join(folder, 'old-bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'python3'), '#!/bin/sh\necho "version 3.8.1"; echo "nvflare 2.3.0"\n', {
    mode: 0o755,
  });
  const checked = await run('check', targetOn(sshd, folder, { path: [bin], line: '2.8.1' }), ssh);
  expect(stepOf(checked, 'python')).toMatchObject({
    state: 'failed',
    message: expect.stringContaining('2.3.0') as string,
  });
});

test('nothing is left behind', () => {
  expect(readdirSync(folder).filter((name) => name.startsWith('.flaredesk'))).toEqual([]);
  expect(readdirSync(sshd.home)).toEqual([]);
});
