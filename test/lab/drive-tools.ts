/** Whether this machine can make and read drives of confidential VMs; says so loudly where it cannot. */
import { spawnSync } from 'node:child_process';

/** The missing program; undefined when all are there. In CI a missing one is an error. */
export function missingDriveTool(): string | undefined {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  const missing = ['qemu-img', 'mkfs.ext4', 'e2fsck', 'resize2fs', 'debugfs'].find(
    (tool) => spawnSync(tool, ['-V'], { env: { ...process.env, PATH: path } }).error !== undefined,
  );
  if (missing === undefined) return undefined;
  if (process.env.CI) throw new Error(`${missing} is missing: apt-get install qemu-utils e2fsprogs`);
  process.stderr.write(`SKIPPED: ${missing} is missing: apt-get install qemu-utils e2fsprogs\n`);
  return missing;
}
