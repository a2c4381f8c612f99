/** Which CVMs would lose or gain their disk key when one policy text replaces another. */
import type { TrusteeProfile } from './profiles.ts';
import type { PolicyAnswer } from './rego-evaluate.ts';
import { readPolicy } from './rego-syntax.ts';
import { type KnownCvm, answerFor } from './site-request.ts';

export interface SimulatedCvm {
  participant: string;
  vmId: string;
  before: PolicyAnswer['answer'];
  after: PolicyAnswer['answer'];
  /** Unknown = at least one side goes beyond what is understood here. */
  change: 'gains' | 'loses' | 'same' | 'unknown';
  /** Why a side is unknown or ends in an error. */
  reason?: string;
}

/** One row per CVM, in the order given. A missing measurement is unknown: nothing can be said of that image. */
export function simulatePolicy(
  before: string,
  after: string,
  cvms: readonly KnownCvm[],
  profile: TrusteeProfile,
): SimulatedCvm[] {
  const [old, next] = [readPolicy(before), readPolicy(after)];
  return cvms.map((cvm) => {
    if (cvm.measurement === undefined) {
      return {
        participant: cvm.participant,
        vmId: cvm.vmId,
        before: 'unknown',
        after: 'unknown',
        change: 'unknown',
        reason: 'the measurement of its image is not known',
      };
    }
    const [was, will] = [answerFor(old, cvm, profile), answerFor(next, cvm, profile)];
    const reason = [will, was].find((answer) => 'reason' in answer);
    return {
      participant: cvm.participant,
      vmId: cvm.vmId,
      before: was.answer,
      after: will.answer,
      change: changeOf(was, will),
      ...(reason && 'reason' in reason ? { reason: reason.reason } : {}),
    };
  });
}

function changeOf(was: PolicyAnswer, will: PolicyAnswer): SimulatedCvm['change'] {
  if (was.answer === 'unknown' || will.answer === 'unknown') return 'unknown';
  const [had, has] = [was.answer === 'allow', will.answer === 'allow'];
  if (had === has) return 'same';
  return has ? 'gains' : 'loses';
}
