/** What a Trustee key broker demands of an admin token. */
import { createPublicKey, verify } from 'node:crypto';

const toleranceSeconds = 900;

/** Undefined when the token is good, else why not. `now`: seconds since the epoch. */
export function refusedToken(
  header: string | undefined,
  publicKeyPem: string,
  now: number,
  roleDemanded: boolean,
): string | undefined {
  const [scheme, token = ''] = (header ?? '').split(' ');
  if (scheme !== 'Bearer' || token === '') return 'Failed to parse HTTP Auth Bearer header';
  const failed = 'Admin Token verification failed';
  const [head = '', body = '', signature = '', more] = token.split('.');
  if (more !== undefined || signature === '') return failed;
  const head64 = parsed(head);
  const claims = parsed(body);
  if (!head64 || !claims) return failed;
  if (head64['alg'] !== 'EdDSA') return failed;
  if (head64['typ'] !== undefined && head64['typ'] !== 'JWT') return failed;
  const good = verify(
    null,
    Buffer.from(`${head}.${body}`),
    createPublicKey(publicKeyPem),
    Buffer.from(signature, 'base64url'),
  );
  if (!good) return failed;
  const { exp, iat, nbf, role } = claims;
  if (typeof exp !== 'number' || exp + toleranceSeconds < now) return failed;
  if (iat !== undefined && (typeof iat !== 'number' || iat - toleranceSeconds > now)) return failed;
  if (nbf !== undefined && (typeof nbf !== 'number' || nbf > now)) return failed;
  if (roleDemanded && typeof role !== 'string') return failed;
  return undefined;
}

function parsed(part: string): Record<string, unknown> | undefined {
  if (!/^[\w-]+$/.test(part)) return undefined;
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
