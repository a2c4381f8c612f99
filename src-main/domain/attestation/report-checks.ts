/** The single checks of a report, each with its words. Pure. */
import { reportedTcbOf, type SnpReport } from './report.ts';
import { type AmdProduct, lowerParts, readTcb, type Tcb, tcbText } from './tcb.ts';
import type { CheckName, Expectations, SeenBefore, SignatureCheck, VerdictCause } from './verdict.ts';

export interface Marks {
  readonly passed: (name: CheckName, message: string) => void;
  readonly failed: (name: CheckName, cause: VerdictCause, message: string, hint?: string) => void;
  readonly open: (name: CheckName, cause: VerdictCause | undefined, message: string, hint?: string) => void;
}

export function judgeSignature(
  report: SnpReport,
  signature: SignatureCheck,
  { passed, failed, open }: Marks,
): void {
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

export function judgePolicyBits(report: SnpReport, expected: Expectations, { passed, failed }: Marks): void {
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

export function judgeMeasurement(
  report: SnpReport,
  expected: Expectations,
  { passed, failed, open }: Marks,
): void {
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

export function judgeTcb(
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
  const low = lowerParts(tcb, expected.minimumTcb?.[product] ?? {});
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
  const demanded = Object.keys(expected.minimumTcb?.[product] ?? {}).length > 0;
  passed(
    'tcb',
    `${tcbText(tcb)} (at launch: ${tcbText(launched)})${demanded ? ', not below what this project demands' : ''}.`,
  );
}

export function judgeChip(
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
