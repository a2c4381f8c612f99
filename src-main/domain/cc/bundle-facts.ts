/** What an inspection says about a bundle. */
import type { ExpectedMeasurement, LaunchFacts } from './bundle.ts';
import type { KitAttesters } from './kit-attesters.ts';

/** `problem`: wrong, do not use it; `warning`: look at it; `unknown`: could not be checked; `note`: worth knowing. */
export type BundleSeverity = 'problem' | 'warning' | 'unknown' | 'note';

export interface BundleFinding {
  severity: BundleSeverity;
  /** File of the bundle, or `.` for the whole. */
  file: string;
  line?: number;
  message: string;
  hint?: string;
}

export interface BundleFileFacts {
  name: string;
  /** Bytes. */
  size: number;
  /** Hex. */
  sha256: string;
}

export interface DriveFacts {
  name: string;
  /** Bytes the VM sees. */
  virtualSize: number;
  /** `clean`, `leaks` (wasted space), `damaged`, or why it was not looked at. */
  check: 'clean' | 'leaks' | 'damaged' | 'not checked';
}

export interface KitInside {
  name: string | null;
  kind: string;
  org: string | null;
  flare: string | null;
  rootFingerprint: string;
  fingerprint: string;
  /** ISO 8601. */
  notAfter: string;
  server: string | null;
  /** Where it connects to; a server: what it listens on. */
  host: string | null;
  port: number | null;
  /** Servers only. */
  adminPort: number | null;
  /** Null when the kit tells of none. */
  attesters: KitAttesters | null;
  /** SHA-256 of the kit's `signature.json`, hex: which signing this is. */
  signature: string | null;
  /** How many files and names were verified. */
  checked: number;
}

export interface BundleFacts {
  source: 'archive' | 'folder';
  /** `cvm_<12 hex digits>`. */
  bundle: string;
  archive?: BundleFileFacts & { modified: string };
  /** In the order of the archive; of a folder, by name. */
  files: BundleFileFacts[];
  launch: LaunchFacts;
  /** Whether the firmware checks a kernel against measured hashes; null when it could not be read. */
  kernelHashes: boolean | null;
  drives: DriveFacts[];
  measurement: ExpectedMeasurement;
  /** Whether the host may read the memory of this VM; null when the policy is not known. */
  debugAllowed: boolean | null;
  kit: KitInside | null;
  findings: BundleFinding[];
}

const debugBit = 19;
const migrationBit = 18;

/** What the guest policy allows beyond what a sealed VM should (docs/reference/confidential-computing.md §1.7, offset 8). */
export function policyFindings(policy: number | undefined): {
  debugAllowed: boolean | null;
  findings: BundleFinding[];
} {
  const file = 'launch_vm.sh';
  if (policy === undefined) return { debugAllowed: null, findings: [] };
  const has = (bit: number): boolean => Math.floor(policy / 2 ** bit) % 2 === 1;
  const findings: BundleFinding[] = [];
  if (has(debugBit)) {
    findings.push({
      severity: 'problem',
      file,
      message: `The guest policy 0x${policy.toString(16)} allows debugging: the host can read the memory of this VM.`,
      hint: 'Build the image anew with policy=0x30000, and never add the measurement of this one to the key broker.',
    });
  }
  if (has(migrationBit)) {
    findings.push({
      severity: 'warning',
      file,
      message: `The guest policy 0x${policy.toString(16)} allows a migration agent.`,
      hint: 'NVFlare uses 0x30000.',
    });
  }
  if (!has(17)) {
    findings.push({
      severity: 'problem',
      file,
      message: `The guest policy 0x${policy.toString(16)} lacks bit 17, which must be set: the VM will not start.`,
    });
  }
  return { debugAllowed: has(debugBit), findings };
}
