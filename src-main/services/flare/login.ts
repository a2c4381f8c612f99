/** The certificate login that opens a command session (docs/reference/admin-protocol.md §4.4). */
import { verifyPss } from '../pki/index.ts';
import type { CellReply } from './pending-requests.ts';
import type { ProvenServer } from './challenge.ts';
import { reasonOf, SessionStepError } from './errors.ts';
import {
  commandTopic,
  hciChannel,
  packRequest,
  parseReply,
  quoteArgument,
  requestText,
  unpackReply,
} from './hci.ts';
import { garbage, type LoginContext, saying, stepFailure } from './login-context.ts';
import { isMap } from './msgpack.ts';
import type { ProtocolProfile } from './profiles.ts';
import type { AdminKit, SessionIdentity } from './types.ts';

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
