/** Evidence of class H judged: every check, and what they mean together (docs/reference/confidential-computing.md §1.7). */
import type { SnpReport } from './report.ts';
import { reportedTcbOf } from './report.ts';
import {
  judgeChip,
  judgeMeasurement,
  judgePolicyBits,
  judgeSignature,
  judgeTcb,
  type Marks,
} from './report-checks.ts';
import { tcbText } from './tcb.ts';
import type {
  Check,
  CheckName,
  Expectations,
  SeenBefore,
  SignatureCheck,
  Verdict,
  VerdictCause,
} from './verdict.ts';

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
  const mark = (name: CheckName, state: Check['state'], message: string, hint?: string): Check => {
    const check = { name, state, message, ...(hint === undefined ? {} : { hint }) };
    checks.push(check);
    return check;
  };
  const marks: Marks = {
    passed: (name, message) => void mark(name, 'passed', message),
    failed: (name, cause, message, hint) =>
      void failures.push({ cause, check: mark(name, 'failed', message, hint) }),
    open(name, cause, message, hint) {
      const check = mark(name, 'not_checked', message, hint);
      if (cause !== undefined) gaps.push({ cause, check });
    },
  };
  const { passed, failed, open } = marks;

  passed('form', `A report of version ${report.version}, whole.`);
  judgeSignature(report, signature, marks);
  judgePolicyBits(report, expected, marks);
  judgeMeasurement(report, expected, marks);
  judgeTcb(report, product, expected, seen, marks);
  judgeChip(report, product, expected, marks);
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

/** What decides a verdict, as the verdict says it. */
export const saying = ({ cause, check }: Failure): Pick<Verdict, 'cause' | 'message' | 'hint'> => ({
  cause,
  message: check.message,
  ...(check.hint === undefined ? {} : { hint: check.hint }),
});

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
