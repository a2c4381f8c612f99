/** The health of the vault behind a key broker (docs/reference/confidential-computing.md §4.5): one GET, no token, nothing changed. */
import { DeskError } from '../../contract/errors.ts';
import type { DeskVault } from '../../domain/project/desk-services.ts';
import { fileOf } from './client.ts';
import { endpointOf, type Peer, send, tlsOptions } from './http.ts';
import type { KbsAnswer, KbsStatus, VaultHealth } from './types.ts';

const states: Record<number, VaultHealth['state']> = {
  200: 'active',
  429: 'standby',
  472: 'dr_secondary',
  473: 'performance_standby',
  501: 'not_initialised',
  503: 'sealed',
};

/** Asks it. A vault that cannot be reached is an answer, too; throws `cancelled` alone. */
export async function vaultHealth(vault: DeskVault, signal?: AbortSignal): Promise<VaultHealth> {
  const { secure, host } = endpointOf(vault.address);
  const peer: Peer = {
    name: `the vault ${vault.address}`,
    caKey: 'kbs.vault_ca',
    otherName: 'Write kbs.vault in desk.yml with a name that its certificate carries.',
  };
  try {
    const ca = secure && vault.ca !== undefined ? await fileOf(vault.ca, 'vault_ca') : undefined;
    const answer = await send(
      {
        method: 'GET',
        host,
        port: vault.port,
        path: '/v1/sys/health',
        headers: { accept: 'application/json' },
        agent: false,
        ...(secure ? tlsOptions(ca, host) : {}),
      },
      secure,
      undefined,
      peer,
      signal,
    );
    return { address: vault.address, ...stateOf(answer) };
  } catch (error) {
    if (!(error instanceof DeskError) || error.code === 'cancelled') throw error;
    const { message, hint } = error;
    return {
      address: vault.address,
      state: 'unreachable',
      message,
      ...(hint === undefined ? {} : { hint }),
    };
  }
}

/** The status counts only together with the body that a vault gives: any proxy answers 503. */
function stateOf(answer: KbsAnswer): Omit<VaultHealth, 'address'> {
  const body = healthOf(answer.body);
  const state = states[answer.status];
  const fits =
    body !== undefined &&
    (state === 'not_initialised'
      ? body.initialized === false
      : body.initialized === true && body.sealed === (state === 'sealed'));
  if (state === undefined || !fits) {
    return {
      state: 'unclear',
      message: `It answered ${answer.status}, and not as a vault does.`,
      hint: 'Look at kbs.vault in desk.yml, and whether a proxy stands before it.',
    };
  }
  return { state, ...(body.version === undefined ? {} : { version: body.version }) };
}

function healthOf(bytes: Buffer): { initialized: unknown; sealed: unknown; version?: string } | undefined {
  try {
    const body = JSON.parse(bytes.subarray(0, 64 * 1024).toString('utf8')) as Record<string, unknown> | null;
    if (typeof body !== 'object' || body === null) return undefined;
    const { initialized, sealed, version } = body;
    const isVersion = typeof version === 'string' && /^[\w.+-]{1,64}$/.test(version);
    return { initialized, sealed, ...(isVersion ? { version } : {}) };
  } catch {
    return undefined;
  }
}

/** The finding of a state in which a key broker cannot serve, or nobody can tell. */
export function vaultFinding({
  state,
  address,
  message,
  hint,
}: VaultHealth): KbsStatus['findings'][number] | undefined {
  const at = `The vault ${address} behind the key broker`;
  switch (state) {
    case 'sealed':
      return {
        severity: 'error',
        code: 'kbs_vault_sealed',
        message: `${at} is sealed: no VM gets its key, while the key broker itself looks healthy.`,
        hint: 'Unseal it (vault operator unseal). A vault is sealed after each restart.',
      };
    case 'not_initialised':
      return {
        severity: 'error',
        code: 'kbs_vault_not_initialised',
        message: `${at} was never initialised: it holds no key.`,
        hint: 'Initialise it (vault operator init), and put the keys into it.',
      };
    case 'dr_secondary':
      return {
        severity: 'warning',
        code: 'kbs_vault_secondary',
        message: `${at} is a disaster-recovery secondary, which serves nobody until it is promoted.`,
        hint: 'Name the vault that the key broker uses as kbs.vault.',
      };
    case 'unreachable':
    case 'unclear':
      return {
        severity: 'warning',
        code: 'kbs_vault_unknown',
        message: `Whether the vault behind the key broker is sealed is not known. ${message ?? ''}`.trim(),
        ...(hint === undefined ? {} : { hint }),
      };
    default:
      return undefined;
  }
}
