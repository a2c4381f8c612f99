import type { TokenSigner } from '../pki/index.ts';

/** Life of a token, seconds. Longer ones would outlive a single request for nothing. */
const lifeSeconds = 300;

/**
 * A short admin token for one request: EdDSA, `iat` and `exp` only. `nbf` is left out, as the broker allows no
 * clock difference for it (docs/reference/confidential-computing.md §4.1). `now`: milliseconds since the epoch.
 */
export function adminToken(signer: TokenSigner, now: number): string {
  const issued = Math.floor(now / 1000);
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'EdDSA', typ: 'JWT' })}.${part({ iat: issued, exp: issued + lifeSeconds })}`;
  return `${signed}.${signer.sign(Buffer.from(signed)).toString('base64url')}`;
}
