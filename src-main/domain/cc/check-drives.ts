/** Drive sizes, the application archive and the files put into the image. */
import { child, describe, isNull, shorten, textOf } from '../project/yaml/node.ts';
import type { YamlNode } from '../project/yaml/node.ts';
import { type ArchiveHead, type CcCheck, type CcPlace, isImaged } from './cc-file.ts';
import { driveKeys } from './keys.ts';

const gigabyte = 1_000_000_000;
/** Ubuntu, Docker and the smallest application image. */
const smallestRoot = 20;
/** NVFlare keeps ten older files of 20 MiB beside each of its logs; four logs fill this, before any job writes one. */
const rotatedLogs = 4 * 11 * 20_971_520;

/** The key NVFlare always fills in itself. */
const kitKey = 'nvflare';

export function checkDrives(check: CcCheck): void {
  for (const key of driveKeys) checkSize(check, key);
  checkArchive(check);
  checkUserConfig(check);
}

function sizeOf(check: CcCheck, key: string): number | undefined {
  const node = child(check.root, key);
  return node?.kind === 'scalar' && typeof node.value === 'number' ? node.value : undefined;
}

function checkSize(check: CcCheck, key: string): void {
  const { root, report } = check;
  const node = child(root, key);
  if (!node || isNull(node)) return;
  const size = node.kind === 'scalar' && node.type === 'int' ? node.value : undefined;
  if (typeof size !== 'number' || size < 1 || size > 65_536) {
    const unit = textOf(node) !== undefined ? ' Write the number alone, without quotes and unit.' : '';
    report.error(node, key, {
      code: 'cc_drive_size',
      message: `${key} must be a whole number of GB from 1, not ${describe(node)}.`,
      hint: `Example: ${key}: ${key === 'root_drive_size' ? 45 : 1}.${unit}`,
    });
    return;
  }
  if (key === 'root_drive_size' && size < smallestRoot) {
    report.warning(node, key, {
      code: 'cc_drive_small',
      message: `${key}: ${size} GB hardly hold the system and the unpacked application image.`,
      hint: "NVFlare's examples use 45.",
    });
  }
  if (key === 'applog_drive_size' && size * gigabyte < 2 * rotatedLogs) {
    report.info(node, key, {
      code: 'cc_log_drive',
      message: `${key}: NVFlare's own rotated logs take up to ${(rotatedLogs / gigabyte).toFixed(2)} GB; with ${size} GB little is left for the logs of jobs.`,
      hint: `Write "${key}: 2" for a federation that runs long.`,
    });
  }
}

/** First entries of what `docker save` writes, old and new form. */
const dockerEntry =
  /^(?:\.\/)?(?:blobs\/|manifest\.json$|index\.json$|oci-layout$|repositories$|[0-9a-f]{64}(?:\/|\.json$))/;

function checkArchive(check: CcCheck): void {
  const { root, report, context } = check;
  const key = 'docker_archive';
  const node = child(root, key);
  if (!node || isNull(node)) return;
  const written = textOf(node);
  if (written === undefined || written.trim() === '') {
    report.error(node, key, {
      code: 'cc_archive_invalid',
      message: `${key} must be the path of a docker archive, not ${written === undefined ? describe(node) : 'empty text'}.`,
      hint: 'Make one with: docker save IMAGE | gzip > nvflare-site.tar.gz',
    });
    return;
  }
  remarkOnPath(check, node, key, written);
  const place = context.places?.get(written);
  if (place && isImaged(check)) checkArchivePlace(check, node, written, place);
}

function checkArchivePlace(check: CcCheck, node: YamlNode, written: string, place: CcPlace): void {
  const { report } = check;
  const key = 'docker_archive';
  if (place.state !== 'file') {
    const problem = {
      missing: 'does not exist',
      folder: 'is a folder',
      unreadable: 'cannot be read',
      file: '',
    };
    report.warning(node, key, {
      code: 'cc_archive_missing',
      message: `${key}: ${shorten(written, 200)} ${problem[place.state]} on this machine; no image can be built from it here.`,
      hint: `Make it with: docker save IMAGE | gzip > FILE. Looked for ${place.path}.`,
    });
    return;
  }
  const wrong = place.archive && whatIsWrong(place.archive, place.size ?? 0);
  if (wrong !== undefined) {
    report.error(node, key, {
      code: 'cc_archive_invalid',
      message: `${key}: ${shorten(written, 200)} ${wrong}.`,
      hint: 'Make it anew with: docker save IMAGE | gzip > FILE',
    });
    return;
  }
  const root = sizeOf(check, 'root_drive_size');
  const size = place.size ?? 0;
  if (root === undefined || root < 1) return;
  const inGb = (size / gigabyte).toFixed(1);
  if (size >= root * gigabyte) {
    report.error(node, key, {
      code: 'cc_archive_too_large',
      message: `${key}: the archive has ${inGb} GB packed and does not fit on a root drive of ${root} GB.`,
      hint: `Raise root_drive_size to ${Math.ceil((size * 3) / gigabyte) + smallestRoot} or more.`,
    });
  } else if (size * 3 > root * gigabyte) {
    report.warning(node, key, {
      code: 'cc_archive_large',
      message: `${key}: the archive has ${inGb} GB packed; unpacked it may not fit on a root drive of ${root} GB.`,
      hint: `Raise root_drive_size to ${Math.ceil((size * 3) / gigabyte) + smallestRoot} or more.`,
    });
  }
}

function whatIsWrong(head: ArchiveHead, size: number): string | undefined {
  if (size === 0) return 'is empty';
  if (head.compression === 'other') return 'is neither a tar file nor packed by gzip';
  if (head.firstEntry === undefined) return 'is no tar file';
  if (!dockerEntry.test(head.firstEntry))
    return `is no docker archive (it begins with "${shorten(head.firstEntry)}")`;
  return undefined;
}

/** What works here and not with NVFlare's own tool is said, once per path. */
function remarkOnPath(check: CcCheck, node: YamlNode, at: string, written: string): void {
  if (written.startsWith('~/')) {
    check.report.info(node, at, {
      code: 'cc_path_home',
      message: `${at}: "~" is written out here; the builder under nvflare provision gets it as it is.`,
    });
  } else if (!written.startsWith('/')) {
    check.report.info(node, at, {
      code: 'cc_path_relative',
      message: `${at}: a relative path counts from the folder of project.yml here, and from the system's temporary folder under nvflare provision.`,
      hint: 'Write the full path.',
    });
  }
}

function checkUserConfig(check: CcCheck): void {
  const { root, report, context } = check;
  const node = child(root, 'user_config');
  if (!node) return;
  if (node.kind !== 'mapping') {
    report.error(node, 'user_config', {
      code: 'cc_user_config',
      message: `user_config must be a mapping of name and path, not ${describe(node)}; NVFlare's packager stops at it.`,
      hint: 'Remove it, or write: user_config: { extra: /data/extra }',
    });
    return;
  }
  for (const { name, key, value } of node.entries.values()) {
    const at = `user_config.${name}`;
    const written = textOf(value);
    if (name === kitKey) {
      report.info(key, at, {
        code: 'cc_user_config_kit',
        message: `${at} is always replaced by the startup kit's path.`,
      });
      continue;
    }
    if (!/^[A-Za-z0-9_.-]+$/.test(name) || name === '.' || name === '..') {
      report.error(key, at, {
        code: 'cc_user_config',
        message: `${at}: "${shorten(name)}" becomes a folder name in the container.`,
        hint: 'Use letters, digits, dots, hyphens and underscores.',
      });
    }
    if (written === undefined || written === '') {
      report.error(value, at, {
        code: 'cc_user_config',
        message: `${at} must be the path of a file or folder, not ${describe(value)}.`,
      });
      continue;
    }
    remarkOnPath(check, value, at, written);
    const place = context.places?.get(written);
    if (place && isImaged(check) && (place.state === 'missing' || place.state === 'unreadable')) {
      report.warning(value, at, {
        code: 'cc_user_config_missing',
        message: `${at}: ${shorten(written, 200)} ${place.state === 'missing' ? 'does not exist' : 'cannot be read'} on this machine.`,
        hint: `Looked for ${place.path}.`,
      });
    }
  }
}

/** Paths this file names on the machine that builds, so that the caller can look before the check. */
export function placesNamedIn(root: YamlNode): { archive?: string; others: string[] } {
  const archive = textOf(child(root, 'docker_archive'));
  const config = child(root, 'user_config');
  const others =
    config?.kind === 'mapping'
      ? Array.from(config.entries.values())
          .filter(({ name }) => name !== kitKey)
          .flatMap(({ value }) => textOf(value) || [])
      : [];
  return { ...(archive ? { archive } : {}), others };
}
