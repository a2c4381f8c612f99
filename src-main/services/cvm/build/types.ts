/** What the image builds take and give. */
import type { ErrorAnswer } from '../../../contract/errors.ts';
import type { BuildStage } from '../../../domain/cc/build-log.ts';
import type { SshTarget } from '../../ssh/index.ts';
import type { BuildState } from '../../../domain/cc/build-state.ts';

/** A machine that builds images, one at a time. */
export interface BuilderHost {
  /** As desk.yml names it. */
  name: string;
  /** Missing = this machine. */
  ssh?: SshTarget;
  /** Folder there for kits and logs of running builds: absolute, or below `~` over SSH. */
  directory: string;
  /** Folders put before PATH. */
  path?: readonly string[];
  /** The image builder: absolute, or below `~`. */
  command: string;
}

/** One image to build. */
export interface BuildRequest {
  /** Participant. */
  site: string;
  project: string;
  /** Absolute path of the `prod_NN` folder; the kit is `<prod>/<site>`. */
  prod: string;
  /** The loaded `cc_config` file and where it came from. */
  config: { file: string; document: unknown };
  /** Where a builder on this machine is run: the folder of project.yml. */
  folder: string;
  /** Hosts that may build it. */
  hosts: readonly BuilderHost[];
  /** Also on a host where virtual machines run that the builder may end. */
  allowRunningVms?: boolean;
  /** The task it belongs to. */
  task?: string;
}

/** What a build left on its host, each with the command that puts it away. Nothing of this is done by itself. */
export interface LeftOver {
  kind: 'process' | 'nbd' | 'luks';
  name: string;
  command: string;
  /** False: it appeared while the build ran, but it may belong to something else. */
  certain: boolean;
}

export interface BuildResult {
  /** Absolute path of `<site>.tgz` here. */
  archive: string;
  bytes: number;
  sha256: string;
  /** Where the builder left it on its host. */
  builderPath: string;
  /** Things worth knowing about the bundle. */
  notes: string[];
}

/** One build as it stands; kept between runs of the program. Times are milliseconds since the epoch. */
export interface BuildRecord {
  id: string;
  site: string;
  project: string;
  prod: string;
  /** Missing while it waits. */
  host?: string;
  state: BuildState;
  /** As the log says it. */
  stage?: BuildStage;
  /** Why it waits, what is odd. */
  note?: string;
  queuedAt: number;
  startedAt?: number;
  endedAt?: number;
  expected?: { seconds: number; from: number };
  error?: ErrorAnswer;
  leftOvers?: LeftOver[];
  result?: BuildResult;
  task?: string;
  /** The process that followed it last. */
  process?: string;
}

/** Where records and durations are kept. */
export interface BuildStore {
  /** The newest build of a participant of a `prod_NN` folder. */
  read(prod: string, site: string): Promise<BuildRecord | undefined>;
  write(record: BuildRecord): Promise<void>;
  /** Seconds of earlier builds, newest last, by host. */
  durations(): Promise<Record<string, number[]>>;
  addDuration(host: string, seconds: number): Promise<void>;
}
