import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SecretBox } from '../../../../src-main/ports.ts';
import { openSecretStore } from '../../../../src-main/services/secrets/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secrets-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const flip = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0x55));
/** A keychain whose key is the number; another one opens nothing. */
function keychain(key = 1, more: Partial<SecretBox> & { isStale?: boolean } = {}): SecretBox {
  return {
    isAvailable: () => Promise.resolve(true),
    seal: (text) => Promise.resolve(Buffer.concat([Buffer.from([key]), flip(Buffer.from(text))])),
    open: (sealed) =>
      sealed[0] === key
        ? Promise.resolve({ text: flip(sealed.subarray(1)).toString(), isStale: more.isStale ?? false })
        : Promise.reject(new Error('sealed by another key')),
    ...more,
  };
}
const warn = vi.fn();
const open = (box: SecretBox | undefined) =>
  openSecretStore({ folder, box, clock: { now: () => 0 }, logger: { warn } as never });
const file = (): Promise<string> => readFile(join(folder, 'secrets.json'), 'utf8');

describe('kept secrets', () => {
  it('come back in the next run, lie sealed for their owner alone, and are listed by what they open', async () => {
    await open(keychain()).keep('a', 'SSH key /k', 'two words');
    const next = open(keychain());
    expect(await next.get('a')).toBe('two words');
    expect(await next.get('b')).toBeUndefined();
    expect(await next.list()).toEqual([{ id: 'a', label: 'SSH key /k', keptAt: '1970-01-01T00:00:00.000Z' }]);
    expect(await file()).not.toContain('two words');
    expect((await stat(join(folder, 'secrets.json'))).mode & 0o777).toBe(0o600);
  });

  it('are replaced, forgotten, and none is lost among many at once', async () => {
    const store = open(keychain());
    await Promise.all(['a', 'b', 'c', 'd'].map((id) => store.keep(id, id, `secret ${id}`)));
    await Promise.all([store.keep('a', 'a', 'new'), store.forget('b'), store.forget('none')]);
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((id) => store.get(id)))).toEqual([
      'new',
      undefined,
      'secret c',
      'secret d',
    ]);
  });

  it('that cannot be opened any more are forgotten, the others stay', async () => {
    await open(keychain(1)).keep('a', 'a', 'one');
    await open(keychain(2)).keep('b', 'b', 'two');
    const store = open(keychain(2));
    expect(await store.get('a')).toBeUndefined();
    expect((await store.list()).map(({ id }) => id)).toEqual(['b']);
    expect(await store.get('b')).toBe('two');
  });

  it('are sealed anew when the keychain changed its key', async () => {
    await open(keychain(1)).keep('a', 'a', 'one');
    const seal = (text: string) => keychain(3).seal(text);
    expect(await open(keychain(1, { isStale: true, seal })).get('a')).toBe('one');
    expect(await open(keychain(3)).get('a')).toBe('one');
  });

  it('wait for a keychain that is away', async () => {
    await open(keychain()).keep('a', 'a', 'one');
    const away = open(keychain(1, { isAvailable: () => Promise.resolve(false) }));
    expect(await away.get('a')).toBeUndefined();
    const broken = open(keychain(1, { isAvailable: () => Promise.reject(new Error('no bus')) }));
    expect(await broken.canKeep()).toBe(false);
    expect(await broken.get('a')).toBeUndefined();
    expect(await open(keychain()).get('a')).toBe('one');
  });

  it.each(['{"version":1,"secrets":{"a"', '{"version":2,"secrets":{}}', '[]'])(
    'of a broken file (%s) are asked again, and nothing of the file is logged',
    async (text) => {
      await writeFile(join(folder, 'secrets.json'), text);
      const store = open(keychain());
      expect(await store.get('a')).toBeUndefined();
      expect(JSON.stringify(warn.mock.calls)).not.toContain('version');
      await store.keep('a', 'a', 'one');
      expect(await store.get('a')).toBe('one');
    },
  );
});

it.each([
  ['no box', undefined],
  ['a box that is no keychain', keychain(1, { isAvailable: () => Promise.resolve(false) })],
])('with %s nothing is kept', async (_what, box) => {
  const store = open(box);
  expect(await store.canKeep()).toBe(false);
  await expect(store.keep('a', 'a', 'one')).rejects.toMatchObject({ code: 'unsupported' });
  expect(await store.get('a')).toBeUndefined();
  expect(await store.list()).toEqual([]);
  await expect(file()).rejects.toThrow('ENOENT');
});
