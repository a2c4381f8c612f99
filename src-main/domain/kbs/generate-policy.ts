/** The resource policy that a fleet needs, written from its inventory. */
import { measurementText, type TrusteeProfile } from './profiles.ts';
import { keyPath, type KnownCvm } from './site-request.ts';

const evidence = 'input["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["snp"]';

/**
 * A policy text that releases to each CVM its own disk key and nothing else: measurement, key path, debug and migration off.
 * The same inventory gives the same text, byte for byte. CVMs without a measurement get no rule. `import rego.v1` is always
 * there: without it `if` is a plain name for the engine of Trustee before v0.17, and every rule holds for everybody.
 */
export function generatePolicy(cvms: readonly KnownCvm[], profile: TrusteeProfile): string {
  const sorted = [...cvms].sort((one, other) =>
    one.participant === other.participant
      ? compare(one.vmId, other.vmId)
      : compare(one.participant, other.participant),
  );
  const lines = [
    '# Releases the disk key of each confidential VM to that VM alone.',
    `# Written for Trustee ${profile.release}; other releases write measurements or paths in another form.`,
    'package policy',
    '',
    'import rego.v1',
    '',
    'default allow = false',
    '',
    '# Releases write a flag of the report as a word, a digit or a boolean. (off[false] would be false: hence "in".)',
    'off := {false, "false", "0"}',
    '',
  ];
  for (const cvm of sorted) {
    if (cvm.measurement === undefined) continue;
    lines.push(...ruleOf(cvm, cvm.measurement, profile), '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

function ruleOf(cvm: KnownCvm, measurement: string, profile: TrusteeProfile): string[] {
  const path = keyPath(cvm.vmId);
  const bound =
    profile.resourcePath === 'list'
      ? `data["resource-path"] == [${path.split('/').map(quoted).join(', ')}]`
      : `data["resource-path"] == ${quoted(`/${path}`)}`;
  return [
    `# ${cvm.participant.replaceAll(/[^\x20-\x7e]/g, '?')}`,
    'allow if {',
    '\tdata["plugin"] == "resource"',
    `\t${bound}`,
    `\t${evidence}["measurement"] == ${quoted(measurementText(measurement, profile))}`,
    `\t${evidence}["policy_debug_allowed"] in off`,
    `\t${evidence}["policy_migrate_ma"] in off`,
    '}',
  ];
}

const quoted = (text: string): string => JSON.stringify(text);

/** A policy that releases nothing to anybody: for an emergency. */
export const denyAllPolicy = [
  '# Emergency: releases nothing to anybody.',
  'package policy',
  '',
  'default allow = false',
  '',
].join('\n');
