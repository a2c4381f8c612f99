/** Key brokers for a test file, the clients that speak to them, and what they refuse. */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach } from 'vitest';
import { DeskError } from '../../../src-main/contract/errors.ts';
import { kbsClient, type KbsClient, type KbsTarget } from '../../../src-main/services/kbs/index.ts';
import { type KbsOptions, startKbs, type TestKbs } from '../../lab/kbs/kbs.ts';

const running: TestKbs[] = [];
export const folder = await mkdtemp(join(tmpdir(), 'flaredesk-kbs-test-'));

/** It ends with the test. */
export async function broker(options: KbsOptions = {}): Promise<TestKbs> {
  const kbs = await startKbs(options);
  running.push(kbs);
  return kbs;
}

export async function stopBroker(kbs: TestKbs): Promise<void> {
  running.splice(running.indexOf(kbs), 1);
  await kbs.stop();
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((kbs) => kbs.stop()));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

export function targetOf(kbs: TestKbs, more: Partial<KbsTarget> = {}): KbsTarget {
  return {
    address: kbs.address,
    port: kbs.port,
    ca: kbs.ca,
    adminKey: kbs.adminKey,
    profile: 'auto',
    ...more,
  };
}
export const clientOf = (kbs: TestKbs, more: Partial<KbsTarget> = {}): KbsClient =>
  kbsClient(targetOf(kbs, more), () => Date.now());

/** The target of an admin of this release: from v0.21 with a role token in a file. */
export async function adminTarget(kbs: TestKbs, minor: number): Promise<KbsTarget> {
  if (minor < 21) return targetOf(kbs);
  const { adminKey: _own, ...rest } = targetOf(kbs);
  return { ...rest, tokenFile: await roleToken(kbs, folder) };
}

/** Writes an admin token with a role, as an identity provider would give it; answers the file. */
export async function roleToken(kbs: TestKbs, into: string): Promise<string> {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { exp: Math.floor(Date.now() / 1000) + 600, role: 'kbs-admin' };
  const signed = `${part({ alg: 'EdDSA' })}.${part(claims)}`;
  const signature = sign(null, Buffer.from(signed), createPrivateKey(await readFile(kbs.adminKey)));
  const file = join(into, 'token');
  await writeFile(file, `${signed}.${signature.toString('base64url')}\n`, { mode: 0o600 });
  return file;
}

/** Writes an admin key that no key broker knows; answers the file. */
export async function otherKey(): Promise<string> {
  const file = join(folder, 'other.pem');
  await writeFile(file, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return file;
}

export async function failure(work: Promise<unknown>): Promise<DeskError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DeskError)) throw new Error(`not refused in order: ${String(error)}`);
  return error;
}
