/** The measurements that a policy allows beside those of the images: who is left out, and what is left over. */
import type { TrusteeProfile } from './profiles.ts';
import type { PolicyAnswer } from './rego-evaluate.ts';
import { readPolicy } from './rego-syntax.ts';
import { type KnownCvm, answerFor, strangeMeasurement as stranger } from './site-request.ts';
import { measurementsIn } from './written-measurements.ts';

export interface ComparedImage {
  participant: string;
  vmId: string;
  /** Missing: nobody vouches for one. */
  measurement?: string;
  /** What the policy answers when this image asks for its own disk key. */
  answer: PolicyAnswer['answer'];
  reason?: string;
  /** Where its measurement stands in the text. */
  lines: number[];
}

export interface StaleMeasurement {
  /** 96 lower-case hex digits. */
  measurement: string;
  lines: number[];
  /** Participants whose disk key a machine with it gets; undefined: not known. */
  opens: string[] | undefined;
}

export interface ComparedMeasurements {
  images: ComparedImage[];
  /** Measurements of the text that belong to no image. */
  stale: StaleMeasurement[];
}

/** Compares a text with the images of an inventory; hex digits of `cvms` are in lower case. */
export function compareMeasurements(
  text: string,
  profile: TrusteeProfile,
  cvms: readonly KnownCvm[],
): ComparedMeasurements {
  const policy = readPolicy(text);
  const lines = new Map<string, number[]>();
  for (const { hex, line } of measurementsIn(text)) lines.set(hex, [...(lines.get(hex) ?? []), line]);
  const images = cvms.map((cvm): ComparedImage => {
    const { participant, vmId, measurement } = cvm;
    if (measurement === undefined) {
      const reason = 'the measurement of its image is not known';
      return { participant, vmId, answer: 'unknown', reason, lines: [] };
    }
    const told = answerFor(policy, cvm, profile);
    return {
      participant,
      vmId,
      measurement,
      answer: told.answer,
      ...('reason' in told ? { reason: told.reason } : {}),
      lines: lines.get(measurement) ?? [],
    };
  });
  const known = new Set(cvms.map(({ measurement }) => measurement));
  const stale = [...lines]
    .filter(([measurement]) => !known.has(measurement))
    .map(([measurement, at]): StaleMeasurement => {
      const answers = cvms.map((cvm) => ({
        participant: cvm.participant,
        answer: answerFor(policy, { ...cvm, measurement }, profile).answer,
      }));
      const isSure = answers.every(({ answer }) => answer !== 'unknown');
      const opens = answers.filter(({ answer }) => answer === 'allow').map(({ participant }) => participant);
      return { measurement, lines: at, opens: isSure ? opens : undefined };
    });
  return { images, stale };
}

/**
 * Participant → every measurement to which a text releases its disk key. A participant is left out where that is not known, or
 * where it is no list at all: a text that does not look at the measurement.
 */
export function allowedMeasurements(
  text: string,
  profile: TrusteeProfile,
  cvms: readonly KnownCvm[],
): Map<string, string[]> {
  const policy = readPolicy(text);
  const written = [...new Set(measurementsIn(text).map(({ hex }) => hex))];
  const allowed = new Map<string, string[]>();
  for (const cvm of cvms) {
    const answers = new Map(
      [...written, stranger].map((measurement) => [
        measurement,
        answerFor(policy, { ...cvm, measurement }, profile).answer,
      ]),
    );
    if (answers.get(stranger) === 'allow' || [...answers.values()].includes('unknown')) continue;
    allowed.set(
      cvm.participant,
      written.filter((measurement) => answers.get(measurement) === 'allow'),
    );
  }
  return allowed;
}
