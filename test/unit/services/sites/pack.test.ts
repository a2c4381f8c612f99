import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type PackedKit, readKit, tarOf } from '../../../../src-main/services/sites/pack.ts';

const folder = mkdtempSync(join(tmpdir(), 'flaredesk-pack-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let counter = 0;

function makeKit(files: Record<string, string>, empty: string[] = []): string {
  const kit = join(folder, `kit-${counter++}`);
  for (const name of ['startup', ...empty]) mkdirSync(join(kit, name), { recursive: true });
  for (const [name, text] of Object.entries({ 'startup/fed_client.json': '{}', ...files })) {
    mkdirSync(join(kit, name, '..'), { recursive: true });
    writeFileSync(join(kit, name), text);
  }
  return kit;
}
async function bytesOf(kit: PackedKit): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of tarOf(kit, () => undefined) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('the id depends on content, names, modes and empty folders, not on times or places', async () => {
  const files = { 'startup/start.sh': 'echo', 'local/a b.txt': 'x' };
  const id = async (kit: string) => (await readKit(kit, 'prod_00')).id;
  const one = makeKit(files, ['transfer']);
  const same = makeKit(files, ['transfer']);
  utimesSync(join(same, 'local/a b.txt'), 1, 1);
  expect(await id(same)).toBe(await id(one));
  chmodSync(join(same, 'local/a b.txt'), 0o640);
  expect(await id(same)).toBe(await id(one));
  chmodSync(join(same, 'startup/start.sh'), 0o755);
  expect(await id(same)).not.toBe(await id(one));
  expect(await id(makeKit(files))).not.toBe(await id(one));
  expect(await id(makeKit({ ...files, 'local/a b.txt': 'y' }, ['transfer']))).not.toBe(await id(one));
  expect(await id(makeKit({ 'startup/start.sh': 'echo', 'local/c.txt': 'x' }, ['transfer']))).not.toBe(
    await id(one),
  );
});

test('a real tar unpacks the stream to what sha256sum expects, closed to others', async () => {
  const kit = await readKit(
    makeKit({ 'local/a b.txt': 'x', 'local/é/ü.bin': '\0\x01', 'local/empty': '' }, ['transfer']),
    'p',
  );
  const out = join(folder, 'out');
  mkdirSync(out);
  execFileSync('tar', ['-xf', '-'], { cwd: out, input: await bytesOf(kit) });
  const sums = kit.manifest
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('folder'))
    .map((line) => line.replace(/^(\S+) \d+ /, '$1  '))
    .join('\n');
  execFileSync('sha256sum', ['-c', '--quiet'], { cwd: out, input: `${sums}\n` });
  expect(statSync(join(out, 'transfer')).mode & 0o777).toBe(0o700);
  expect(statSync(join(out, 'local/empty')).mode & 0o777).toBe(0o600);
});

test('names that line-based tools cannot carry are refused', async () => {
  for (const name of [
    'local/new\nline',
    'local/tab\there',
    'local/ blank',
    'local/blank ',
    'local/back\\slash',
  ])
    await expect(readKit(makeKit({ [name]: 'x' }), 'p'), name).rejects.toMatchObject({
      code: 'invalid_input',
    });
});

test('no folder, a file, and a folder that is no kit', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await expect(readKit(join(folder, 'nowhere'), 'p')).rejects.toMatchObject({ code: 'not_found' });
  await expect(readKit(file, 'p')).rejects.toMatchObject({ code: 'not_found' });
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  await expect(readKit(empty, 'p')).rejects.toMatchObject({ code: 'invalid_input' });
});

test('a cancel is heeded', async () => {
  await expect(readKit(makeKit({}), 'p', AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
});
