/** The built command: plain JavaScript under plain Node, with the packages beside it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectWith } from '../../lab/project-text.ts';

const root = join(import.meta.dirname, '../../..');
const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flaredesk-built-'));
  await writeFile(join(folder, 'project.yml'), projectWith(2));
  // A whole run has built already, and other tests read what it built.
  if (process.env['FLAREDESK_BUILT'] === '1') return;
  await run(process.execPath, [join(root, 'node_modules/electron-vite/bin/electron-vite.js'), 'build'], {
    cwd: root,
    timeout: 60_000,
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function built(...words: string[]) {
  const about = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    bin: { flaredesk: string };
  };
  const { stdout } = await run(process.execPath, [join(root, about.bin.flaredesk), ...words], {
    cwd: folder,
    timeout: 30_000,
    env: { PATH: process.env['PATH'], HOME: folder },
  });
  return stdout;
}

describe('the built command', () => {
  it('begins with a line for the shell', async () => {
    const text = await readFile(join(root, 'out/main/flaredesk.js'), 'utf8');
    expect(text.startsWith('#!/usr/bin/env node\n')).toBe(true);
  });

  it('provisions, inspects and verifies, its state in the folder of the desktop specification', async () => {
    const provision = JSON.parse(await built('provision', '-p', 'project.yml', '--json')) as {
      value: { participants: { name: string; kit: string }[] };
    };
    const kit = provision.value.participants.find(({ name }) => name === 'site-1')?.kit ?? '';
    expect(JSON.parse(await built('kit', 'verify', kit, '--json'))).toMatchObject({
      ok: true,
      value: { problems: [] },
    });
    expect(await built('kit', 'inspect', kit)).toContain('site-1');
    expect((await stat(join(folder, '.local/state/flaredesk'))).mode & 0o777).toBe(0o700);
  });

  it('has the capabilities in parts of their own, so that a short command reads little', async () => {
    const main = await stat(join(root, 'out/main/flaredesk.js'));
    expect(main.size).toBeLessThan(400_000);
    const text = await readFile(join(root, 'out/main/flaredesk.js'), 'utf8');
    for (const heavy of ['ssh2', 'node-forge', '@grpc/grpc-js', 'node:sqlite']) {
      expect(text.includes(`from "${heavy}"`), heavy).toBe(false);
    }
  });
});
