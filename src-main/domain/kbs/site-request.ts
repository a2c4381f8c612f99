/** What the key request of one CVM looks like to a resource policy (docs/reference/confidential-computing.md §4.2). */
import { measurementText, type TrusteeProfile } from './profiles.ts';
import { evaluatePolicy, type PolicyAnswer, type PolicyRequest } from './rego-evaluate.ts';
import type { Policy } from './rego-syntax.ts';
import { othersUntold, type Told } from './rego-values.ts';

/** A CVM of the inventory. */
export interface KnownCvm {
  participant: string;
  vmId: string;
  /** Launch measurement, 96 hex digits; missing when it cannot be computed. */
  measurement?: string;
}

export interface GuestState {
  /** The guest policy lets the host read its memory. */
  debug?: boolean;
  /** The resource asked for; default: the CVM's own key. */
  path?: string;
}

/** A measurement that no image has, to see whether a policy looks at it at all. */
export const strangeMeasurement = '5a'.repeat(48);

/** The KBS path of the disk key of a CVM. */
export const keyPath = (vmId: string): string => `keys/root/${vmId}`;

/** Releases write a flag of the report as a JSON boolean, a word or a digit: all are tried. */
const flagForms: readonly (readonly [off: Told, on: Told])[] = [
  ['false', 'true'],
  ['0', '1'],
  [false, true],
];

function requestOf(
  measurement: string | undefined,
  guest: GuestState & { path: string },
  flags: readonly [off: Told, on: Told],
  profile: TrusteeProfile,
): PolicyRequest {
  const snp: { [key: string]: Told } = {
    [othersUntold]: true,
    measurement: measurement === undefined ? '' : measurementText(measurement, profile),
    policy_debug_allowed: guest.debug ? flags[1] : flags[0],
    policy_migrate_ma: flags[0],
  };
  const cpu: { [key: string]: Told } = {
    [othersUntold]: true,
    'ear.veraison.annotated-evidence': { snp },
  };
  const parts = guest.path.split('/');
  return {
    input: { [othersUntold]: true, submods: { cpu0: cpu } },
    data: {
      plugin: 'resource',
      query: {},
      'resource-path': profile.resourcePath === 'list' ? parts : `/${guest.path}`,
    },
  };
}

/**
 * Whether a CVM gets the resource under a policy. `unknown` when the text goes beyond what is understood, or the answer
 * hangs on how the release writes a flag.
 */
export function answerFor(
  policy: Policy,
  cvm: KnownCvm,
  profile: TrusteeProfile,
  guest: GuestState = {},
): PolicyAnswer {
  const asked = { ...guest, path: guest.path ?? keyPath(cvm.vmId) };
  const answers = flagForms.map((flags) =>
    evaluatePolicy(policy, requestOf(cvm.measurement, asked, flags, profile), profile.regoV1),
  );
  const [first] = answers;
  const unsure = answers.find((answer) => answer.answer === 'unknown');
  if (unsure) return unsure;
  if (first && answers.every((answer) => answer.answer === first.answer)) return first;
  const allowing = answers.find((answer) => answer.answer === 'allow');
  return {
    answer: 'unknown',
    reason: 'the answer depends on how this release writes the debug and migration flags',
    line: allowing?.answer === 'allow' ? allowing.line : 1,
  };
}

/** True when some way of writing the flags lets the request through. */
export function mayBeAllowed(
  policy: Policy,
  cvm: KnownCvm,
  profile: TrusteeProfile,
  guest: GuestState,
): boolean {
  const asked = { ...guest, path: guest.path ?? keyPath(cvm.vmId) };
  return flagForms.some(
    (flags) =>
      evaluatePolicy(policy, requestOf(cvm.measurement, asked, flags, profile), profile.regoV1).answer ===
      'allow',
  );
}
