import { DeskError } from '../../contract/errors.ts';
import type { FlareLine } from './model.ts';

/**
 * Maps a FLARE version to the kit line this product writes: any 2.7.x to 2.7.2, any 2.8.x to 2.8.1.
 * Gives `unsupported` for every other version, with the reason
 * (docs/reference/provisioning.md §0 fact 2: kits are version specific).
 */
export function flareLineOf(version: string): FlareLine {
  const found = /^(\d+)\.(\d+)(?:\.\d+(?:[a-z0-9.+-]*)?)?$/i.exec(version.trim());
  if (found?.[1] === '2' && found[2] === '7') return '2.7.2';
  if (found?.[1] === '2' && found[2] === '8') return '2.8.1';
  const reason = found
    ? `kits are version specific, and the kit form of ${version.trim()} is not known to this product`
    : 'that is not a version number';
  throw new DeskError('unsupported', `FLARE version "${version}" is not supported: ${reason}.`, {
    hint: 'Use 2.7.2 (for any 2.7.x) or 2.8.1 (for any 2.8.x).',
  });
}
