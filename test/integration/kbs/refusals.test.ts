import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DeskError } from '../../../src-main/contract/errors.ts';
import { kbsClient, putResource, readPolicy, setPolicy } from '../../../src-main/services/kbs/index.ts';
import { broker, clientOf, failure, folder, otherKey, stopBroker, targetOf } from './brokers.ts';

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

describe('what a key broker answers', () => {
  it.each([
    ['AdminAuth', 401, 'auth_failed', 'refused the admin token', 'auth_public_key'],
    ['PolicyEngine', 401, 'remote_failed', 'could not take or evaluate the policy', 'kbs policy lint'],
    ['PolicyDeny', 401, 'denied', 'denied the resource by its policy', 'No rule matches'],
    ['TokenNotFound', 401, 'auth_failed', 'expects an attestation token', 'attested VM'],
    ['PluginNotFound', 404, 'unsupported', 'knows no such path', 'profile'],
    ['PluginInternalError', 401, 'remote_failed', 'failed in its storage', 'Vault behind it is sealed'],
    ['AttestationError', 401, 'remote_failed', 'failed to attest', 'log'],
    ['RvpsError', 401, 'remote_failed', 'a problem with its reference values', 'sample extractor'],
    ['SerdeError', 401, 'unsupported', 'did not understand the request', 'profile'],
    ['TokenVerifierError', 401, 'auth_failed', 'could not verify the token', 'clocks'],
    ['JweError', 401, 'remote_failed', 'could not encrypt its answer', 'log'],
    // Not known here: the status decides.
    ['AdminAuthAccess', 403, 'auth_failed', 'refused access', 'role'],
    ['Surprise', 500, 'remote_failed', 'answered 500', 'log'],
  ])('%s becomes its cause and its fix', async (variant, status, code, words, fix) => {
    const kbs = await broker();
    kbs.failWith = {
      status,
      body: JSON.stringify({ type: `https://github.com/x/kbs/errors/${variant}`, detail: 'as it says' }),
    };
    const error = await failure(readPolicy(clientOf(kbs)));
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(kbs.address);
    expect(error.message).toContain(words);
    expect(error.message).toContain('read the resource policy');
    expect(error.hint).toContain(fix);
  });

  it('a body of 2 MiB goes, a larger one and an answer of more than 4 MiB do not', async () => {
    const kbs = await broker();
    const client = clientOf(kbs);
    const file = join(folder, 'large');
    await writeFile(file, Buffer.alloc(2 * 1024 * 1024, 1));
    expect(await putResource(client, 'a/b/c', file)).toBe(2 * 1024 * 1024);
    await writeFile(file, Buffer.alloc(2 * 1024 * 1024 + 1, 1));
    const asked = kbs.requests.length;
    const large = await failure(putResource(client, 'a/b/c', file));
    expect(large).toMatchObject({ code: 'too_large' });
    expect(large.message).toContain('2 MiB');
    expect(kbs.requests.length).toBe(asked);
    kbs.failWith = { status: 413 };
    await writeFile(file, 'small');
    const refused = await failure(putResource(client, 'a/b/c', file));
    expect(refused.message).toContain('refused the size of the request');
    kbs.failWith = { status: 200, body: 'A'.repeat(4 * 1024 * 1024 + 1) };
    const answered = await failure(readPolicy(client));
    expect(answered).toMatchObject({ code: 'too_large' });
    expect(answered.message).toContain('answers with more than 4 MiB');
  });

  it('every bad input has words of its own, and none names a secret', async () => {
    const kbs = await broker();
    const [other, renamed] = [await broker(), await broker({ name: 'kbs.example.org' })];
    const client = clientOf(kbs);
    const { sha256, text } = await readPolicy(client);
    const failing = (status: number, body = ''): Promise<DeskError> => {
      kbs.failWith = { status, body };
      return failure(readPolicy(client)).finally(() => (kbs.failWith = undefined));
    };
    const set = (policy: string, readSha256: string): Promise<DeskError> =>
      failure(setPolicy(client, { text: policy, readSha256, backUp: keep }));
    const errors = [
      await failure(readPolicy(clientOf(kbs, { ca: other.ca }))),
      await failure(readPolicy(clientOf(renamed))),
      await failure(readPolicy(clientOf(kbs, { adminKey: await otherKey() }))),
      await failing(500),
      await failing(401),
      await failing(404),
      await failing(413),
      await failing(200, '<html>'),
      await failing(200, 'A'.repeat(4 * 1024 * 1024 + 1)),
      await set('#'.repeat(3 * 1024 * 1024), sha256),
      await set('default allow = false\n', sha256),
      await set('package policy\n', '0'.repeat(64)),
    ];
    const words = errors.map(({ message }) => message.replaceAll(/localhost:\d+/g, 'KBS'));
    expect(new Set(words).size).toBe(errors.length);
    for (const { message, hint } of errors) {
      expect(message).not.toMatch(/internal|undefined|\[object/);
      expect(`${message} ${hint ?? ''}`).not.toMatch(/PRIVATE KEY|eyJ|Bearer/);
    }
    expect((await readPolicy(client)).text).toBe(text);
  });
});

async function rsaKey(): Promise<string> {
  const file = join(folder, 'rsa.pem');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return file;
}
