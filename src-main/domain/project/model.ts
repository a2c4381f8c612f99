/** The project as provisioning uses it: `project.yml` after defaults and fallbacks (docs/reference/provisioning.md §2). */

/** The two kit lines this product writes. Any 2.7.x and 2.8.x maps to its line. */
export const flareLines = ['2.7.2', '2.8.1'] as const;
export type FlareLine = (typeof flareLines)[number];

export type ParticipantType = 'server' | 'client' | 'relay' | 'admin';
export type ConnectionSecurity = 'clear' | 'tls' | 'mtls';
export type Scheme = 'grpc' | 'tcp' | 'http' | (string & {});

export interface ConnectTo {
  /** The server or relay this participant connects to; missing = the server. */
  name?: string;
  host?: string;
  port?: number;
  connectionSecurity?: string;
}

export interface ListeningHost {
  scheme: string;
  hostNames: string[];
  defaultHost: string;
  /** Missing = unset (written as nothing, chosen at run time). */
  port?: number;
  connectionSecurity: string;
}

export interface Capacity {
  numOfGpus: number;
  memPerGpuInGib: number;
}

/** Where a value came from, so that a later check can still point at its line. Counts from 1. */
export interface SourcePosition {
  file: string;
  line: number;
  column: number;
}

export interface Participant {
  name: string;
  type: ParticipantType;
  org: string;
  /** Admins only. */
  role?: string;
  /** Extra names in the certificate's SAN and for `connect_to` (server). */
  hostNames: string[];
  /** First SAN entry; what others connect to. Defaults to the name. */
  defaultHost: string;
  /** Server only. */
  fedLearnPort?: number;
  /** Server only; equals `fedLearnPort` in single-port mode. */
  adminPort?: number;
  /** Own value, else the project's, lower case; missing = nobody set it (`mtls` applies). */
  connectionSecurity?: ConnectionSecurity;
  /** Absolute path of the PEM file, own or the project's. */
  customCaCert?: string;
  listeningHost?: ListeningHost;
  connectTo?: ConnectTo;
  useAio?: boolean;
  /** Client hierarchy: the name of the parent client. */
  parent?: string;
  capacity: Capacity;
  /** 2.7 lines; own explicit value wins over the project's. */
  allowErrorSending: boolean;
  /** 2.8 lines; own explicit value wins over the project's. */
  allowLogStreaming: boolean;
  /** Absolute path of the confidential-computing file of this participant. */
  ccConfig?: string;
  edgeServicePort?: number;
  runInDocker?: boolean;
  /** Everything as written, for what has no field of its own. */
  properties: Readonly<Record<string, unknown>>;
  source: SourcePosition;
}

export interface BuilderSpec {
  /** Full Python class path. */
  path: string;
  args: Readonly<Record<string, unknown>>;
  source: SourcePosition;
}

export interface Study {
  name: string;
  /** org -> client names; missing when not written. */
  siteOrgs?: Record<string, string[]>;
  /** Admin names, repeated ones collapsed; missing when not written. */
  admins?: string[];
}

export interface Project {
  /** Absolute path of `project.yml`. */
  file: string;
  apiVersion: 3 | 4;
  name: string;
  description: string;
  line: FlareLine;
  /** In file order, then added users, then added clients. The order matters (signing, packaging). */
  participants: Participant[];
  builders: BuilderSpec[];
  packager?: BuilderSpec;
  studies: Study[];
}
