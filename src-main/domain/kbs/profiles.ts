/** How Trustee releases differ where the console talks to them (docs/reference/confidential-computing.md §4.4). */

export const trusteeReleases = [
  'v0.14',
  'v0.15',
  'v0.16',
  'v0.17',
  'v0.18',
  'v0.19',
  'v0.20',
  'v0.21',
] as const;
export type TrusteeRelease = (typeof trusteeReleases)[number];

export interface TrusteeProfile {
  release: TrusteeRelease;
  /** The attestation policy can be replaced by anybody who reaches the port. */
  attestationPolicyOpen: boolean;
  metricPrefix: '' | 'kbs_';
  /** How a launch measurement stands in the attestation token: 64 base64 characters or 96 hex digits. */
  measurementForm: 'base64' | 'hex';
  /** `data["resource-path"]`: `/keys/root/<id>`, or the list of its parts. */
  resourcePath: 'text' | 'list';
  /** Rego v1 is the language; before, `if` without an import is a name and not a keyword. */
  regoV1: boolean;
  /** What GET resource-policy answers. */
  policyAnswer: 'base64url' | 'json-map';
  /** GET reference-value answers with all of them, or with the one that is named. */
  referenceRead: 'all' | 'by_name';
  resourceDelete: boolean;
  /** Admin requests need a bearer token with a role claim; our own signed token is not enough. */
  roleToken: boolean;
  health: boolean;
}

const since = (release: TrusteeRelease, first: TrusteeRelease): boolean =>
  trusteeReleases.indexOf(release) >= trusteeReleases.indexOf(first);

export function trusteeProfile(release: TrusteeRelease): TrusteeProfile {
  return {
    release,
    attestationPolicyOpen: !since(release, 'v0.15'),
    metricPrefix: since(release, 'v0.15') ? 'kbs_' : '',
    measurementForm: since(release, 'v0.18') ? 'hex' : 'base64',
    resourcePath: since(release, 'v0.17') ? 'list' : 'text',
    regoV1: since(release, 'v0.17'),
    policyAnswer: since(release, 'v0.19') ? 'json-map' : 'base64url',
    referenceRead: since(release, 'v0.16') ? 'by_name' : 'all',
    resourceDelete: since(release, 'v0.20'),
    roleToken: since(release, 'v0.21'),
    health: since(release, 'v0.21'),
  };
}

export interface ReleaseClues {
  /** `version` label of `kbs_build_info`. */
  buildVersion?: string;
  /** Metric names carry the prefix `kbs_`; missing when /metrics did not answer. */
  prefixedMetrics?: boolean;
  policyAnswer?: 'base64url' | 'json-map';
  healthz?: boolean;
}

/**
 * The release behind the clues, and how sure that is: `told` by the server itself, or the oldest one that fits. Undefined
 * when nothing answered: then a release has to be named in desk.yml.
 */
export function releaseFrom(clues: ReleaseClues): { release: TrusteeRelease; sure: boolean } | undefined {
  const told = /^v?0\.(\d{1,3})(?:\.|$|-)/.exec(clues.buildVersion ?? '');
  if (told) {
    const minor = Number(told[1]);
    const known = trusteeReleases.find((release) => release === `v0.${minor}`);
    if (known) return { release: known, sure: true };
    return minor > 21 ? { release: 'v0.21', sure: false } : { release: 'v0.14', sure: false };
  }
  if (clues.healthz) return { release: 'v0.21', sure: false };
  if (clues.policyAnswer === 'json-map') return { release: 'v0.19', sure: false };
  if (clues.prefixedMetrics === true) return { release: 'v0.15', sure: false };
  if (clues.prefixedMetrics === false) return { release: 'v0.14', sure: true };
  return undefined;
}

/** A launch measurement of 96 hex digits in the form that the release's tokens carry. */
export function measurementText(hex: string, profile: Pick<TrusteeProfile, 'measurementForm'>): string {
  return profile.measurementForm === 'hex' ? hex.toLowerCase() : hexToBase64(hex);
}

/** The 96 hex digits behind a literal of either form; undefined when it is neither. */
export function measurementHex(literal: string): string | undefined {
  if (/^[0-9a-f]{96}$/i.test(literal)) return literal.toLowerCase();
  if (/^[A-Za-z0-9+/]{64}$/.test(literal)) return base64ToHex(literal);
  return undefined;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Three bytes make four characters; 48 bytes need no padding. */
function hexToBase64(hex: string): string {
  let text = '';
  for (let at = 0; at < hex.length; at += 6) {
    const three = Number.parseInt(hex.slice(at, at + 6), 16);
    for (const shift of [18, 12, 6, 0]) text += alphabet.charAt((three >> shift) & 63);
  }
  return text;
}

function base64ToHex(text: string): string {
  let hex = '';
  for (let at = 0; at < text.length; at += 4) {
    let three = 0;
    for (let one = 0; one < 4; one++) three = three * 64 + alphabet.indexOf(text.charAt(at + one));
    hex += three.toString(16).padStart(6, '0');
  }
  return hex;
}
