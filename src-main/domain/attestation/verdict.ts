/** Evidence of class H judged: every check, and what they mean together (docs/reference/confidential-computing.md §1.7). */
import type { ExpectedMeasurement } from '../cc/bundle.ts';
import { reportedTcbOf, type SnpReport } from './report.ts';
import { type AmdProduct, lowerParts, readTcb, type Tcb, tcbText } from './tcb.ts';

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
  minimumTcb?: Partial<Tcb>;
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
}

interface Failure {
  cause: VerdictCause;
  check: Check;
}

/** Judges a parsed report. Pure: the same input gives the same verdict. */
export function judgeReport(
  report: SnpReport,
  signature: SignatureCheck,
  expected: Expectations,
  seen: SeenBefore,
): Verdict {
  const product = signature.state === 'good' ? signature.product : report.product;
  const checks: Check[] = [];
  const failures: Failure[] = [];
  const gaps: Failure[] = [];
  const passed = (name: CheckName, message: string): void =>
    void checks.push({ name, state: 'passed', message });
  const failed = (name: CheckName, cause: VerdictCause, message: string, hint?: string): void => {
    const check: Check = { name, state: 'failed', message, ...(hint === undefined ? {} : { hint }) };
    checks.push(check);
    failures.push({ cause, check });
  };
  const open = (name: CheckName, cause: VerdictCause | undefined, message: string, hint?: string): void => {
    const check: Check = { name, state: 'not_checked', message, ...(hint === undefined ? {} : { hint }) };
    checks.push(check);
    if (cause !== undefined) gaps.push({ cause, check });
  };

  passed('form', `A report of version ${report.version}, whole.`);
  judgeSignature(report, signature, { passed, failed, open });
  judgePolicyBits(report, expected, { passed, failed, open });
  judgeMeasurement(report, expected, { passed, failed, open });
  judgeTcb(report, product, expected, seen, { passed, failed, open });
  judgeChip(report, product, expected, { passed, failed, open });
  const before = seen.reportData;
  if (before === undefined && seen.compared !== true) {
    open('fresh', undefined, 'Not compared with earlier reports.');
  } else if (before === undefined) passed('fresh', 'This report was never seen before.');
  else {
    failed(
      'fresh',
      'replay',
      `The same report was sent before by ${before.site}: it is a replay, or two VMs share one.`,
      'Ask again. If it comes once more, treat the site’s kit as stolen: stop the site and re-issue its kit.',
    );
  }

  const facts = {
    measurement: report.measurement,
    reportId: report.reportId,
    chipId: report.chipId,
    reportData: report.reportData,
    ...(product === undefined ? {} : { product }),
    ...(product === undefined ? {} : { tcb: tcbText(reportedTcbOf(report, product)) }),
  };
  const simulated = signature.state === 'good' && signature.anchor === 'test';
  const base = { simulated, checks, ...facts };
  const worst = failures[0];
  if (worst !== undefined) return { ...base, outcome: 'refused', ...saying(worst) };
  const unchecked = gaps.find(({ check }) => check.name === 'signature');
  if (unchecked !== undefined) return { ...base, outcome: 'unchecked', ...saying(unchecked) };
  const gap = gaps[0];
  if (gap !== undefined) {
    const { message, ...rest } = saying(gap);
    return {
      ...base,
      outcome: 'genuine',
      ...rest,
      message: `${simulated ? 'Simulated: a guest vouched for by the test root.' : 'A genuine AMD guest.'} ${message}`,
    };
  }
  return {
    ...base,
    outcome: 'verified',
    message: `${simulated ? 'Simulated: a guest vouched for by the test root' : `A genuine AMD ${product ?? ''} guest`} runs exactly the image of ${expected.measurement?.bundle ?? 'the bundle'}, debugging off.`,
  };
}

const saying = ({ cause, check }: Failure): Pick<Verdict, 'cause' | 'message' | 'hint'> => ({
  cause,
  message: check.message,
  ...(check.hint === undefined ? {} : { hint: check.hint }),
});

interface Marks {
  readonly passed: (name: CheckName, message: string) => void;
  readonly failed: (name: CheckName, cause: VerdictCause, message: string, hint?: string) => void;
  readonly open: (name: CheckName, cause: VerdictCause | undefined, message: string, hint?: string) => void;
}

function judgeSignature(report: SnpReport, signature: SignatureCheck, { passed, failed, open }: Marks): void {
  if (signature.state === 'bad') {
    const name =
      signature.cause === 'signature'
        ? 'signature'
        : signature.cause === 'wrong_root' || signature.cause === 'dates'
          ? 'root'
          : 'chip_certificate';
    failed(name, signature.cause, signature.message, signature.hint);
    return;
  }
  if (signature.state === 'not_checked') {
    const cause =
      report.signingKey === 'VLEK' ? 'vlek_signer' : report.chipMasked ? 'masked_chip' : 'no_certificate';
    open('signature', cause, signature.message, signature.hint);
    return;
  }
  passed(
    'signature',
    signature.anchor === 'amd'
      ? `Signed by the ${signature.key} of an AMD ${signature.product}.`
      : `Signed by a test key that stands for the ${signature.key} of a ${signature.product}.`,
  );
  passed(
    'root',
    signature.anchor === 'amd'
      ? `The chain ends in AMD’s root for ${signature.product}, which this program has built in.`
      : 'The chain ends in the TEST root: everything here is simulated.',
  );
  if (signature.chipCompared)
    passed('chip_certificate', 'Chip id and TCB of the certificate are those of the report.');
  else if (signature.key === 'VLEK') {
    open(
      'chip_certificate',
      'vlek_signer',
      'Signed with a VLEK, a key of the cloud provider: no chip is named by it.',
    );
  } else {
    open(
      'chip_certificate',
      'masked_chip',
      'The host masks the chip id: which chip signed cannot be compared.',
      'Clear MaskChipId in the SNP configuration of the host.',
    );
  }
}

function judgePolicyBits(report: SnpReport, expected: Expectations, { passed, failed }: Marks): void {
  const { policy } = report;
  if (policy.debug) {
    failed(
      'debug',
      'debug_on',
      'The VM was started with debugging allowed: its host can read the memory.',
      'Stop the site. Start the bundle with the policy it was built with (0x30000), and look who changed the script.',
    );
  } else passed('debug', 'The guest policy forbids debugging.');
  if (policy.migrationAgent && expected.allowMigration !== true) {
    failed(
      'migration',
      'migration_on',
      'The VM was started with a migration agent allowed: it may be moved with its secrets.',
      'Start the bundle with the policy it was built with (0x30000).',
    );
  } else
    passed('migration', policy.migrationAgent ? 'Migration is allowed, as accepted.' : 'No migration agent.');
  if (policy.smt && expected.allowSmt === false) {
    failed('smt', 'smt_on', 'The policy allows hyper-threading, which this project forbids.');
  } else
    passed('smt', policy.smt ? 'Hyper-threading is allowed, as in FLARE’s policy.' : 'No hyper-threading.');
  if (report.vmpl === 0) passed('vmpl', 'Asked for at the highest privilege level.');
  else failed('vmpl', 'vmpl', `The report was asked for at VMPL ${report.vmpl}, not 0.`);
}

function judgeMeasurement(report: SnpReport, expected: Expectations, { passed, failed, open }: Marks): void {
  const { measurement } = report;
  const wanted = expected.measurement;
  if (wanted === undefined) {
    open(
      'measurement',
      'no_expectation',
      'No bundle of this site is known here: which image it runs is not compared.',
      'Inspect the bundle this site was delivered (flaredesk cvm inspect), then check again.',
    );
  } else if (!wanted.value.computed) {
    open(
      'measurement',
      'no_expectation',
      `There is no measurement of ${wanted.bundle} to compare with: ${wanted.value.reason}`,
    );
  } else if (measurement === wanted.value.plain) {
    passed('measurement', `Exactly the launch measurement of ${wanted.bundle}.`);
  } else if (measurement === wanted.value.withDebugSwap) {
    failed(
      'measurement',
      'debug_swap_measurement',
      `The image is that of ${wanted.bundle}, but its host starts VMs with debug swap, which changes the measurement.`,
      'Turn off kvm_amd.debug_swap on the host and start the VM again.',
    );
  } else {
    failed(
      'measurement',
      'other_measurement',
      `The measurement is not that of ${wanted.bundle}: another image, kernel, command line or number of CPUs.`,
      'Compare the delivered files and the launch script with the bundle. Treat the site as not yours until it is clear.',
    );
  }
  const rules = expected.policyMeasurements;
  if (rules === undefined) open('policy', undefined, 'No policy of a key broker was read to compare with.');
  else if (rules.includes(measurement))
    passed('policy', 'The policy of the key broker releases a key to this measurement.');
  else {
    failed(
      'policy',
      'not_in_policy',
      'The policy of the key broker has no rule for this measurement: the VM will not boot again.',
      'Set the policy of the current bundles, or find out who started another image.',
    );
  }
}

function judgeTcb(
  report: SnpReport,
  product: AmdProduct | undefined,
  expected: Expectations,
  seen: SeenBefore,
  { passed, failed, open }: Marks,
): void {
  if (product === undefined) {
    open('tcb', undefined, 'The report does not say its product: the firmware level cannot be read.');
    return;
  }
  const tcb = reportedTcbOf(report, product);
  const launched = readTcb(report.launchTcb, product);
  const low = lowerParts(tcb, expected.minimumTcb ?? {});
  if (low.length > 0) {
    failed(
      'tcb',
      'old_tcb',
      `The firmware of the host is older than this project demands: ${low.join(', ')}.`,
      'Update the firmware of the host, then import its new VCEK.',
    );
    return;
  }
  const { last } = seen;
  if (last !== undefined && last.chipId === report.chipId && last.tcb !== tcbText(tcb)) {
    const before = parseTcbText(last.tcb);
    const back = before === undefined ? [] : lowerParts(tcb, before);
    if (back.length > 0) {
      failed(
        'tcb',
        'old_tcb',
        `The firmware of this chip went back: ${back.join(', ')}.`,
        'A host does not go back by itself. Ask who downgraded it.',
      );
      return;
    }
  }
  passed('tcb', `${tcbText(tcb)} (at launch: ${tcbText(launched)}).`);
}

function judgeChip(
  report: SnpReport,
  product: AmdProduct | undefined,
  expected: Expectations,
  { passed, failed, open }: Marks,
): void {
  const { chips } = expected;
  if (chips === undefined || chips.length === 0) {
    open('chip', undefined, 'The project names no chip for the host of this site (desk.yml, chip_id).');
    return;
  }
  const digits = product === 'Turin' ? 16 : 128;
  const known = chips.some((chip) => chip.toLowerCase().slice(0, digits) === report.chipId.slice(0, digits));
  if (known) passed('chip', 'The chip is that of a host of this site.');
  else {
    failed(
      'chip',
      'unknown_chip',
      report.chipMasked
        ? 'The chip id is masked and cannot be that of the host of this site.'
        : 'The chip is not that of the host of this site: the VM runs elsewhere.',
      'If the host got a new CPU, change chip_id in desk.yml; else find out where the VM runs.',
    );
  }
}

/** Reads back what `tcbText` wrote. */
function parseTcbText(text: string): Tcb | undefined {
  const found = /^boot loader (\d+), tee (\d+), snp (\d+), microcode (\d+)(?:, fmc (\d+))?$/.exec(text);
  if (!found) return undefined;
  const [, bootLoader = '', tee = '', snp = '', microcode = '', fmc] = found;
  return {
    bootLoader: Number(bootLoader),
    tee: Number(tee),
    snp: Number(snp),
    microcode: Number(microcode),
    ...(fmc === undefined ? {} : { fmc: Number(fmc) }),
  };
}

/** A verdict without a report to judge: refused, or mock. */
export function verdictWithout(
  outcome: 'refused' | 'mock' | 'genuine' | 'unchecked',
  cause: VerdictCause,
  message: string,
  hint?: string,
): Verdict {
  const check: Check = { name: cause === 'wrong_name' ? 'site_name' : 'form', state: 'failed', message };
  return {
    outcome,
    cause,
    message,
    ...(hint === undefined ? {} : { hint }),
    simulated: false,
    checks: [check],
  };
}
