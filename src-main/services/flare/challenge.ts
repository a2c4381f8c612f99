/** The server proves itself (docs/reference/admin-protocol.md §4.4). */
import { randomUUID, type X509Certificate } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import { verifyPss } from '../pki/index.ts';
import type { CellReply } from './pending-requests.ts';
import { commonNameOf, isIssuedBy, readCertificates, validityProblem } from './certificates.ts';
import { SessionStepError } from './errors.ts';
import {
  garbage,
  type LoginContext,
  payloadMap,
  saying,
  stepFailure,
  taskChannel,
  tokenHeader,
  tokenSignatureHeader,
} from './login-context.ts';
import type { MsgpackMap } from './msgpack.ts';
import { pause } from './wait.ts';

/** The server, proven: its certificate, and the nonce it wants signed. */
export interface ProvenServer {
  certificate: X509Certificate;
  nonce: string;
}

/**
 * Asks the server to sign a nonce and proves its identity by the answer. The server may lose a request that comes right
 * after READY (§3.2), so the question is repeated, soon at first, then more patiently. Each repetition has a nonce of its
 * own and replaces the one before it on the server, so only the answer to the last one counts.
 */
export async function challenge(context: LoginContext): Promise<ProvenServer> {
  const { cell, kit, signal, onStep, loginMs } = context;
  onStep?.('challenge');
  const end = performance.now() + loginMs;
  let notReady = '';
  for (let waitMs = firstChallengeWaitMs; ; waitMs = Math.min(waitMs * 2, longestChallengeWaitMs)) {
    const nonce = randomUUID();
    const left = end - performance.now();
    if (left <= 0) break;
    let reply: CellReply;
    try {
      reply = await cell.request(taskChannel, 'challenge', undefined, {
        timeoutMs: Math.min(waitMs, left),
        signal,
        headers: { cn: kit.user, nonce },
      });
    } catch (error) {
      if (error instanceof DeskError && error.code === 'timeout') continue;
      throw stepFailure('challenge', error);
    }
    if (reply.returnCode === 'ok') return proveServer(reply, nonce, context);
    if (reply.returnCode !== 'comm_error') {
      throw new SessionStepError('challenge', 'auth_failed', `the server refused: ${saying(reply)}.`, {
        hint: 'The server may run without certificates, or may not be a FLARE server of line 2.7 or later.',
      });
    }
    notReady = saying(reply);
    await pause(Math.min(notReadyPauseMs, Math.max(0, end - performance.now())), signal);
  }
  throw new SessionStepError(
    'challenge',
    'timeout',
    notReady === ''
      ? `the server did not answer within ${loginMs / 1000} s.`
      : `the server is not ready yet (${notReady}).`,
    {
      retryable: true,
      hint: 'Look at the server: it may be starting, overloaded or hanging. Then try again.',
    },
  );
}

const firstChallengeWaitMs = 300;
const longestChallengeWaitMs = 2500;
const notReadyPauseMs = 300;

function proveServer(reply: CellReply, nonce: string, context: LoginContext): ProvenServer {
  const { kit, credentials, now } = context;
  const answer = payloadMap('challenge', reply);
  const { cn, cert, signature, nonce: serverNonce } = answer;
  if (
    typeof cn !== 'string' ||
    !(cert instanceof Uint8Array) ||
    !(signature instanceof Uint8Array) ||
    typeof serverNonce !== 'string'
  ) {
    throw garbage('challenge', 'it leaves out name, certificate, signature or nonce');
  }
  const untrusted = (reason: string, hint: string): SessionStepError =>
    new SessionStepError('challenge', 'cert_untrusted', reason, { hint });
  let chain: X509Certificate[];
  try {
    chain = readCertificates(cert);
  } catch {
    throw garbage('challenge', 'its certificate is not readable');
  }
  const certificate = chain[0]!;
  if (!isIssuedBy(chain, credentials.root)) {
    throw untrusted(
      `the server shows a certificate that the project root of this kit did not issue.`,
      'It is a server of another project, or the project was provisioned anew. Use a kit of the same provisioning.',
    );
  }
  const name = commonNameOf(certificate);
  if (name !== cn || cn !== kit.serverIdentity) {
    throw untrusted(
      `the server identifies itself as "${name ?? cn}", the kit expects "${kit.serverIdentity}".`,
      'Another participant of the project answers at this address. Correct the host, or use a present kit.',
    );
  }
  if (validityProblem(certificate, now()) !== undefined) {
    throw new SessionStepError(
      'challenge',
      'cert_expired',
      `the server's certificate is valid from ${certificate.validFrom} to ${certificate.validTo} only.`,
      {
        hint: 'Issue a new certificate for the server and restart it; or correct the clock of this machine.',
      },
    );
  }
  if (!verifyPss(certificate.publicKey, Buffer.from(cn + nonce, 'utf8'), signature)) {
    throw untrusted('the server could not prove that it owns its certificate.', 'Do not use this server.');
  }
  return { certificate, nonce: serverNonce };
}

/** Whether a message carries the server's own name, signed by its key. Signatures seen once are remembered. */
export function serverProof(certificate: X509Certificate): (headers: MsgpackMap) => boolean {
  const good = new Set<string>();
  const signed = Buffer.from('serverserver', 'utf8');
  return (headers) => {
    if (headers['client_name'] !== 'server' || headers[tokenHeader] !== 'server') return false;
    const signature = headers[tokenSignatureHeader];
    if (typeof signature !== 'string') return false;
    if (good.has(signature)) return true;
    if (!verifyPss(certificate.publicKey, signed, Buffer.from(signature, 'base64'))) return false;
    if (good.size < 16) good.add(signature);
    return true;
  };
}

/**
 * Whether a message carries the name of a site with the token the server signed for it: the same proof the sites have of each
 * other. A cell below a relay is named by its path; the site is its last part.
 */
export function siteProof(certificate: X509Certificate): (fqcn: string, headers: MsgpackMap) => boolean {
  const good = new Set<string>();
  return (fqcn, headers) => {
    const { client_name: name, [tokenHeader]: token, [tokenSignatureHeader]: signature } = headers;
    if (typeof name !== 'string' || typeof token !== 'string' || typeof signature !== 'string') return false;
    if (name !== fqcn.split('.').at(-1) || name === 'server' || token === '') return false;
    const seen = JSON.stringify([name, token, signature]);
    if (good.has(seen)) return true;
    const signed = Buffer.from(name + token, 'utf8');
    if (!verifyPss(certificate.publicKey, signed, Buffer.from(signature, 'base64'))) return false;
    if (good.size < 2000) good.add(seen);
    return true;
  };
}
