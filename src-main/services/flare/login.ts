/** Challenge, register and certificate login (docs/reference/admin-protocol.md §4.4). */
import { randomUUID, type X509Certificate } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import { verifyPss } from '../pki/index.ts';
import type { Cell, CellAuth, CellReply } from './cell.ts';
import { commonNameOf, isIssuedBy, readCertificates, validityProblem } from './certificates.ts';
import type { AdminCredentials } from './credentials.ts';
import { ProtocolError, reasonOf, SessionStepError, type SessionStep } from './errors.ts';
import { decodeFobs, encodeFobs, shareable } from './fobs.ts';
import {
  commandTopic,
  hciChannel,
  packRequest,
  parseReply,
  requestText,
  quoteArgument,
  unpackReply,
} from './hci.ts';
import { isMap, type MsgpackMap } from './msgpack.ts';
import type { ProtocolProfile } from './profiles.ts';
import type { AdminKit, SessionIdentity } from './types.ts';
import { pause } from './wait.ts';

const taskChannel = 'task';
const tokenHeader = '__token__';
const signatureHeader = '__token_signature__';

export interface LoginContext {
  kit: AdminKit;
  credentials: AdminCredentials;
  cell: Cell;
  now: () => number;
  signal?: AbortSignal | undefined;
  onStep?: ((step: SessionStep) => void) | undefined;
  /** How long the challenge may take in all, with its repetitions. */
  loginMs: number;
  /** How long register and login may take each. */
  messageMs: number;
}

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
    const signature = headers[signatureHeader];
    if (typeof signature !== 'string') return false;
    if (good.has(signature)) return true;
    if (!verifyPss(certificate.publicKey, signed, Buffer.from(signature, 'base64'))) return false;
    if (good.size < 16) good.add(signature);
    return true;
  };
}

/** Proves ourselves. Gives the headers every later message carries, and fills them into `auth`. */
export async function register(context: LoginContext, server: ProvenServer, auth: CellAuth): Promise<void> {
  const { cell, kit, credentials, signal, onStep, messageMs } = context;
  onStep?.('register');
  const signature = credentials.signer.sign(Buffer.from(kit.user + server.nonce, 'utf8'));
  const payload = encodeFobs(shareable({ cert: credentials.certificatePem, signature, cn: kit.user }));
  let reply: CellReply;
  try {
    reply = await cell.request(taskChannel, 'register', payload, {
      timeoutMs: messageMs,
      signal,
      headers: {
        client_name: kit.user,
        client_type: 'admin',
        client_ip: '',
        project_name: kit.projectName,
      },
    });
  } catch (error) {
    throw stepFailure('register', error);
  }
  if (reply.returnCode !== 'ok') throw refusedRegister(reply, kit);
  const answer = payloadMap('register', reply);
  if (Object.keys(answer).length === 0) {
    throw new SessionStepError(
      'register',
      'auth_failed',
      `the server does not accept the certificate of "${kit.user}".`,
      {
        hint: 'Use a kit of the same provisioning as the server.',
      },
    );
  }
  const { [tokenHeader]: token, [signatureHeader]: tokenSignature, ssid } = answer;
  if (typeof token !== 'string' || typeof tokenSignature !== 'string' || typeof ssid !== 'string') {
    throw garbage('register', 'it leaves out the token or its signature');
  }
  const signed = Buffer.from(kit.user + token, 'utf8');
  if (!verifyPss(server.certificate.publicKey, signed, Buffer.from(tokenSignature, 'base64'))) {
    throw new SessionStepError('register', 'cert_untrusted', 'the token is not signed by the server.', {
      hint: 'Something between this machine and the server changes messages. Do not use this connection.',
    });
  }
  auth.headers = { client_name: kit.user, [tokenHeader]: token, [signatureHeader]: tokenSignature, ssid };
}

function refusedRegister(reply: CellReply, kit: AdminKit): SessionStepError {
  const said = saying(reply);
  if (/does not match the current server task/i.test(reply.error)) {
    return new SessionStepError(
      'register',
      'auth_failed',
      `the server belongs to another project than "${kit.projectName}".`,
      { hint: 'Use the kit of the project this server was provisioned for.' },
    );
  }
  if (/disabled/i.test(reply.error)) {
    return new SessionStepError('register', 'denied', `the server says: ${said}.`, {
      hint: 'A project admin can enable this participant again.',
    });
  }
  const retryable = reply.returnCode === 'comm_error' || /no registration session/i.test(reply.error);
  return new SessionStepError('register', 'auth_failed', `the server refused "${kit.user}": ${said}.`, {
    retryable,
    hint: retryable ? 'Try again.' : 'A security rule of the server objects to this admin. Look at its log.',
  });
}

export interface LoggedIn {
  token: string;
  identity: SessionIdentity;
  signs: Partial<ProtocolProfile['signs']>;
}

/** Opens the command session. Gives the session token and what it says. */
export async function certificateLogin(
  context: LoginContext,
  server: ProvenServer,
  study: string | undefined,
): Promise<LoggedIn> {
  const { cell, kit, credentials, signal, onStep, messageMs, now } = context;
  onStep?.('login');
  const text = requestText(`_cert_login ${quoteArgument(kit.user)}`, undefined, {}, now());
  let reply: CellReply;
  try {
    reply = await cell.streamRequest(hciChannel, commandTopic, packRequest(text), {
      timeoutMs: messageMs,
      signal,
      headers: {
        user_name: kit.user,
        cert: credentials.certificatePem,
        signature: credentials.signer.sign(Buffer.from(kit.user, 'utf8')),
        // Servers before 2.8 do not look at it.
        study: study ?? 'default',
      },
    });
  } catch (error) {
    throw stepFailure('login', error);
  }
  if (reply.returnCode !== 'ok') {
    throw new SessionStepError('login', 'auth_failed', `the server refused: ${saying(reply)}.`);
  }
  let token: string | undefined;
  let said = '';
  try {
    const document = parseReply(unpackReply(reply.payload));
    token = document.token;
    said = document.items
      .flatMap((item) => ('data' in item && typeof item.data === 'string' ? [item.data] : []))
      .join(' ');
  } catch (error) {
    throw garbage('login', reasonOf(error));
  }
  if (token === undefined) throw refusedLogin(said, kit.user, study);
  return readToken(token, server, kit);
}

/** `b64(JSON):b64(signature)`, signed by the server (§4.4). */
function readToken(token: string, server: ProvenServer, kit: AdminKit): LoggedIn {
  const [body = '', signature = ''] = token.split(':');
  const text = Buffer.from(body, 'base64');
  if (!verifyPss(server.certificate.publicKey, text, Buffer.from(signature, 'base64'))) {
    throw new SessionStepError('login', 'cert_untrusted', 'the session token is not signed by the server.', {
      hint: 'Something between this machine and the server changes messages. Do not use this connection.',
    });
  }
  let content: unknown;
  try {
    content = JSON.parse(text.toString('utf8'));
  } catch {
    throw garbage('login', 'the session token is not readable');
  }
  if (!isMap(content) || content['n'] !== kit.user) {
    throw garbage('login', 'the session token is for another user');
  }
  const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
  const hasStudy = typeof content['study'] === 'string';
  return {
    token,
    identity: {
      user: kit.user,
      org: textOf(content['o']),
      role: textOf(content['r']),
      ...(hasStudy ? { study: textOf(content['study']) } : {}),
    },
    signs: { study: hasStudy, certificateEnd: 'ce' in content },
  };
}

const studyRefusals: Record<
  string,
  { code: 'not_found' | 'denied' | 'invalid_input' | 'unsupported'; reason: string }
> = {
  AUTH_INVALID_STUDY: { code: 'invalid_input', reason: 'is not a valid study' },
  AUTH_INVALID_STUDY_NAME: { code: 'invalid_input', reason: 'is not a valid study name' },
  AUTH_UNKNOWN_STUDY: { code: 'not_found', reason: 'is not known to the server' },
  AUTH_STUDY_NOT_CONFIGURED: { code: 'unsupported', reason: 'cannot be chosen: the server has no studies' },
  AUTH_STUDY_USER_NOT_MAPPED: { code: 'denied', reason: 'is not open to this user' },
};

function refusedLogin(said: string, user: string, study: string | undefined): SessionStepError {
  const code = /^REJECT:\s*([A-Z_]+)\b/.exec(said)?.[1];
  const known = code === undefined ? undefined : studyRefusals[code];
  if (known !== undefined) {
    return new SessionStepError('login', known.code, `the study "${study ?? 'default'}" ${known.reason}.`, {
      hint: 'Log in without a study and list the studies open to you with list_studies.',
    });
  }
  const reason = said.replace(/^REJECT:?\s*/, '');
  return new SessionStepError(
    'login',
    'auth_failed',
    `the server rejected "${user}"${reason ? `: ${reason.slice(0, 300)}` : ''}.`,
    {
      hint: 'Use a kit of the same provisioning as the server; its log tells more.',
    },
  );
}

function payloadMap(step: SessionStep, reply: CellReply): MsgpackMap {
  try {
    const value = decodeFobs(reply.payload);
    if (!isMap(value)) throw new ProtocolError('it is not a map');
    return value;
  } catch (error) {
    throw garbage(step, reasonOf(error));
  }
}

function garbage(step: SessionStep, reason: string): SessionStepError {
  return new SessionStepError(step, 'remote_failed', `the server's answer makes no sense: ${reason}.`, {
    hint: 'The peer may be a server of a line this product does not know, or no FLARE server at all.',
  });
}

function saying(reply: CellReply): string {
  return (reply.error || reply.returnCode).slice(0, 300).replace(/[.\s]+$/, '');
}

/** Adds the step to what a request failed with. */
function stepFailure(step: SessionStep, error: unknown): Error {
  if (error instanceof SessionStepError) return error;
  if (error instanceof DeskError) {
    if (error.code === 'cancelled') return error;
    return new SessionStepError(step, error.code, error.message, {
      retryable: error.retryable,
      hint: 'Look at the server: it may be stopping, overloaded or hanging. Then try again.',
      cause: error,
    });
  }
  return garbage(step, reasonOf(error));
}
