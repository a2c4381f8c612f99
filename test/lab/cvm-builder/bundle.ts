/** A small CVM bundle of the documented layout (docs/reference/confidential-computing.md §3.1) with real drive images. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Behaviour } from './behaviour.ts';
import type { BuildConfig, CheckedCall } from './contract.ts';

const firmware = join(import.meta.dirname, '../../fixtures/vectors/snp/ovmf_AmdSev_suffix.bin');
const tools = { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` };

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...tools } });
}

const megabytes = (gigabytes: number | undefined, otherwise: number) =>
  Math.max(8, Math.round((gigabytes ?? otherwise) * 1024));

/** An ext4 image without partitions that holds the folder's content, as qcow2. */
function drive(work: string, file: string, size: number, content?: string): void {
  const raw = join(work, 'drive.raw');
  writeFileSync(raw, '');
  truncateSync(raw, size * 1024 * 1024);
  run('mkfs.ext4', '-q', '-F', '-E', 'root_owner=0:0', ...(content ? ['-d', content] : []), raw);
  run('qemu-img', 'convert', '-O', 'qcow2', raw, file);
  rmSync(raw);
}

/** Bytes that are the same for every build of the same name. */
function filler(name: string, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < size; at += 32) parts.push(createHash('sha256').update(`${name} ${at}`).digest());
  return Buffer.concat(parts).subarray(0, size);
}

export class BundleMaker {
  readonly id: string;
  readonly folder: string;
  readonly #root: string;
  readonly #work: string;

  constructor(out: string) {
    mkdirSync(out, { recursive: true, mode: 0o700 });
    this.#root = mkdtempSync(join(out, 'build-'));
    this.#work = join(this.#root, 'work');
    this.id = randomBytes(6).toString('hex');
    this.folder = join(this.#root, `cvm_${this.id}`);
    mkdirSync(this.#work, { mode: 0o700 });
    mkdirSync(this.folder, { mode: 0o755 });
  }

  #file(name: string): string {
    return join(this.folder, name);
  }

  root(config: BuildConfig): void {
    const raw = join(this.#work, 'root.raw');
    writeFileSync(raw, Buffer.concat([Buffer.from('LUKS\xba\xbe\x00\x02', 'latin1'), filler('luks', 65536)]));
    run('qemu-img', 'convert', '-O', 'qcow2', raw, this.#file('crypt_root.qcow2'));
    run(
      'qemu-img',
      'resize',
      '-q',
      this.#file('crypt_root.qcow2'),
      `${megabytes(config.root_drive_size, 45)}M`,
    );
    copyFileSync(firmware, this.#file('OVMF.amdsev.fd'));
    const kernel = filler('kernel', 65536);
    kernel.write('HdrS', 0x202, 'latin1');
    writeFileSync(this.#file('vmlinuz'), kernel);
    writeFileSync(this.#file('initrd.img'), filler('initrd', 131072));
  }

  userConfig({ config }: CheckedCall): void {
    const content = join(this.#work, 'user_config');
    mkdirSync(content, { mode: 0o755 });
    for (const [name, path] of Object.entries(config.user_config)) {
      if (existsSync(path)) cpSync(path, join(content, name), { recursive: true });
    }
    drive(this.#work, this.#file('user_config.qcow2'), megabytes(config.user_config_drive_size, 1), content);
    drive(this.#work, this.#file('user_data.qcow2'), megabytes(config.user_data_drive_size, 1));
    drive(this.#work, this.#file('applog.qcow2'), megabytes(config.applog_drive_size, 1));
  }

  scripts(config: BuildConfig & { allowed_ports?: number[] }, { no_sudo }: Behaviour): void {
    const forwards = (config.allowed_ports ?? []).map((port) => `,hostfwd=tcp::${port}-:${port}`).join('');
    writeFileSync(this.#file('launch_vm.sh'), launchScript(this.id, forwards, no_sudo ? '' : 'sudo '));
    chmodSync(this.#file('launch_vm.sh'), 0o755);
    writeFileSync(
      this.#file('README.txt'),
      `Test bundle cvm_${this.id}: the layout of a CVM bundle, without a system inside.\n`,
    );
  }

  /** The archive of the bundle; answers its path. */
  pack(site: string, { result, site_folder }: Behaviour): string {
    rmSync(this.#work, { recursive: true });
    if (result === 'none') return join(this.#root, 'nothing.tgz');
    if (result === 'folder') return this.folder;
    if (result === 'link') symlinkSync('/etc/hostname', this.#file('link'));
    const archive = join(this.#root, `${site}.tgz`);
    const names = site_folder ? ['--transform', `s,^,${site}/,S`] : [];
    run('tar', '-C', this.#root, '-czf', archive, ...names, `cvm_${this.id}`);
    chmodSync(archive, 0o600);
    rmSync(this.folder, { recursive: true });
    if (result === 'cut') truncateSync(archive, Math.floor(statSync(archive).size * 0.6));
    return archive;
  }

  discard(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

function launchScript(id: string, forwards: string, sudo: string): string {
  return `#!/bin/bash
# Starts the confidential VM ${id} in the foreground.
set -e
cd "$(dirname "$(readlink -f "$0")")"

VM_ID=${id}
CORES=16
MEMORY=64G
C_BIT=51

${sudo}qemu-system-x86_64 \\
  -enable-kvm \\
  -cpu EPYC-v4 \\
  -smp $CORES \\
  -m $MEMORY \\
  -machine q35,confidential-guest-support=sev0,memory-backend=ram1,vmport=off \\
  -object memory-backend-memfd,id=ram1,size=$MEMORY,share=true,prealloc=false \\
  -object sev-snp-guest,id=sev0,cbitpos=$C_BIT,reduced-phys-bits=1,policy=0x30000,kernel-hashes=on \\
  -bios OVMF.amdsev.fd \\
  -kernel vmlinuz \\
  -initrd initrd.img \\
  -append "root=/dev/mapper/crypt_root rw console=ttyS0 pci=realloc,nocrs vm_id=$VM_ID" \\
  -drive file=crypt_root.qcow2,if=none,id=disk0,format=qcow2 \\
  -device virtio-blk-pci,drive=disk0 \\
  -drive file=applog.qcow2,if=none,id=disk1,format=qcow2 \\
  -device virtio-blk-pci,drive=disk1 \\
  -drive file=user_config.qcow2,if=none,id=disk2,format=qcow2 \\
  -device virtio-blk-pci,drive=disk2 \\
  -drive file=user_data.qcow2,if=none,id=disk3,format=qcow2 \\
  -device virtio-blk-pci,drive=disk3 \\
  -netdev user,id=net0${forwards} \\
  -device virtio-net-pci,netdev=net0 \\
  -nographic \\
  -no-reboot
`;
}
