/** What a `cc_config` file is checked against: who uses it, and what lies at the places it names. */
import type { FlareLine, ParticipantType } from '../project/model.ts';
import type { Report } from '../project/report.ts';
import type { YamlMapping } from '../project/yaml/node.ts';
import type { ComputeEnvironment } from './cc-config.ts';

/** A participant that names the file. */
export interface CcUser {
  name: string;
  type: ParticipantType;
  /** What it connects to; missing for the server. */
  reaches?: { host: string; port: number };
  /** Ports others connect to. */
  listens: readonly number[];
}

/** The beginning of a file that should be a Docker archive. */
export interface ArchiveHead {
  compression: 'gzip' | 'none' | 'other';
  /** Name of the first entry; missing when it is no tar. */
  firstEntry?: string;
}

/** What lies at a path the file names. */
export interface CcPlace {
  /** Absolute path on this machine. */
  path: string;
  state: 'file' | 'folder' | 'missing' | 'unreadable';
  /** Bytes of a file. */
  size?: number;
  /** Of `docker_archive` only. */
  archive?: ArchiveHead;
}

/** `unknown` = the answer did not come in time. */
export type NameAnswer = 'found' | 'missing' | 'unknown';

export interface CcFileContext {
  line: FlareLine;
  users: readonly CcUser[];
  /** Port of the key broker. */
  kbsPort: number;
  /** By path as written; missing = not to be looked for on this machine (images are built elsewhere). */
  places?: ReadonlyMap<string, CcPlace>;
  /** Host names that were looked up. */
  names?: ReadonlyMap<string, NameAnswer>;
}

/** One run over one file. */
export interface CcCheck {
  root: YamlMapping;
  report: Report;
  context: CcFileContext;
  /** Missing when it is wrong or not written. */
  environment?: ComputeEnvironment;
}

/** An image is made for it on premises, so the keys for the image builder count. */
export function isImaged(check: CcCheck): boolean {
  return check.environment === 'onprem_cvm';
}
