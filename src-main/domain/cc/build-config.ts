/** The configuration an image builder gets, in the form the reference's packager writes (docs/reference/provisioning.md §8.3). */
import { stringify } from 'yaml';
import { DeskError } from '../../contract/errors.ts';
import { isRecord } from '../record.ts';

export interface BuildConfigPlaces {
  /** Absolute path of the signed kit on the builder host. */
  kit: string;
  /** Turns a path of the file into an absolute one on the builder host. */
  absolute: (path: string) => string;
}

export interface BuildConfig {
  /** Block YAML, keys sorted. */
  text: string;
  /** Absolute paths that the builder reads, beside the kit, with the field that names each. */
  files: { field: string; path: string }[];
  /** GB that the drives of the image may take. */
  driveGigabytes: number;
}

type Mapping = Readonly<Record<string, unknown>>;

/**
 * Makes the builder's file from a loaded `cc_config` file: `user_config.nvflare` becomes the kit, paths become absolute, the
 * misspelt `host_entries` gets its right name. Everything else is passed through.
 * Throws `invalid_input` where the file cannot be handed over; `file` names it in the message.
 */
export function buildConfig(document: unknown, file: string, places: BuildConfigPlaces): BuildConfig {
  if (!isRecord(document)) throw wrong(file, '', 'The file must be a mapping of settings.');
  const { host_entries: misspelt, ...rest } = document;
  const userConfig = document['user_config'] === undefined ? {} : document['user_config'];
  if (!isRecord(userConfig))
    throw wrong(
      file,
      'user_config',
      'user_config must be a mapping of names to files or folders.',
      'Remove it, or write user_config: {}.',
    );
  const files: BuildConfig['files'] = [];
  const entries = Object.entries(userConfig)
    .filter(([name]) => name !== 'nvflare')
    .map(([name, value]) => {
      const field = `user_config.${name}`;
      const path = pathOf(value, file, field, places);
      files.push({ field, path });
      return [name, path] as const;
    });
  const archive = document['docker_archive'];
  const dockerArchive = archive == null ? undefined : pathOf(archive, file, 'docker_archive', places);
  if (dockerArchive !== undefined) files.push({ field: 'docker_archive', path: dockerArchive });
  const config = {
    ...rest,
    ...(misspelt === undefined || 'hosts_entries' in rest ? {} : { hosts_entries: misspelt }),
    ...(dockerArchive === undefined ? {} : { docker_archive: dockerArchive }),
    user_config: { ...Object.fromEntries(entries), nvflare: places.kit },
  };
  return { text: write(config), files, driveGigabytes: gigabytes(document) };
}

function pathOf(value: unknown, file: string, field: string, places: BuildConfigPlaces): string {
  if (typeof value !== 'string' || value === '') throw wrong(file, field, `${field} must be a path.`);
  return places.absolute(value);
}

function gigabytes(document: Mapping): number {
  return ['root', 'applog', 'user_config', 'user_data']
    .map((drive) => document[`${drive}_drive_size`])
    .reduce<number>((sum, size) => sum + (typeof size === 'number' && size > 0 ? size : 0), 0);
}

/** As PyYAML's dump: sorted by code points, lists not indented, no anchors, no folding; 1.1 so that `yes` stays text. */
function write(config: Mapping): string {
  return stringify(config, {
    version: '1.1',
    sortMapEntries: (a, b) => {
      const [left, right] = [String(a.key), String(b.key)];
      return left < right ? -1 : left > right ? 1 : 0;
    },
    aliasDuplicateObjects: false,
    indentSeq: false,
    lineWidth: 0,
  });
}

function wrong(file: string, path: string, message: string, hint?: string): DeskError {
  return new DeskError('invalid_input', `${file}: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    fields: [{ file, path, message, ...(hint === undefined ? {} : { hint }) }],
  });
}
