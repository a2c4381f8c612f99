/** We prove ourselves and get the token every later message carries (docs/reference/admin-protocol.md §4.4). */
import { verifyPss } from '../pki/index.ts';
import type { CellAuth } from './cell.ts';
import type { CellReply } from './pending-requests.ts';
import type { ProvenServer } from './challenge.ts';
import { SessionStepError } from './errors.ts';
import { encodeFobs, shareable } from './fobs.ts';
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
import type { AdminKit } from './types.ts';

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
  const { [tokenHeader]: token, [tokenSignatureHeader]: tokenSignature, ssid } = answer;
  if (typeof token !== 'string' || typeof tokenSignature !== 'string' || typeof ssid !== 'string') {
    throw garbage('register', 'it leaves out the token or its signature');
  }
  const signed = Buffer.from(kit.user + token, 'utf8');
  if (!verifyPss(server.certificate.publicKey, signed, Buffer.from(tokenSignature, 'base64'))) {
    throw new SessionStepError('register', 'cert_untrusted', 'the token is not signed by the server.', {
      hint: 'Something between this machine and the server changes messages. Do not use this connection.',
    });
  }
  auth.headers = {
    client_name: kit.user,
    [tokenHeader]: token,
    [tokenSignatureHeader]: tokenSignature,
    ssid,
  };
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
