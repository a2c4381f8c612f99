/** A job folder as the rules see it: what is in it, and the text of the few files the rules read. */

/** `link` and the others below it cannot be sent. */
export type EntryKind = 'file' | 'folder' | 'link' | 'socket' | 'fifo' | 'device';

export interface JobEntry {
  /** Relative to the job folder, `/` between the parts, e.g. `app/config/config_fed_server.json`. */
  path: string;
  kind: EntryKind;
  /** Bytes; 0 for what is no file. */
  size: number;
}

export interface JobFolder {
  /** The folder's own name: the server knows the job folder by it. */
  name: string;
  /** Everything below the folder, folders included, in any order. */
  entries: readonly JobEntry[];
  /** Text of the files named by `filesToRead`; `null` when the bytes are no UTF-8, missing when it was not read. */
  texts: ReadonlyMap<string, string | null>;
}

/** Forms of a configuration file in the order the server looks for them. */
const configExtensions = [
  '.json',
  '.conf',
  '.yml',
  '.yaml',
  '.json.default',
  '.conf.default',
  '.yml.default',
  '.yaml.default',
] as const;

export type ConfigFormat = 'json' | 'hocon' | 'yaml';

/** The format a configuration file's name stands for. */
export function configFormatOf(path: string): ConfigFormat {
  const name = path.replace(/\.default$/, '');
  if (name.endsWith('.json')) return 'json';
  return name.endsWith('.conf') ? 'hocon' : 'yaml';
}

/** Names the submitter's signatures have in an archive; a folder's own files of these names are not sent. */
export const signatureFileName = '.__nvfl_sig.json';
export const submitterCertificateName = '.__nvfl_submitter.crt';

/** The first of `base.json`, `base.conf`, … that is a file in the folder. */
export function findConfigFile(files: ReadonlySet<string>, base: string): string | undefined {
  return configExtensions.map((extension) => base + extension).find((path) => files.has(path));
}

/** Which files' text the rules need: the job's meta and the configurations of its apps. */
export function filesToRead(entries: readonly JobEntry[]): string[] {
  const configs =
    /^(?:meta|[^/].*\/config\/config_fed_(?:server|client))\.(?:json|conf|ya?ml)(?:\.default)?$/;
  return entries
    .filter((entry) => entry.kind === 'file' && configs.test(entry.path))
    .map((entry) => entry.path);
}
