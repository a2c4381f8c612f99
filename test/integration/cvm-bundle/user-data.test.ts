/** User-data drives with the real tools, without root; on this machine and through a real sshd. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeskError } from '../../../src-main/contract/errors.ts';
import {
  createUserData,
  listUserData,
  putUserData,
  readUserData,
  remoteShell,
  resizeUserData,
  writeMountConf,
} from '../../../src-main/services/cvm/user-data/index.ts';
import { connect } from '../../../src-main/services/ssh/index.ts';
import { missingDriveTool } from '../../lab/drive-tools.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { noSmallDisk, smallDisk } from '../../lab/small-disk.ts';
import { startSshd, type Sshd } from '../../lab/sshd.ts';

const gibibyte = 1024 ** 3;
const tools = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` };
const isRoot = process.getuid?.() === 0;

describe.skipIf(missingDriveTool() !== undefined)('a user-data drive', () => {
  let folder: string;
  let source: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'flaredesk data '));
    source = join(folder, 'source');
    mkdirSync(join(source, 'images'), { recursive: true });
    writeFileSync(join(source, 'labels.csv'), 'a,b\n1,2\n');
    writeFileSync(join(source, 'images/scan.bin'), Buffer.alloc(3_000_000, 'scan'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The file system as e2fsck sees it: 0 = clean. */
  function fsck(drive: string): number | null {
    const raw = `${drive}.raw`;
    execFileSync('qemu-img', ['convert', '-O', 'raw', drive, raw], { env: tools });
    const { status } = spawnSync('e2fsck', ['-fn', raw], { env: tools });
    rmSync(raw);
    return status;
  }
  const virtualSize = (drive: string): number =>
    (
      JSON.parse(execFileSync('qemu-img', ['info', '--output=json', drive]).toString()) as Record<
        string,
        number
      >
    )['virtual-size'] ?? 0;

  test('is made, grown from 1 to 5 GB and told of an export; the files stay and e2fsck finds nothing', async () => {
    const drive = join(folder, 'user_data.qcow2');
    const steps: string[] = [];
    const options = { report: ({ step }: { step: string }) => steps.push(step) };
    await createUserData({ drive, folder: source, size: gibibyte }, options);
    expect(fsck(drive)).toBe(0);
    expect(virtualSize(drive)).toBe(gibibyte);
    await resizeUserData({ drive, size: 5 * gibibyte }, options);
    expect(fsck(drive)).toBe(0);
    expect(virtualSize(drive)).toBe(5 * gibibyte);
    await writeMountConf({ drive, nfs: '[2001:db8::1]:/exports/study' }, options);
    await writeMountConf({ drive, nfs: ' nfs.example.org:/exports/study\n' }, options);
    expect(fsck(drive)).toBe(0);
    expect((await listUserData({ drive })).map(({ name }) => name)).toEqual(
      ['lost+found', 'images', 'labels.csv', 'ext_mount.conf'].sort((a, b) => order(a) - order(b)),
    );
    expect(
      (await readUserData({ drive, path: '/images/scan.bin' })).equals(
        readFileSync(join(source, 'images/scan.bin')),
      ),
    ).toBe(true);
    expect((await readUserData({ drive, path: 'labels.csv' })).toString()).toBe('a,b\n1,2\n');
    expect((await readUserData({ drive, path: 'ext_mount.conf' })).toString()).toBe(
      'nfs.example.org:/exports/study\n',
    );
    expect(steps).toContain('compare');
    expect(left()).toEqual(['source', 'user_data.qcow2']);
  });

  test.skipIf(!isRoot)(
    'is mounted by the kernel as the VM mounts it, with its files and new size',
    async ({ skip }) => {
      const drive = join(folder, 'mounted.qcow2');
      await createUserData({ drive, folder: source, size: gibibyte });
      await resizeUserData({ drive, size: 5 * gibibyte });
      await writeMountConf({ drive, nfs: 'nfs.example.org:/exports/study' });
      const raw = join(folder, 'mounted.raw');
      const place = join(folder, 'mounted');
      mkdirSync(place);
      execFileSync('qemu-img', ['convert', '-O', 'raw', drive, raw], { env: tools });
      try {
        const mount = spawnSync('mount', ['-t', 'ext4', '-o', 'ro,loop', raw, place]);
        if (mount.status !== 0) return skip(`no loop mount here: ${mount.stderr.toString()}`);
        try {
          expect(readdirSync(place).sort()).toEqual(['ext_mount.conf', 'images', 'labels.csv', 'lost+found']);
          expect(
            readFileSync(join(place, 'images/scan.bin')).equals(
              readFileSync(join(source, 'images/scan.bin')),
            ),
          ).toBe(true);
          expect(readFileSync(join(place, 'ext_mount.conf'), 'utf8')).toBe(
            'nfs.example.org:/exports/study\n',
          );
          const { bsize, blocks } = statfsSync(place);
          expect(bsize * blocks).toBeGreaterThan(4.5 * gibibyte);
        } finally {
          execFileSync('umount', [place]);
        }
      } finally {
        for (const path of [raw, drive, place]) {
          rmSync(path, { recursive: true });
        }
      }
    },
  );

  const order = (name: string): number =>
    ['lost+found', 'images', 'labels.csv', 'ext_mount.conf'].indexOf(name);
  const left = (): string[] =>
    readdirSync(folder)
      .filter((name) => !/^(?:small|nobody)/.test(name))
      .sort();

  test('is left alone while something holds it', async () => {
    const drive = join(folder, 'held.qcow2');
    await createUserData({ drive, folder: source, size: 64 * 1024 ** 2 });
    const before = readFileSync(drive);
    // qemu-nbd holds an image as a VM does; where it is not there, a lock as QEMU takes it.
    const holder = spawn(
      'qemu-nbd',
      ['--socket', join(folder, 'held.sock'), '--format=qcow2', '--persistent', drive],
      { stdio: 'ignore' },
    );
    try {
      await once(holder, 'spawn');
      await expect.poll(() => spawnSync('qemu-img', ['info', drive]).status, { timeout: 10_000 }).not.toBe(0);
      for (const act of [
        () => resizeUserData({ drive, size: gibibyte }),
        () => writeMountConf({ drive, nfs: 'a:/b' }),
      ]) {
        await expect(act()).rejects.toMatchObject({
          code: 'conflict',
          message: expect.stringContaining('in use') as string,
        });
      }
      expect((await readUserData({ drive, path: 'labels.csv' })).toString()).toBe('a,b\n1,2\n');
    } finally {
      holder.kill('SIGKILL');
    }
    expect(readFileSync(drive).equals(before)).toBe(true);
  });

  test('refuses what cannot be, in words, and changes nothing', async () => {
    const drive = join(folder, 'refuse.qcow2');
    await createUserData({ drive, folder: source, size: 64 * 1024 ** 2 });
    const before = readFileSync(drive);
    const large = join(folder, 'large');
    mkdirSync(large);
    writeFileSync(join(large, 'scan.bin'), Buffer.alloc(16 * 1024 ** 2, 'scan'));
    const cases: [() => Promise<unknown>, string][] = [
      [() => createUserData({ drive, folder: source, size: gibibyte }), 'conflict'],
      [
        () =>
          createUserData({ drive: join(folder, 'x.qcow2'), folder: join(folder, 'absent'), size: gibibyte }),
        'not_found',
      ],
      [() => createUserData({ drive: join(folder, 'x.qcow2'), folder: source, size: 100 }), 'invalid_input'],
      [
        () => createUserData({ drive: join(folder, 'x.qcow2'), folder: large, size: 8 * 1024 ** 2 }),
        'too_large',
      ],
      [() => resizeUserData({ drive, size: 32 * 1024 ** 2 }), 'invalid_input'],
      [() => resizeUserData({ drive: join(folder, 'absent.qcow2'), size: gibibyte }), 'not_found'],
      [() => resizeUserData({ drive: join(source, 'labels.csv'), size: gibibyte }), 'integrity'],
      [() => putUserData({ drive, name: '../x', content: Buffer.from('x') }), 'invalid_input'],
      [() => putUserData({ drive, name: 'big', content: Buffer.alloc(80 * 1024 ** 2, 1) }), 'too_large'],
      [() => writeMountConf({ drive, nfs: '2001:db8::1:/x' }), 'invalid_input'],
      [() => writeMountConf({ drive, nfs: 'a:/b\nc:/d' }), 'invalid_input'],
      [() => readUserData({ drive, path: '/absent' }), 'not_found'],
      [() => readUserData({ drive, path: '/images' }), 'invalid_input'],
    ];
    for (const [act, code] of cases) {
      const error = await act().then(
        () => undefined,
        (reason: unknown) => reason as DeskError,
      );
      expect(`${error?.code} ${error?.message}`).toMatch(new RegExp(`^${code} `));
    }
    expect(readFileSync(drive).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('a cancelled change ends within a second and leaves the drive and no other file', async () => {
    const drive = join(folder, 'cancel.qcow2');
    await createUserData({ drive, folder: source, size: 64 * 1024 ** 2 });
    const before = readFileSync(drive);
    const stop = new AbortController();
    const began = resizeUserData(
      { drive, size: 200 * gibibyte },
      {
        signal: stop.signal,
        report: ({ step }) => {
          if (step === 'grow') stop.abort();
        },
      },
    );
    await expect(began).rejects.toMatchObject({ code: 'cancelled' });
    await expect
      .poll(() => readdirSync(folder).filter((name) => name.startsWith('.')), { timeout: 3000 })
      .toEqual([]);
    expect(readFileSync(drive).equals(before)).toBe(true);
  });

  test.skipIf(!isRoot)('a full disk in the middle leaves the drive as it was', async ({ skip }) => {
    const small = join(folder, 'small');
    const disk = smallDisk(small, 'size=40m');
    if (!disk) return skip(noSmallDisk);
    try {
      const drive = join(small, 'user_data.qcow2');
      await createUserData({ drive, folder: source, size: 64 * 1024 ** 2 });
      const before = readFileSync(drive);
      const content = Buffer.alloc(30 * 1024 ** 2, 'x');
      await expect(putUserData({ drive, name: 'big.bin', content })).rejects.toMatchObject({
        code: 'too_large',
        retryable: true,
      });
      expect(readFileSync(drive).equals(before)).toBe(true);
      expect(readdirSync(small)).toEqual(['user_data.qcow2']);
      expect(fsck(join(small, 'user_data.qcow2'))).toBe(0);
    } finally {
      disk.unmount();
    }
  });

  test.skipIf(!isRoot)(
    'a disk that fills up in the middle of a resize leaves the drive as it was',
    async ({ skip }) => {
      const small = join(folder, 'filling');
      const disk = smallDisk(small, 'size=60m');
      if (!disk) return skip(noSmallDisk);
      try {
        const drive = join(small, 'user_data.qcow2');
        await createUserData({ drive, folder: source, size: 64 * 1024 ** 2 });
        const content = Buffer.alloc(12 * 1024 ** 2, 'x');
        await putUserData({ drive, name: 'data.bin', content });
        const before = readFileSync(drive);
        // Somebody else takes the room once the work has begun: after every look beforehand.
        const steps: string[] = [];
        const fill = () => {
          if (existsSync(join(small, 'others'))) return;
          spawnSync('dd', ['if=/dev/zero', `of=${join(small, 'others')}`, 'bs=1M'], { stdio: 'ignore' });
        };
        const report = ({ step }: { step: string }) => {
          steps.push(step);
          if (readdirSync(small).some((name) => name.startsWith('.'))) fill();
        };
        await expect(resizeUserData({ drive, size: 2 * gibibyte }, { report })).rejects.toMatchObject({
          code: 'too_large',
          retryable: true,
        });
        expect(existsSync(join(small, 'others')), steps.join()).toBe(true);
        expect(readFileSync(drive).equals(before)).toBe(true);
        expect(readdirSync(small).sort()).toEqual(['others', 'user_data.qcow2']);
        rmSync(join(small, 'others'));
        expect(fsck(drive)).toBe(0);
        // With room again, the same call goes through, and the data are there.
        await resizeUserData({ drive, size: 2 * gibibyte });
        expect((await readUserData({ drive, path: 'data.bin' })).equals(content)).toBe(true);
      } finally {
        disk.unmount();
      }
    },
  );

  test.skipIf(!isRoot)(
    'a disk that is full before the drive has grown is named as that',
    async ({ skip }) => {
      const small = join(folder, 'growing');
      const disk = smallDisk(small, 'size=40m');
      if (!disk) return skip(noSmallDisk);
      try {
        const drive = join(small, 'user_data.qcow2');
        await createUserData({ drive, folder: source, size: 64 * 1024 ** 2 });
        const before = readFileSync(drive);
        const steps: string[] = [];
        const report = ({ step }: { step: string }) => void steps.push(step);
        // The tables of so large a file system alone are too much.
        await expect(resizeUserData({ drive, size: 240 * gibibyte }, { report })).rejects.toMatchObject({
          code: 'too_large',
          message: expect.stringContaining('The disk is full') as string,
          retryable: true,
        });
        expect(steps.at(-1)).toBe('grow');
        expect(readFileSync(drive).equals(before)).toBe(true);
        expect(readdirSync(small)).toEqual(['user_data.qcow2']);
      } finally {
        disk.unmount();
      }
    },
  );

  test.skipIf(!isRoot)('needs no root: the same as the account "nobody"', ({ skip }) => {
    const place = join(folder, 'nobody');
    mkdirSync(place);
    chownSync(place, 65534, 65534);
    chmodSync(folder, 0o755);
    const program = join(place, 'run.mjs');
    const service = join(import.meta.dirname, '../../../src-main/services/cvm/user-data/index.ts');
    writeFileSync(
      program,
      `import { createUserData, resizeUserData, readUserData, writeMountConf } from ${JSON.stringify(service)};
const drive = ${JSON.stringify(join(place, 'user_data.qcow2'))};
await createUserData({ drive, folder: ${JSON.stringify(source)}, size: ${gibibyte} });
await resizeUserData({ drive, size: ${5 * gibibyte} });
await writeMountConf({ drive, nfs: 'nfs:/x' });
process.stdout.write(process.getuid() + ' ' + (await readUserData({ drive, path: 'ext_mount.conf' })));`,
    );
    chmodSync(program, 0o644);
    const readable = spawnSync('setpriv', [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      'cat',
      service,
    ]);
    if (readable.status !== 0) return skip('the account nobody cannot read these sources');
    const { stdout, stderr } = spawnSync(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, program],
      { env: { PATH: '/usr/bin:/bin', HOME: place }, timeout: 60_000 },
    );
    expect(`${stdout.toString()}${stderr.toString()}`).toBe('65534 nfs:/x\n');
    expect(fsck(join(place, 'user_data.qcow2'))).toBe(0);
    expect(statSync(join(place, 'user_data.qcow2')).uid).toBe(65534);
  });

  describe('on a host over SSH', () => {
    let sshd: Sshd;
    let host: string;
    beforeAll(async () => {
      host = await newLabFolder('user-data-host');
      sshd = await startSshd({ folder: join(host, 'sshd') });
    });
    afterAll(() => sshd.stop());

    test('the steps are the same', async () => {
      const connection = await connect(
        {
          host: sshd.host,
          port: sshd.port,
          user: sshd.user,
          identity: sshd.identity,
          hostKey: sshd.fingerprint,
        },
        {
          home: folder,
          hostKeys: { ownFile: join(host, 'known'), readFiles: [] },
          auth: { defaultUser: sshd.user },
        },
      );
      try {
        const shell = remoteShell(connection);
        const drive = join(host, 'user_data.qcow2');
        await createUserData({ drive, folder: source, size: 64 * 1024 ** 2 }, { shell });
        await resizeUserData({ drive, size: gibibyte }, { shell });
        await writeMountConf({ drive, nfs: 'nfs.example.org:/x' }, { shell });
        expect(
          (await listUserData({ drive, path: '/images' }, { shell })).map(
            ({ name, size }) => `${name} ${size}`,
          ),
        ).toEqual(['scan.bin 3000000']);
        expect((await readUserData({ drive, path: 'ext_mount.conf' }, { shell })).toString()).toBe(
          'nfs.example.org:/x\n',
        );
        expect(fsck(drive)).toBe(0);
        await expect(resizeUserData({ drive, size: gibibyte }, { shell })).rejects.toMatchObject({
          code: 'invalid_input',
        });
      } finally {
        connection.close();
      }
    });
  });
});
