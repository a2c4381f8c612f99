/** An HTTPS server for tests on a free loopback port, its certificate from a private CA of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificates.ts';

export interface TlsServer {
  /** Of this server alone, removed with it. */
  folder: string;
  /** PEM file of its private CA. */
  ca: string;
  port: number;
  /** `https://localhost:<port>`, whatever its certificate says. */
  address: string;
  stop: () => Promise<void>;
}

const timeLimitMs = 10 * 60_000;

/** Starts it under the name in its certificate; it ends by itself after ten minutes. */
export async function startTlsServer(name: string, listener: RequestListener): Promise<TlsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'flaredesk-tls-'));
  const made = makeCertificate(name);
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, made.ca);
  const server = createServer({ cert: made.certificate, key: made.key }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    clearTimeout(limit);
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await rm(folder, { recursive: true, force: true });
  };
  const limit = setTimeout(() => void stop(), timeLimitMs);
  limit.unref();
  return { folder, ca, port, address: `https://localhost:${port}`, stop };
}
