import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  appendFile,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packJob, unpackZip } from '../../../../src-main/services/jobs/index.ts';
import { verifyPss } from '../../../../src-main/services/pki/index.ts';
import { newFolder, newSigner, sampleFiles, writeTree } from './workbench.ts';

const signatures = '.__nvfl_sig.json';
const certificate = '.__nvfl_submitter.crt';
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as unknown;

/** Every problem a server would have with the signatures of an unpacked job (docs/reference/admin-protocol.md §9.1). */
async function signatureProblems(folder: string, publicKeyPem: string): Promise<string[]> {
  const key = createPublicKey(publicKeyPem);
  const problems: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  const signed = JSON.parse(await readFile(join(folder, signatures), 'utf8')) as Record<string, string>;
  if (!entries.some(({ name }) => name === certificate)) problems.push(`${folder}: no certificate`);
  for (const entry of entries) {
    if (entry.name === signatures || entry.name === certificate) continue;
    const path = join(folder, entry.name);
    const data = entry.isDirectory() ? Buffer.from(entry.name) : await readFile(path);
    if (!verifyPss(key, data, Buffer.from(signed[entry.name] ?? '', 'base64'))) problems.push(path);
    if (entry.isDirectory()) problems.push(...(await signatureProblems(path, publicKeyPem)));
  }
  return problems;
}

const treeOf = async (folder: string) => (await readdir(folder, { recursive: true })).sort();

describe('packJob', () => {
  const reference = (
    JSON.parse(
      readFileSync(new URL('../../../fixtures/vectors/admin/pss-vectors.json', import.meta.url), 'utf8'),
    ) as {
      job_signing: { zip_hex: string; submitter_cert_pem: string };
    }
  ).job_signing;

  test('makes the archive the reference client makes, with signatures that hold', async () => {
    const place = await newFolder();
    await writeFile(join(place, 'reference.zip'), Buffer.from(reference.zip_hex, 'hex'));
    await unpackZip(join(place, 'reference.zip'), join(place, 'reference'));
    const theirs = createPublicKey(reference.submitter_cert_pem)
      .export({ type: 'spki', format: 'pem' })
      .toString();
    expect(await signatureProblems(join(place, 'reference', 'hello'), theirs)).toEqual([]);

    const signer = newSigner();
    const packed = await packJob(join(place, 'reference', 'hello'), 'hello', { signer });
    await unpackZip(packed.file, join(place, 'ours'));
    expect(await treeOf(join(place, 'ours'))).toEqual(await treeOf(join(place, 'reference')));
    expect(await signatureProblems(join(place, 'ours', 'hello'), signer.publicKeyPem)).toEqual([]);
    await packed.dispose();
  });

  test('has an entry for every folder, the empty ones too', async () => {
    const folder = await writeTree(join(await newFolder(), 'job'), {
      ...sampleFiles,
      'app/custom/': '',
      'ä/ö.txt': 'ü',
    });
    const packed = await packJob(folder, 'job');
    const into = join(await newFolder(), 'out');
    await unpackZip(packed.file, into);
    expect(await treeOf(join(into, 'job'))).toEqual(await treeOf(folder));
    await packed.dispose();
  });

  test('leaves the folder as it is, and the archive readable by this user alone, until it is disposed of', async () => {
    const folder = await writeTree(join(await newFolder(), 'job'), {
      ...sampleFiles,
      [`app/${signatures}`]: 'old',
    });
    const before = await treeOf(folder);
    const signer = newSigner();
    const packed = await packJob(folder, 'job', { signer });
    expect(await treeOf(folder)).toEqual(before);
    expect((await stat(packed.file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(packed.file, '..'))).mode & 0o777).toBe(0o700);
    expect(packed.size).toBe((await stat(packed.file)).size);
    let bytes = 0;
    for await (const chunk of packed.read()) bytes += chunk.length;
    expect(bytes).toBe(packed.size);

    const into = join(await newFolder(), 'out');
    await unpackZip(packed.file, into);
    expect(await signatureProblems(join(into, 'job'), signer.publicKeyPem)).toEqual([]);
    await packed.dispose();
    await expect(stat(join(packed.file, '..'))).rejects.toThrow();
  });

  test('refuses links and the like, each by name', async () => {
    const folder = await writeTree(join(await newFolder(), 'job'), sampleFiles);
    await symlink('meta.json', join(folder, 'a'));
    await symlink('meta.json', join(folder, 'app', 'b'));
    const failure = await packJob(folder, 'job').catch(
      (error: unknown) => error as { code: string; fields: { file: string }[] },
    );
    expect(failure).toMatchObject({
      code: 'invalid_input',
      fields: [{ file: join(folder, 'a') }, { file: join(folder, 'app/b') }],
    });
  });

  test.each([
    ['grows', (folder: string) => appendFile(join(folder, 'big.bin'), 'more')],
    ['is rewritten', (folder: string) => utimes(join(folder, 'meta.json'), 1, 1)],
    ['goes', (folder: string) => rm(join(folder, 'app/config/config_fed_client.json'))],
    ['comes', (folder: string) => writeFile(join(folder, 'app', 'new.txt'), '')],
    [
      'becomes a folder',
      async (folder: string) => {
        await rm(join(folder, 'zz.txt'));
        await mkdir(join(folder, 'zz.txt'));
      },
    ],
  ])('notices a file that %s meanwhile', async (_, change) => {
    const folder = await writeTree(join(await newFolder(), 'job'), {
      ...sampleFiles,
      'big.bin': Buffer.alloc(3e6, 'x'),
      'zz.txt': 'z',
    });
    let changed: Promise<unknown> | undefined;
    const packing = packJob(folder, 'job', {
      report: () => {
        changed ??= Promise.resolve(change(folder));
      },
    });
    await expect(packing).rejects.toEqual(code('conflict'));
    await changed;
  });

  test('is cancelled within a second and leaves nothing behind', async () => {
    const folder = await writeTree(join(await newFolder(), 'job'), sampleFiles);
    await writeSparse(join(folder, 'model.bin'), 2 * 1024 ** 3);
    const workFolder = await newFolder();
    const cancel = new AbortController();
    let at = 0;
    const packing = packJob(folder, 'job', {
      signer: newSigner(),
      signal: cancel.signal,
      workFolder,
      report: ({ done = 0 }) => {
        if (done > 1e6 && at === 0) {
          at = performance.now();
          cancel.abort();
        }
      },
    });
    await expect(packing).rejects.toEqual(code('cancelled'));
    expect(performance.now() - at).toBeLessThan(1000);
    expect(await readdir(workFolder)).toEqual([]);
  });

  test('streams a large file: it is never in memory, progress is told, and its signature holds', async () => {
    const folder = await writeTree(join(await newFolder(), 'job'), sampleFiles);
    const size = 200 * 1024 ** 2;
    await writeSparse(join(folder, 'model.bin'), size);
    const signer = newSigner();
    const start = process.memoryUsage().rss;
    let peak = 0;
    let last = 0;
    const packed = await packJob(folder, 'job', {
      signer,
      report: ({ done = 0 }) => {
        expect(done).toBeGreaterThanOrEqual(last);
        last = done;
        peak = Math.max(peak, process.memoryUsage().rss);
      },
    });
    expect(last).toBeGreaterThan(size);
    expect(peak - start).toBeLessThan(120 * 1024 ** 2);

    const into = join(await newFolder(), 'out');
    await unpackZip(packed.file, into, {
      limits: { maxEntries: 100, maxBytes: 1e12, maxRatio: 2000, freeRatioBytes: 0 },
    });
    expect(await signatureProblems(join(into, 'job'), signer.publicKeyPem)).toEqual([]);
    await packed.dispose();
  });
});

async function writeSparse(path: string, size: number): Promise<void> {
  const file = await open(path, 'w');
  await file.truncate(size);
  await file.close();
}
