/** What the host checks take and give. */
import type { ErrorAnswer } from '../../contract/errors.ts';
import type {
  HostProbe,
  ProbeContext,
  ProbedImage,
  ProbeFix,
  ProbeState,
} from '../../domain/cc/host-probes/index.ts';
import type { SiteTarget } from '../sites/index.ts';

export interface HostTarget {
  site: SiteTarget;
  /** What the probes need to know beyond the site; where the image lies is read from the host. */
  context: Omit<ProbeContext, 'directory' | 'image'> & { image?: Omit<ProbedImage, 'folder' | 'serialLog'> };
}

export interface ProbeResult {
  /** Row of docs/reference/confidential-computing.md §5. */
  number: number;
  id: string;
  title: string;
  group: HostProbe['group'];
  state: ProbeState;
  /** What was found, in a few words. */
  summary: string;
  meaning?: string;
  fix?: ProbeFix;
  source: string;
  /** The command as it ran; missing when there was nothing to look at. */
  command?: string;
  /** Exit status of the command. */
  code?: number | null;
  /** What it printed: control characters and keys taken out, cut to some kilobytes. */
  output?: string;
  /** ISO 8601, by this machine's clock. */
  at: string;
  seconds: number;
}

export interface HostCheck {
  name: string;
  /** The worst of its probes; `failed` when the host could not be asked. */
  state: 'ok' | 'warn' | 'bad' | 'unknown' | 'failed' | 'cancelled';
  probes: ProbeResult[];
  error?: ErrorAnswer;
}
