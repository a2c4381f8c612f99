/** A small matcher for the rules of confidential FLARE deployments. It is not Rego: see the README beside it. */

export interface GuestClaims {
  /** As the release writes it: base64 or hex. */
  measurement: string;
  debug: boolean;
}

/** Whether a rule of the text names the guest's measurement, the path where it names one, and the flags where it asks. */
export function matches(policy: string, claims: GuestClaims, path: string): boolean {
  const text = policy.replaceAll(/^\s*#.*$/gm, '');
  if (/default\s+allow\s*:?=\s*true/.test(text)) return true;
  return [...text.matchAll(/^allow(?:\s+if)?\s*\{([^}]*)\}/gm)].some(([, body = '']) => {
    const measured = [...body.matchAll(/"([A-Za-z0-9+/]{64}|[0-9a-f]{96})"/g)].map(([, literal]) => literal);
    if (!measured.includes(claims.measurement)) return false;
    const bound = /resource-path"\]\s*==\s*(?:"\/?([^"]+)"|\[([^\]]+)\])/.exec(body);
    if (bound) {
      const wanted = bound[1] ?? (bound[2] ?? '').replaceAll(/["\s]/g, '').replaceAll(',', '/');
      if (wanted !== path) return false;
    }
    return !(body.includes('policy_debug_allowed') && claims.debug);
  });
}
