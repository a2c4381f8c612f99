import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unsafeName } from '../../../../src-main/services/jobs/archive-names.ts';
import { defaultUnpackLimits, unpackZip } from '../../../../src-main/services/jobs/index.ts';
import { type ForgedEntry, forgeZip } from './forge-zip.ts';
import { newFolder } from './workbench.ts';

const code = (wanted: string) => expect.objectContaining({ code: wanted }) as unknown;

/** Unpacks an archive into a new folder beside a guard file; nothing but that folder may appear. */
async function unpack(
  archive: Buffer,
  limits = defaultUnpackLimits,
): Promise<{ into: string; files: string[] }> {
  const place = await newFolder();
  await writeFile(join(place, 'a.zip'), archive);
  const into = join(place, 'into');
  try {
    return { into, files: await unpackZip(join(place, 'a.zip'), into, { limits }) };
  } finally {
    expect((await readdir(place)).filter((name) => name !== 'a.zip' && name !== 'into')).toEqual([]);
  }
}

const text = (content: string) => Buffer.from(content);

describe('unpackZip', () => {
  test('writes files and folders of a good archive, for this user alone', async () => {
    const { into, files } = await unpack(
      forgeZip([
        { name: 'a/', mode: 0o40755 },
        { name: 'a/b.txt', data: text('hello'), mode: 0o100777 },
        { name: 'c/d/e.bin', data: Buffer.alloc(100_000, 7), store: true },
        { name: 'é.txt', data: text('') },
      ]),
    );
    expect(files).toEqual(['a/b.txt', 'c/d/e.bin', 'é.txt']);
    expect(await readFile(join(into, 'a/b.txt'), 'utf8')).toBe('hello');
    expect((await readFile(join(into, 'c/d/e.bin'))).equals(Buffer.alloc(100_000, 7))).toBe(true);
    expect((await stat(join(into, 'a/b.txt'))).mode & 0o777).toBe(0o600);
  });

  const hostile: [string, ForgedEntry[]][] = [
    ['climbs out', [{ name: '../evil' }]],
    ['climbs out further in', [{ name: 'a/../../evil' }]],
    ['climbs as a folder', [{ name: 'a/../' }]],
    ['is absolute', [{ name: '/etc/evil' }]],
    ['names a drive', [{ name: 'C:/evil' }]],
    ['names a drive without a slash', [{ name: 'c:evil' }]],
    ['holds a backslash', [{ name: '..\\evil' }]],
    ['holds a backslash inside', [{ name: 'a\\b' }]],
    ['holds a NUL', [{ name: 'a\0b' }]],
    ['holds a line break', [{ name: 'a\nb' }]],
    ['holds an empty part', [{ name: 'a//b' }]],
    ['holds a dot part', [{ name: './a' }]],
    ['is too long', [{ name: 'x'.repeat(300) }]],
    ['is a link', [{ name: 'a', data: text('/etc/passwd'), mode: 0o120777 }]],
    [
      'goes through a link',
      [
        { name: 'a', data: text('/tmp'), mode: 0o120777 },
        { name: 'a/b', data: text('x') },
      ],
    ],
    ['is a device', [{ name: 'a', mode: 0o020666 }]],
    ['is a pipe', [{ name: 'a', mode: 0o010666 }]],
    ['is a socket', [{ name: 'a', mode: 0o140666 }]],
    ['is a folder with a file name', [{ name: 'a', mode: 0o040755 }]],
    ['is a file with a folder name', [{ name: 'a/', mode: 0o100644 }]],
    ['is a folder with content', [{ name: 'a/', data: text('x') }]],
    [
      'stands twice',
      [
        { name: 'a', data: text('1') },
        { name: 'a', data: text('2') },
      ],
    ],
    ['differs by case only', [{ name: 'Model.pt' }, { name: 'model.pt' }]],
    ['differs by case in a folder', [{ name: 'A/x' }, { name: 'a/y' }]],
    ['differs by composition only', [{ name: 'é' }, { name: 'e\u0301' }]],
    ['is a file and a folder', [{ name: 'a' }, { name: 'a/b' }]],
    ['is a folder and a file', [{ name: 'a/b' }, { name: 'a' }]],
    ['is encrypted', [{ name: 'a', data: text('x'), flags: 0x801 }]],
    ['is packed in an unknown way', [{ name: 'a', data: text('x'), method: 12 }]],
    ['has another checksum', [{ name: 'a', data: text('x'), declaredCrc: 1 }]],
    ['is longer than it says', [{ name: 'a', data: Buffer.alloc(5000), declaredSize: 10 }]],
    ['is shorter than it says', [{ name: 'a', data: Buffer.alloc(10), declaredSize: 5000 }]],
    [
      'shares its bytes',
      [
        { name: 'a', data: Buffer.alloc(5000) },
        { name: 'b', data: Buffer.alloc(5000), sharesBytesOf: 0 },
      ],
    ],
  ];
  test.each(hostile)('refuses an archive with an entry that %s', async (_, entries) => {
    await expect(unpack(forgeZip(entries))).rejects.toEqual(code('integrity'));
  });

  test('writes nothing at all when one of many names is hostile', async () => {
    const place = await newFolder();
    await writeFile(join(place, 'a.zip'), forgeZip([{ name: 'good', data: text('x') }, { name: '../evil' }]));
    await expect(unpackZip(join(place, 'a.zip'), join(place, 'into'))).rejects.toEqual(code('integrity'));
    expect(existsSync(join(place, 'into'))).toBe(false);
  });

  test('refuses bombs by entries, by size, by ratio and by what the disk holds', async () => {
    const limits = { ...defaultUnpackLimits, freeRatioBytes: 1e6 };
    const many = forgeZip(Array.from({ length: 50 }, (_, at) => ({ name: `f${at}` })));
    await expect(unpack(many, { ...limits, maxEntries: 49 })).rejects.toEqual(code('too_large'));
    const zeros = forgeZip([{ name: 'zeros', data: Buffer.alloc(8e6) }]);
    await expect(unpack(zeros, { ...limits, maxBytes: 7e6 })).rejects.toEqual(code('too_large'));
    await expect(unpack(zeros, limits)).rejects.toEqual(code('too_large'));
    await expect(unpack(zeros)).resolves.toMatchObject({ files: ['zeros'] });
    const claims = Array.from({ length: 1000 }, (_, at) => ({ name: `g${at}`, declaredSize: 0xf0000000 }));
    await expect(unpack(forgeZip(claims))).rejects.toEqual(code('too_large'));
    await expect(unpack(forgeZip(claims), { ...limits, maxBytes: 1e18, maxRatio: 1e12 })).rejects.toThrow(
      'disk',
    );
  });

  test('refuses what is no archive, or a broken one', async () => {
    await expect(unpack(Buffer.alloc(0))).rejects.toEqual(code('integrity'));
    await expect(unpack(Buffer.from('not a zip at all, but long enough to be one'))).rejects.toEqual(
      code('integrity'),
    );
    const good = forgeZip([{ name: 'a', data: Buffer.alloc(50_000, 'abc') }]);
    await expect(unpack(good.subarray(0, good.length - 10))).rejects.toEqual(code('integrity'));
  });

  test('never fails without a code, and never writes outside, whatever byte is flipped', async () => {
    const good = forgeZip([
      { name: 'a/', mode: 0o40755 },
      { name: 'a/b.txt', data: text('hello '.repeat(50)), mode: 0o100644 },
      { name: 'c.txt', data: text('x'), store: true },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ change;
        const outcome = await unpack(bad).then(
          () => 'good',
          (error: { code?: string }) => error.code,
        );
        expect(['good', 'integrity', 'too_large']).toContain(outcome);
      }),
      { numRuns: 300 },
    );
  });

  test('is cancelled in the middle of a file', async () => {
    const place = await newFolder();
    await writeFile(join(place, 'a.zip'), forgeZip([{ name: 'zeros', data: Buffer.alloc(100e6) }]));
    const cancel = new AbortController();
    const unpacking = unpackZip(join(place, 'a.zip'), join(place, 'into'), {
      signal: cancel.signal,
      report: () => cancel.abort(),
    });
    await expect(unpacking).rejects.toEqual(code('cancelled'));
    expect((await stat(join(place, 'into', 'zeros'))).size).toBeLessThan(100e6);
  });
});

describe('unsafeName', () => {
  test('lets pass only what stays inside, on either system', () => {
    const part = fc.constantFrom('a', 'b.txt', '..', '.', '', 'con', 'x:y', 'a\\b', 'C:', ' ', 'ä');
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const name = parts.join('/');
        if (unsafeName(name, 'linux') !== undefined) return;
        expect(join('/base', name).startsWith('/base/')).toBe(true);
        expect(name).not.toContain('\\');
        if (unsafeName(name, 'win32') === undefined) expect(parts).not.toContain('con');
      }),
    );
    expect(unsafeName('logs/12:30.txt', 'linux')).toBeUndefined();
    expect(unsafeName('logs/12:30.txt', 'win32')).toBeDefined();
  });
});
