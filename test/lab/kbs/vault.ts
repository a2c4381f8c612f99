/** A vault for tests: its health alone, over TLS with a private CA, with the status and body of the original. */
import { startTlsServer } from './tls-server.ts';

export type VaultState =
  | 'active'
  | 'standby'
  | 'performance_standby'
  | 'dr_secondary'
  | 'not_initialised'
  | 'sealed';

const statuses: Record<VaultState, number> = {
  active: 200,
  standby: 429,
  dr_secondary: 472,
  performance_standby: 473,
  not_initialised: 501,
  sealed: 503,
};

export interface TestVault {
  readonly address: string;
  /** PEM file of its private CA. */
  readonly ca: string;
  state: VaultState;
  /** Answered instead, as something that is no vault. */
  instead: { status: number; body: string } | undefined;
  /** What was asked wrongly: another verb, path, or with a token or a body. */
  readonly faults: string[];
  stop(): Promise<void>;
}

/** Starts it on a free loopback port, unsealed; it ends by itself after ten minutes. */
export async function startVault(): Promise<TestVault> {
  const { address, ca, stop } = await startTlsServer('localhost', (request, response) => {
    let size = 0;
    request.on('data', (chunk: Buffer) => (size += chunk.length));
    request.on('end', () => {
      const { method, url, headers } = request;
      if (method !== 'GET' || url !== '/v1/sys/health') vault.faults.push(`${method} ${url}`);
      if (headers['x-vault-token'] !== undefined || headers.authorization !== undefined)
        vault.faults.push('a token');
      if (size > 0) vault.faults.push('a body');
      if (vault.faults.length > 0) {
        response.writeHead(400).end();
        return;
      }
      const { state, instead } = vault;
      const body = {
        initialized: state !== 'not_initialised',
        sealed: state === 'sealed' || state === 'not_initialised',
        standby: state !== 'active',
        performance_standby: state === 'performance_standby',
        server_time_utc: Math.floor(Date.now() / 1000),
        version: '1.18.3',
      };
      response.writeHead(instead?.status ?? statuses[state], { 'content-type': 'application/json' });
      response.end(instead?.body ?? `${JSON.stringify(body)}\n`);
    });
  });
  const vault: TestVault = { address, ca, state: 'active', instead: undefined, faults: [], stop };
  return vault;
}
