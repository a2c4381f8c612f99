/** A report field by field, for a person who wants to see what the bytes say. */
import { hexOf } from './bytes.ts';
import type { SnpReport } from './report.ts';
import { type AmdProduct, readTcb, tcbText } from './tcb.ts';

export interface ReportField {
  /** Byte offset in the report. */
  offset: number;
  size: number;
  name: string;
  /** As hex in the order of the bytes, or a number. */
  value: string;
  /** What it means, where it can be said. */
  meaning?: string;
}

/** Every field of the report in the order of its bytes; `product` is needed to read the TCB fields. */
export function reportFields(report: SnpReport, product: AmdProduct | undefined): ReportField[] {
  const { bytes, policy, version } = report;
  const raw = (offset: number, size: number): string => hexOf(bytes.subarray(offset, offset + size));
  const field = (
    offset: number,
    size: number,
    name: string,
    meaning?: string,
    value?: string,
  ): ReportField => ({
    offset,
    size,
    name,
    value: value ?? raw(offset, size),
    ...(meaning === undefined ? {} : { meaning }),
  });
  const tcb = (offset: number, name: string): ReportField =>
    field(
      offset,
      8,
      name,
      product === undefined ? undefined : tcbText(readTcb(bytes.subarray(offset, offset + 8), product)),
    );
  const policyText = [
    policy.smt ? 'SMT allowed' : 'no SMT',
    policy.migrationAgent ? 'migration agent allowed' : 'no migration agent',
    policy.debug ? 'DEBUG ALLOWED: the host can read the memory' : 'no debugging',
    ...(policy.singleSocket ? ['one socket only'] : []),
  ].join(', ');
  const empty = 'not used by FLARE';
  return [
    field(0x000, 4, 'version', undefined, String(version)),
    field(0x004, 4, 'guest SVN', undefined, String(report.guestSvn)),
    field(0x008, 8, 'guest policy', policyText, `0x${policy.raw.toString(16)}`),
    field(0x010, 16, 'family id'),
    field(0x020, 16, 'image id'),
    field(0x030, 4, 'VMPL', 'privilege level of who asked; 0 is the most privileged', String(report.vmpl)),
    field(0x034, 4, 'signature algorithm', 'ECDSA P-384 with SHA-384', '1'),
    tcb(0x038, 'current TCB'),
    field(0x040, 8, 'platform info', (report.platformInfo & 1n) === 1n ? 'SMT is on' : 'SMT is off'),
    field(0x048, 4, 'key info', `signed with ${report.signingKey}`),
    field(0x050, 64, 'report data', 'chosen by the guest; FLARE puts random bytes there'),
    field(0x090, 48, 'measurement', 'launch digest of firmware, kernel, initrd, command line and vCPUs'),
    field(0x0c0, 32, 'host data', empty),
    field(0x0e0, 48, 'id key digest', empty),
    field(0x110, 48, 'author key digest', empty),
    field(0x140, 32, 'report id', 'the same for one launch of a VM, new at each launch'),
    field(0x160, 32, 'report id of the migration agent'),
    tcb(0x180, 'reported TCB'),
    ...(report.cpu === undefined
      ? []
      : [
          field(
            0x188,
            3,
            'CPU family, model, stepping',
            report.product === undefined ? 'a product this program does not know' : report.product,
          ),
        ]),
    field(0x1a0, 64, 'chip id', report.chipMasked ? 'masked by the host' : undefined),
    tcb(0x1e0, 'committed TCB'),
    field(0x1e8, 3, 'current firmware version'),
    field(0x1ec, 3, 'committed firmware version'),
    tcb(0x1f0, 'launch TCB'),
    ...(version >= 5 ? [field(0x1f8, 8, 'launch mitigations'), field(0x200, 8, 'current mitigations')] : []),
    field(0x2a0, 72, 'signature R'),
    field(0x2e8, 72, 'signature S'),
  ];
}
