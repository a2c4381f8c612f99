/** The CVM image of one participant, as its host is given it. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { DeskError } from '../../../contract/errors.ts';
import type { StepLog } from '../step-log.ts';
import type { SiteImage, SiteTarget } from '../types.ts';

/** What the VM measures, and what starts it: no byte of these may differ, ever. */
export const sealedFiles: readonly string[] = ['OVMF.amdsev.fd', 'initrd.img', 'vmlinuz', 'launch_vm.sh'];

/** Name of the image on the host: `cvm_885fa6b56c76-1a2b3c4d5e6f`, the bundle and the start of its archive's hash. */
export const imageId = (image: SiteImage): string => `${image.bundle}-${image.sha256.slice(0, 12)}`;

/** One line per file, as `sha256sum` would read them. */
export const manifestOf = (image: SiteImage): string =>
  [...image.files]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, sha256 }) => `${sha256} ${name}\n`)
    .join('');

export const unpackedBytes = (image: SiteImage): number =>
  image.files.reduce((sum, { size }) => sum + size, 0);

/** Short, stable and unique per image: part of the unit's name. */
export const unitOf = (target: SiteTarget, image: string): string =>
  `nvflare-cvm-${target.name.replace(/[^A-Za-z0-9_.-]/g, '-')}-${createHash('sha256').update(image).digest('hex').slice(0, 8)}`;

/**
 * The image to work with. Errors: `not_found` where none was built, `invalid_input` where it has no vm_id that could tell
 * its VM from others, `conflict` where the archive changed since it was looked at.
 */
export async function prepareImage(target: SiteTarget, log: StepLog): Promise<SiteImage> {
  return log.step(
    'image',
    async () => {
      const image = requireSound(target);
      if (image.relay) return image;
      const found = await stat(image.archive).catch(() => undefined);
      if (found?.size !== image.bytes)
        throw new DeskError(
          'conflict',
          `${image.archive} is not the file that its hand-over record describes.`,
          { hint: 'Inspect the image again (cvm inspect), then deliver it.' },
        );
      return image;
    },
    (image) =>
      `${image.bundle}: ${image.files.length} files, archive of ${image.bytes} bytes${image.relay ? ` on ${image.relay.name}` : ''}`,
  );
}

/** As `requireImage`; `integrity` where the inspection found what speaks against the image. */
export function requireSound(target: SiteTarget): SiteImage {
  const image = requireImage(target);
  if (image.problem)
    throw new DeskError('integrity', `The image of ${target.name} is not used: ${image.problem.message}`, {
      hint: image.problem.hint ?? 'Look at all that was found (cvm inspect), then build it again.',
    });
  return image;
}

function requireImage(target: SiteTarget): SiteImage {
  const image = target.cvm?.image;
  if (!image)
    throw new DeskError(
      'not_found',
      target.cvm?.reason ??
        `There is no image of ${target.name}: it runs in a confidential VM and none was built.`,
      { hint: 'Build it first (cvm build), or name another generation with --prod.' },
    );
  if (!/^cvm_[A-Za-z0-9_-]+$/.test(image.bundle) || !/^[0-9a-f]{64}$/.test(image.sha256))
    throw new DeskError('invalid_input', `The hand-over record of ${target.name} is not in its form.`, {
      hint: 'Inspect the image again (cvm inspect).',
    });
  for (const { name, sha256 } of image.files)
    if (!/^[A-Za-z0-9_.-]+$/.test(name) || name.startsWith('.') || !/^[0-9a-f]{64}$/.test(sha256))
      throw new DeskError('invalid_input', `The hand-over record of ${target.name} names an odd file.`, {
        hint: 'Inspect the image again (cvm inspect).',
      });
  return image;
}

/** Errors: `invalid_input` when the start script tells no vm_id. */
export function vmIdOf(image: SiteImage): string {
  const { vmId } = image.launch;
  if (vmId !== undefined && /^[A-Za-z0-9_-]{1,128}$/.test(vmId)) return vmId;
  throw new DeskError(
    'invalid_input',
    `launch_vm.sh of ${image.bundle} tells no vm_id, so its VM cannot be told from others.`,
    { hint: 'Start and stop this image on its host by hand.' },
  );
}
