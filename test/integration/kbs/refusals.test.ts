import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kbsClient, readPolicy, setPolicy } from '../../../src-main/services/kbs/index.ts';
import { broker, clientOf, failure, folder, stopBroker, targetOf } from './brokers.ts';

const keep = (): Promise<void> => Promise.resolve();

describe('refusals', () => {
  it.each([
    ['a 401 of another key', 'auth_failed', { adminKey: () => otherKey() }],
    ['a key that is not Ed25519', 'invalid_input', { adminKey: () => rsaKey() }],
    ['no key at all', 'needs_confirmation', { adminKey: () => Promise.resolve(undefined) }],
    [
      'a key file that is not there',
      'not_found',
      { adminKey: () => Promise.resolve(join(folder, 'none.pem')) },
    ],
  ] as const)('%s', async (_, code, { adminKey }) => {
    const kbs = await broker();
    const { adminKey: _own, ...rest } = targetOf(kbs);
    const path = await adminKey();
    const client = kbsClient({ ...rest, ...(path === undefined ? {} : { adminKey: path }) }, () =>
      Date.now(),
    );
    const error = await failure(readPolicy(client));
    expect(error.code).toBe(code);
    expect(error.message + (error.hint ?? '')).not.toMatch(/PRIVATE KEY|eyJ/);
  });

  it.each([
    [500, undefined, 'remote_failed'],
    [502, '<html>bad gateway</html>', 'remote_failed'],
    [401, '{"type":"https://x/errors/PolicyEngine","detail":"Policy engine error"}', 'remote_failed'],
    [404, undefined, 'unsupported'],
    [413, undefined, 'too_large'],
  ])('status %i %s', async (status, body, code) => {
    const kbs = await broker();
    kbs.failWith = { status, ...(body === undefined ? {} : { body }) };
    expect((await failure(readPolicy(clientOf(kbs)))).code).toBe(code);
  });

  it('an answer that is no policy', async () => {
    const kbs = await broker();
    kbs.failWith = { status: 200, body: '<html>login</html>' };
    expect((await failure(readPolicy(clientOf(kbs)))).code).toBe('integrity');
  });

  it('a wrong CA, a wrong name, nobody there', async () => {
    const [kbs, other] = [await broker({ name: 'kbs.example.org' }), await broker()];
    expect((await failure(readPolicy(clientOf(kbs, { ca: other.ca })))).code).toBe('cert_untrusted');
    expect((await failure(readPolicy(clientOf(kbs)))).message).toContain('carries another name');
    expect((await readPolicy(clientOf(kbs, { serverName: 'kbs.example.org' }))).text).toBe(kbs.policy);
    const gone = targetOf(other);
    await stopBroker(other);
    expect(
      (
        await failure(
          readPolicy(kbsClient({ ...gone, ca: kbs.ca, adminKey: kbs.adminKey }, () => Date.now())),
        )
      ).code,
    ).toBe('unreachable');
  });

  it('a clock that is far off', async () => {
    const kbs = await broker({ clockSkew: 3600 });
    expect((await failure(readPolicy(clientOf(kbs)))).code).toBe('auth_failed');
    const near = await broker({ clockSkew: -600 });
    expect((await readPolicy(clientOf(near))).text).toBe(near.policy);
  });

  it('a policy that is too large, or without a package', async () => {
    const kbs = await broker();
    const client = clientOf(kbs);
    const { sha256 } = await readPolicy(client);
    const set = (text: string): Promise<unknown> =>
      setPolicy(client, { text, readSha256: sha256, backUp: keep });
    expect((await failure(set('#'.repeat(3 * 1024 * 1024)))).code).toBe('too_large');
    expect((await failure(set('default allow = false\n'))).code).toBe('remote_failed');
  });
});

async function otherKey(): Promise<string> {
  const file = join(folder, 'other.pem');
  await writeFile(file, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return file;
}

async function rsaKey(): Promise<string> {
  const file = join(folder, 'rsa.pem');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return file;
}
