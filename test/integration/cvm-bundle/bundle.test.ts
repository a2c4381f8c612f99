/** Bundles made by the test builder around real signed kits: inspected, signed, verified, and every byte of them flipped. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DeskError } from '../../../src-main/contract/errors.ts';
import {
  adminRecordSigner,
  expectedMeasurements,
  inspectBundle,
  keepHandOver,
  readHandOver,
  rootRecordSigner,
  verifyHandOver,
} from '../../../src-main/services/cvm/bundle/index.ts';
import { missingDriveTool } from '../../lab/drive-tools.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { type CcKits, makeCcKits, type TarEntry, tarOf } from './kits.ts';
import { makeSiteBundle } from './site-bundle.ts';

const seed = 20261124;
let now = 0;

describe.skipIf(missingDriveTool() !== undefined)('a bundle', () => {
  let kits: CcKits;
  let folder: string;
  /** `prod/site-1/site-1.tgz` and its record. */
  let archive: string;
  let record: string;
  let root: string;

  beforeAll(async () => {
    folder = await newLabFolder('bundle');
    kits = await makeCcKits(folder);
    now = Date.now() + 1000;
    mkdirSync(join(folder, 'prod_00/site-1'), { recursive: true });
    archive = join(folder, 'prod_00/site-1/site-1.tgz');
    copyFileSync(makeSiteBundle(folder, kits), archive);
    record = join(folder, 'prod_00/site-1/site-1.bundle.json');
    const facts = await inspectBundle(archive, { now });
    const signer = await rootRecordSigner(join(kits.projectFolder, 'state'));
    root = signer.certificates[0]?.fingerprint256 ?? '';
    await keepHandOver(archive, facts, { participant: 'site-1', now, signer });
  });

  test('is understood: nine files, launch, measurement, the kit inside verified', async () => {
    const facts = await inspectBundle(archive, { now, rootFingerprint: root });
    expect(facts.findings).toEqual([]);
    expect(facts.files).toHaveLength(9);
    const sums = execFileSync('sh', [
      '-c',
      `tar -xzOf '${archive}' --wildcards '*/vmlinuz' | sha256sum`,
    ]).toString();
    expect(facts.files.find(({ name }) => name === 'vmlinuz')?.sha256).toBe(sums.slice(0, 64));
    expect(facts.archive?.sha256).toBe(execFileSync('sha256sum', [archive]).toString().slice(0, 64));
    expect(facts.launch).toMatchObject({
      cores: 16,
      cpu: 'EPYC-v4',
      policy: 0x30000,
      kernelHashes: true,
      cBitPosition: 51,
    });
    expect(facts.launch.forwards).toEqual([{ host: 8002, guest: 8002 }]);
    expect(facts.launch.append).toContain(`vm_id=${facts.launch.vmId}`);
    expect(facts.measurement.computed).toBe(true);
    expect(facts.debugAllowed).toBe(false);
    expect(facts.kit).toMatchObject({
      name: 'site-1',
      kind: 'client',
      flare: '2.8.1',
      rootFingerprint: root,
    });
    expect(facts.kit?.checked).toBeGreaterThan(10);
  });

  test('says the same unpacked, and its drives are checked', async () => {
    const place = unpacked('same');
    const [packed, open] = await Promise.all([
      inspectBundle(archive, { now }),
      inspectBundle(place, { now }),
    ]);
    expect(open.measurement).toEqual(packed.measurement);
    expect(open.drives.map(({ check }) => check)).toEqual(['clean', 'clean', 'clean', 'clean']);
    expect(open.kit).toEqual(packed.kit);
    // Small drives of an archive are copied aside and checked as well.
    expect(packed.drives.map(({ check }) => check)).toEqual(['clean', 'clean', 'clean', 'clean']);
  });

  test('is verified by the root fingerprint alone, as archive and unpacked', async () => {
    const whole = await verifyHandOver(archive, { rootFingerprint: root, now });
    expect(whole).toMatchObject({ problems: [], notes: [], record: { participant: 'site-1' } });
    const place = unpacked('verify');
    writeFileSync(join(bundleIn(place), 'user_data.qcow2'), 'written by its VM');
    const open = await verifyHandOver(place, {
      record,
      rootFingerprint: `SHA256:${root.toLowerCase()}`,
      now,
    });
    expect(open.problems).toEqual([]);
    expect(open.notes.map(({ file }) => file)).toEqual(['user_data.qcow2']);
    await expect(verifyHandOver(archive, { rootFingerprint: 'AB'.repeat(32), now })).rejects.toMatchObject({
      code: 'cert_untrusted',
    });
  });

  test('a flip of any byte of the record is found', async () => {
    const bytes = readFileSync(record);
    const place = join(folder, 'flipped.json');
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const copy = Buffer.from(bytes);
        copy[at] = (copy[at] ?? 0) ^ mask;
        writeFileSync(place, copy);
        const error = await verifyHandOver(archive, { record: place, rootFingerprint: root, now }).catch(
          (reason: unknown) => reason,
        );
        expect((error as DeskError).code).toMatch(/^(?:integrity|cert_untrusted)$/);
      }),
      { seed, numRuns: 300 },
    );
  });

  test('a flip of any byte of the archive or of an unpacked file is found', async () => {
    const copy = join(folder, 'flipped.tgz');
    const bytes = readFileSync(archive);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        writeFileSync(copy, bytes);
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        const answer = await verifyHandOver(copy, { record, rootFingerprint: root, now }).catch(
          (reason: unknown) => reason,
        );
        if (answer instanceof Error)
          expect((answer as DeskError).code).toMatch(/^(?:integrity|invalid_input)$/);
        else expect((answer as { problems: unknown[] }).problems).not.toEqual([]);
      }),
      { seed, numRuns: 60 },
    );
    const place = unpacked('flip');
    for (const name of [
      'OVMF.amdsev.fd',
      'README.txt',
      'crypt_root.qcow2',
      'initrd.img',
      'launch_vm.sh',
      'user_config.qcow2',
      'vmlinuz',
    ]) {
      const file = join(bundleIn(place), name);
      const content = readFileSync(file);
      const at = (seed * 7919) % content.length;
      content[at] = (content[at] ?? 0) ^ 1;
      writeFileSync(file, content);
      const { problems } = await verifyHandOver(place, { record, rootFingerprint: root, now });
      expect(problems.map((one) => one.file)).toEqual([name]);
      content[at] = (content[at] ?? 0) ^ 1;
      writeFileSync(file, content);
    }
  });

  test("no kit but a project admin's signs for the project", async () => {
    for (const name of ['site-1', 'member@nvidia.com']) {
      const error = await adminRecordSigner(kits.kit(name)).catch((reason: unknown) => reason);
      expect((error as DeskError).code).toBe('denied');
    }
    const signer = await adminRecordSigner(kits.kit('admin@nvidia.com'));
    const copy = join(folder, 'by-admin.tgz');
    copyFileSync(archive, copy);
    await keepHandOver(copy, await inspectBundle(copy, { now }), { participant: 'site-1', now, signer });
    const answer = await verifyHandOver(copy, { rootFingerprint: root, now });
    expect(answer).toMatchObject({ problems: [], signedBy: 'admin@nvidia.com' });
  });

  test('its expected measurement is read from the record only while the archive is that very file', async () => {
    const facts = await inspectBundle(archive, { now });
    const expected = () => expectedMeasurements(join(folder, 'prod_00'), { rootFingerprint: root, now });
    expect((await expected()).get('site-1')).toEqual({
      bundle: facts.bundle,
      bundleSha256: facts.archive?.sha256,
      vmId: facts.launch.vmId,
      measurement: facts.measurement,
      signedBy: 'bundle_project',
    });
    const { atime, mtime } = statSync(archive);
    utimesSync(archive, atime, new Date(mtime.getTime() + 5000));
    expect(await expected()).toEqual(new Map());
    utimesSync(archive, atime, mtime);
    expect((await readHandOver(record)).record.participant).toBe('site-1');
  });

  test('a record that nobody signed, or not for this project and site, gives no expected measurement', async () => {
    const prod = join(folder, 'prod_01');
    const copy = join(prod, 'site-1/site-1.tgz');
    mkdirSync(join(prod, 'site-1'), { recursive: true });
    cpSync(archive, copy, { preserveTimestamps: true });
    const facts = await inspectBundle(copy, { now });
    const of = async (options: { rootFingerprint: string | undefined; now: number }, site = 'site-1') => {
      const found = (await expectedMeasurements(prod, options)).get(site);
      return found?.measurement.computed === false ? `${found.signedBy}: ${found.measurement.reason}` : found;
    };
    const sound = { rootFingerprint: root, now };
    await keepHandOver(copy, facts, { participant: 'site-1', now });
    expect(await of(sound)).toMatch(
      /^null: its hand-over record is not signed; sign it: flaredesk cvm inspect/,
    );

    const signer = await rootRecordSigner(join(kits.projectFolder, 'state'));
    const { file } = await keepHandOver(copy, facts, { participant: 'site-1', now, signer });
    expect(await of(sound)).toMatchObject({ signedBy: 'bundle_project', measurement: { computed: true } });
    expect(await of({ rootFingerprint: undefined, now })).toMatch(
      /^null: the root certificate of the project/,
    );
    expect(await of({ rootFingerprint: root.replace(/^../, 'EE'), now })).toMatch(
      /signed under another root/,
    );
    expect(await of({ rootFingerprint: root, now: now + 40 * 365 * 86_400_000 })).toMatch(/is not valid now/);

    // The record of one site beside the archive of another.
    mkdirSync(join(prod, 'site-2'));
    cpSync(copy, join(prod, 'site-2/site-2.tgz'), { preserveTimestamps: true });
    copyFileSync(file, join(prod, 'site-2/site-2.bundle.json'));
    expect(await of(sound, 'site-2')).toMatch(/its hand-over record is that of site-1/);

    // Another measurement under the old signature.
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace(/"plain": "(.)/, (_, digit) => `"plain": "${digit === 'a' ? 'b' : 'a'}`),
    );
    expect(await of(sound)).toMatch(/its signature does not match/);
  });

  test('a cancelled inspection ends soon and leaves nothing', async () => {
    const scratch = join(folder, 'scratch');
    mkdirSync(scratch);
    const stop = AbortSignal.abort();
    await expect(inspectBundle(archive, { scratch, signal: stop })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(execFileSync('ls', ['-A', scratch]).toString()).toBe('');
  });

  test('drives that read other files are never opened', async () => {
    const place = unpacked('backing');
    const drive = join(bundleIn(place), 'user_config.qcow2');
    const secret = join(folder, 'secret.raw');
    writeFileSync(secret, Buffer.alloc(1024 * 1024, 'secret'));
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', secret, drive]);
    const facts = await inspectBundle(place, { now });
    expect(facts.kit).toBeNull();
    expect(facts.findings.map(({ message }) => message)).toContain(
      'The drive is refused: it reads from another file (a backing file).',
    );
    writeFileSync(drive, 'no image');
    const bad = await inspectBundle(place, { now });
    expect(bad.findings.find(({ file }) => file === 'user_config.qcow2')?.message).toContain(
      'no qcow2 image',
    );
  });

  test('a drive that was damaged before it was packed is named, in an archive too', async () => {
    const place = unpacked('damaged');
    const drive = join(bundleIn(place), 'user_data.qcow2');
    const bytes = readFileSync(drive);
    // The header says where the refcount table lies, the table where its first block does: clusters in use are counted as free.
    const table = Number(bytes.readBigUInt64BE(48));
    const block = Number(bytes.readBigUInt64BE(table));
    bytes.fill(0, block, block + 16);
    writeFileSync(drive, bytes);
    const copy = join(folder, 'damaged.tgz');
    execFileSync('tar', ['-C', place, '-czf', copy, '.']);
    const scratch = join(folder, 'scratch-damaged');
    mkdirSync(scratch);
    for (const source of [place, copy]) {
      const facts = await inspectBundle(source, { now, scratch });
      expect(facts.drives.find(({ name }) => name === 'user_data.qcow2')?.check).toBe('damaged');
      expect(facts.findings).toContainEqual(
        expect.objectContaining({
          severity: 'problem',
          file: 'user_data.qcow2',
          message: 'The drive is damaged.',
        }),
      );
    }
    expect(execFileSync('ls', ['-A', scratch]).toString()).toBe('');
  });

  test('a debug policy and a script that is not understood are named', async () => {
    const place = unpacked('script');
    const script = join(bundleIn(place), 'launch_vm.sh');
    const text = readFileSync(script, 'utf8');
    writeFileSync(script, text.replace('policy=0x30000', 'policy=0xb0000'));
    const debug = await inspectBundle(place, { now });
    expect(debug.debugAllowed).toBe(true);
    expect(debug.findings.map(({ severity, file }) => `${severity} ${file}`)).toContain(
      'problem launch_vm.sh',
    );
    const trap = join(folder, 'executed');
    writeFileSync(script, text.replace('CORES=16', `CORES=$(touch '${trap}'; echo 16)`));
    const odd = await inspectBundle(place, { now });
    expect(odd.measurement).toMatchObject({
      computed: false,
      reason: expect.stringContaining('only known when the script runs') as string,
    });
    expect(() => statSync(trap)).toThrow();
  });

  function unpacked(name: string): string {
    const place = join(folder, name);
    mkdirSync(place);
    execFileSync('tar', ['-C', place, '-xzf', archive]);
    return place;
  }
  const bundleIn = (place: string): string => join(place, execFileSync('ls', [place]).toString().trim());
});

describe('an archive that is none', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await newLabFolder('bad-bundle');
  });

  async function archiveOf(entries: readonly TarEntry[]): Promise<string> {
    const file = join(folder, 'bad.tgz');
    writeFileSync(file, await tarOf(entries));
    return file;
  }
  const script: TarEntry = { header: { name: 'cvm_0123456789ab/launch_vm.sh' }, content: '#!/bin/sh\n' };

  test.each<[string, TarEntry, RegExp]>([
    [
      'a symbolic link',
      { header: { name: 'cvm_0123456789ab/x', type: 'symlink', linkname: '/etc/passwd' } },
      /is a link/,
    ],
    [
      'a hard link',
      { header: { name: 'cvm_0123456789ab/x', type: 'link', linkname: 'cvm_0123456789ab/launch_vm.sh' } },
      /is a link/,
    ],
    ['a path upwards', { header: { name: '../../etc/cron.d/x' }, content: 'x' }, /leaves the archive/],
    ['an absolute path', { header: { name: '/etc/cron.d/x' }, content: 'x' }, /is absolute/],
    ['a duplicate', script, /twice/],
    [
      'a duplicate but for case',
      { header: { name: 'cvm_0123456789ab/LAUNCH_VM.sh' }, content: 'x' },
      /twice/,
    ],
    [
      'a device',
      { header: { name: 'cvm_0123456789ab/x', type: 'character-device', devmajor: 1, devminor: 3 } },
      /neither a folder nor a plain file/,
    ],
    ['a pipe', { header: { name: 'cvm_0123456789ab/x', type: 'fifo' } }, /neither a folder nor a plain file/],
    [
      'a second bundle',
      { header: { name: 'cvm_ba9876543210/launch_vm.sh' }, content: 'x' },
      /more than one bundle/,
    ],
  ])('because of %s is refused', async (_, entry, words) => {
    const file = await archiveOf([script, entry]);
    await expect(inspectBundle(file)).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringMatching(words) as string,
    });
  });

  test('cut short anywhere is refused, and so is what is no archive', async () => {
    const file = await archiveOf([
      script,
      { header: { name: 'cvm_0123456789ab/vmlinuz' }, content: 'x'.repeat(5000) },
    ]);
    const whole = readFileSync(file).length;
    for (let size = 1; size < whole; size += 7) {
      const copy = join(folder, 'cut.tgz');
      cpSync(file, copy);
      truncateSync(copy, size);
      await expect(inspectBundle(copy)).rejects.toMatchObject({ code: 'integrity' });
    }
    writeFileSync(file, 'not an archive');
    await expect(inspectBundle(file)).rejects.toMatchObject({ code: 'integrity' });
    await expect(inspectBundle(join(folder, 'absent.tgz'))).rejects.toMatchObject({ code: 'not_found' });
    await expect(
      inspectBundle(await archiveOf([{ header: { name: 'x/readme' }, content: 'x' }])),
    ).rejects.toMatchObject({
      code: 'invalid_input',
    });
  });
});
