/** What is expected, what was seen, and what a verdict says (docs/reference/confidential-computing.md §1.7). */
import type { ExpectedMeasurement } from '../cc/bundle.ts';
import type { AmdProduct, Tcb } from './tcb.ts';

/** What the cryptography said about a report. */
export type SignatureCheck =
  | {
      state: 'good';
      product: AmdProduct;
      key: 'VCEK' | 'VLEK';
      /** Whose root the chain ends in. `test` paints everything as simulated. */
      anchor: 'amd' | 'test';
      /** Whether chip id and TCB of the certificate could be compared; they were equal where they could. */
      chipCompared: boolean;
    }
  | {
      state: 'bad';
      cause: 'signature' | 'wrong_root' | 'other_chip' | 'other_tcb' | 'dates';
      message: string;
      hint?: string;
    }
  | { state: 'not_checked'; message: string; hint?: string };

/** What the console expects of a site. Each missing part is said to be missing, never assumed. */
export interface Expectations {
  measurement?: { bundle: string; value: ExpectedMeasurement };
  /** Measurements a read-back policy releases this site's key to, hex; missing when no policy was read. */
  policyMeasurements?: readonly string[];
  /** By product: the levels of one say nothing of another. */
  minimumTcb?: Partial<Record<AmdProduct, Partial<Tcb>>>;
  /** Hex chip ids of the hosts this site may run on. */
  chips?: readonly string[];
  allowMigration?: boolean;
  allowSmt?: boolean;
}

/** What was seen before. */
export interface SeenBefore {
  /** The same report data came in an earlier answer, of this site or another. */
  reportData?: { site: string; at: number };
  /** The history was looked through; without it nothing is said about replays. */
  compared?: boolean;
  /** The newest verified report of this site before this one. */
  last?: { reportId: string; chipId: string; tcb: string; at: number };
}

export const checkNames = {
  site_name: 'Answered under its own name',
  form: 'Form of the report',
  signature: 'Signature of the chip',
  root: 'Chain to the root of AMD',
  chip_certificate: 'Certificate fits chip and TCB',
  debug: 'Debugging off',
  migration: 'Migration off',
  smt: 'Hyper-threading as allowed',
  vmpl: 'Asked at VMPL 0',
  measurement: 'Measurement of the bundle',
  policy: 'Measurement of the key broker’s policy',
  tcb: 'Firmware level',
  chip: 'Chip of a known host',
  fresh: 'Report data never seen before',
  gpu_token: 'What the GPU token says',
  gpu_nonce: 'GPU token never seen before',
} as const;
export type CheckName = keyof typeof checkNames;

export interface Check {
  name: CheckName;
  state: 'passed' | 'failed' | 'not_checked';
  message: string;
  hint?: string;
}

export type VerdictCause =
  | 'wrong_name'
  | 'no_evidence'
  | 'mock_token'
  | 'cut'
  | 'padded'
  | 'not_a_report'
  | 'unknown_version'
  | 'form'
  | 'signature'
  | 'wrong_root'
  | 'dates'
  | 'other_chip'
  | 'other_tcb'
  | 'vlek_signer'
  | 'no_certificate'
  | 'masked_chip'
  | 'debug_on'
  | 'migration_on'
  | 'smt_on'
  | 'vmpl'
  | 'other_measurement'
  | 'debug_swap_measurement'
  | 'not_in_policy'
  | 'old_tcb'
  | 'unknown_chip'
  | 'replay'
  | 'gpu_replay'
  | 'gpu_failed'
  | 'no_expectation';

export type Outcome =
  /** Genuine, current, and the image of the bundle. */
  | 'verified'
  /** Genuine, but which image it is was not compared. */
  | 'genuine'
  /** Evidence came, its signature could not be checked. */
  | 'unchecked'
  /** Proven wrong. */
  | 'refused'
  /** A mock attester: proves nothing. */
  | 'mock';

/** A token beside, or in place of, the hardware report. */
export interface TokenView {
  namespace: string;
  /** Whether anybody vouches for what follows. */
  signature: string;
  nonce?: string;
  /** As they stand in the token. */
  claims: { name: string; value: string }[];
}

export interface Verdict {
  outcome: Outcome;
  /** Missing when verified. */
  cause?: VerdictCause;
  /** One sentence for a person. */
  message: string;
  hint?: string;
  /** The chain ends in the test root. */
  simulated: boolean;
  checks: Check[];
  /** Of a report that could be parsed. */
  measurement?: string;
  reportId?: string;
  chipId?: string;
  reportData?: string;
  product?: AmdProduct;
  tcb?: string;
  /** Tokens beside the report, shown as they stand. */
  tokens?: TokenView[];
}
