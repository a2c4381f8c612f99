/** What a key broker answers when it refuses, in words that lead to the fix (docs/reference/confidential-computing.md §4.1). */
import { DeskError, type ErrorCode } from '../../contract/errors.ts';
import type { KbsAnswer } from './types.ts';

interface Cause {
  code: ErrorCode;
  message: string;
  hint: string;
}

const causes: Record<string, Cause> = {
  AdminAuth: {
    code: 'auth_failed',
    message: 'refused the admin token',
    hint: 'The Ed25519 key must be the private half of auth_public_key there; from v0.21 a token file with a role is needed. Compare the clocks, too.',
  },
  PolicyEngine: {
    code: 'remote_failed',
    message: 'could not take or evaluate the policy',
    hint: 'The reason stands only in its own log. Check the text first: flaredesk kbs policy lint.',
  },
  PolicyDeny: {
    code: 'denied',
    message: 'denied the resource by its policy',
    hint: 'No rule matches this measurement and path: compare the policy with the inventory.',
  },
  TokenNotFound: {
    code: 'auth_failed',
    message: 'expects an attestation token for this path',
    hint: 'Only an attested VM can read resources.',
  },
  PluginNotFound: {
    code: 'unsupported',
    message: 'knows no such path',
    hint: 'Its release may be older than the one set as profile in desk.yml.',
  },
  PluginInternalError: {
    code: 'remote_failed',
    message: 'failed in its storage',
    hint: 'Look whether Vault behind it is sealed, its token has ended, or the storage cannot do this or has no such resource.',
  },
  AttestationError: {
    code: 'remote_failed',
    message: 'failed to attest',
    hint: 'Its log names the reason.',
  },
  RvpsError: {
    code: 'remote_failed',
    message: 'has a problem with its reference values',
    hint: 'Its log names the reason. Values are taken only while its sample extractor is on.',
  },
  SerdeError: {
    code: 'unsupported',
    message: 'did not understand the request',
    hint: 'Its release may differ from the profile in desk.yml.',
  },
  TokenVerifierError: {
    code: 'auth_failed',
    message: 'could not verify the token',
    hint: 'Compare the clocks; then look at its log.',
  },
  JweError: {
    code: 'remote_failed',
    message: 'could not encrypt its answer',
    hint: 'Its log names the reason.',
  },
};

/** An answer other than 200 as an error. Nothing of a request stands in it; of the answer only its kind and a short detail. */
export function refusal(answer: KbsAnswer, what: string, address: string): DeskError {
  const { kind, detail } = problemOf(answer);
  const cause = Object.hasOwn(causes, kind) ? causes[kind] : undefined;
  if (cause) {
    return new DeskError(cause.code, `The key broker ${address} ${cause.message} (${what})${detail}.`, {
      hint: cause.hint,
    });
  }
  if (answer.status === 413) {
    return new DeskError(
      'too_large',
      `The key broker ${address} refused the size of the request (${what}).`,
      {
        hint: 'It takes 2 MiB at most.',
      },
    );
  }
  if (answer.status === 401 || answer.status === 403) {
    return new DeskError(
      'auth_failed',
      `The key broker ${address} refused access (${what}, ${answer.status}).`,
      {
        hint: causes['AdminAuth']?.hint ?? '',
      },
    );
  }
  if (answer.status === 404 || answer.status === 405) {
    return new DeskError(
      'unsupported',
      `The key broker ${address} has no such interface (${what}, ${answer.status}).`,
      {
        hint: 'Look whether the address is a Trustee key broker, and whether profile in desk.yml is its release.',
      },
    );
  }
  return new DeskError('remote_failed', `The key broker ${address} answered ${answer.status} (${what}).`, {
    hint: 'Its own log names the reason.',
    retryable: answer.status >= 500,
  });
}

/** `{"type": ".../errors/<Variant>", "detail": "…"}`. */
export function problemOf(answer: KbsAnswer): { kind: string; detail: string } {
  try {
    const body = JSON.parse(answer.body.subarray(0, 64 * 1024).toString('utf8')) as {
      type?: unknown;
      detail?: unknown;
    };
    const kind = typeof body.type === 'string' ? (body.type.split('/').at(-1) ?? '') : '';
    const detail =
      typeof body.detail === 'string' && body.detail !== ''
        ? `: ${body.detail.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200)}`
        : '';
    return { kind, detail };
  } catch {
    return { kind: '', detail: '' };
  }
}
