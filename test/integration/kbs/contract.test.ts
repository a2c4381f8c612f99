/**
 * What the console takes for granted of a key broker, asked of the double of every release and, where one is named
 * (test/lab/kbs/README.md), of a real one. The policy is put back; what else is written has names of its own.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type TrusteeProfile, trusteeProfile, trusteeReleases } from '../../../src-main/domain/kbs/index.ts';
import {
  deleteResource,
  kbsClient,
  kbsStatus,
  type KbsTarget,
  policySha256,
  putResource,
  readPolicy,
  readReferenceValues,
  registerReferenceValues,
  setPolicy,
} from '../../../src-main/services/kbs/index.ts';
import { adminTarget, broker, failure, folder, otherKey } from './brokers.ts';

interface Server {
  name: string;
  start: () => Promise<KbsTarget>;
}

const doubles = trusteeReleases.map((release): Server => {
  const minor = Number(release.slice(3));
  return {
    name: `the double of ${release}`,
    start: async () => adminTarget(await broker({ minor }), minor),
  };
});

function realServer(address: string): Server {
  const { FLAREDESK_TEST_KBS_CA: ca, FLAREDESK_TEST_KBS_KEY: adminKey } = process.env;
  const { FLAREDESK_TEST_KBS_TOKEN: tokenFile, FLAREDESK_TEST_KBS_NAME: serverName } = process.env;
  const target: KbsTarget = {
    address: address.replace(/\/$/, ''),
    port: Number(new URL(address).port || 8999),
    ...(ca === undefined ? {} : { ca }),
    ...(adminKey === undefined ? {} : { adminKey }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(serverName === undefined ? {} : { serverName }),
    profile: 'auto',
  };
  return { name: `the key broker ${address}`, start: () => Promise.resolve(target) };
}
const address = process.env['FLAREDESK_TEST_KBS'];
const servers = address === undefined ? doubles : [...doubles, realServer(address)];

const keep = (): Promise<void> => Promise.resolve();
const clock = (): number => Date.now();

async function known(target: KbsTarget): Promise<TrusteeProfile> {
  const status = await kbsStatus(kbsClient(target, clock), target);
  if (status.release === undefined) throw new Error('its release cannot be found out');
  expect(status.admin).toBe('ok');
  return trusteeProfile(status.release);
}

describe.each(servers)('$name', ({ start }) => {
  it('keeps a policy byte by byte, refuses one without a package, and takes the old one back', async () => {
    const target = await start();
    const client = kbsClient(target, clock);
    const before = await readPolicy(client);
    const text = `${before.text}\n# contract test é ✓\r\n`;
    try {
      await setPolicy(client, { text, readSha256: before.sha256, backUp: keep });
      const read = await readPolicy(client);
      expect(read).toMatchObject({ text, sha256: policySha256(text) });
      const bad = setPolicy(client, {
        text: 'default allow = false\n',
        readSha256: read.sha256,
        backUp: keep,
      });
      expect((await failure(bad)).code).toBe('remote_failed');
      expect((await readPolicy(client)).text).toBe(text);
    } finally {
      const { sha256 } = await readPolicy(client);
      await setPolicy(client, { text: before.text, readSha256: sha256, backUp: keep });
    }
    expect((await readPolicy(client)).text).toBe(before.text);
  });

  it('lets in no other key and nobody without one', async () => {
    const { adminKey: _key, tokenFile: _token, ...rest } = await start();
    const stranger = kbsClient({ ...rest, adminKey: await otherKey() }, clock);
    expect((await failure(readPolicy(stranger))).code).toBe('auth_failed');
    expect((await failure(readReferenceValues(stranger, trusteeProfile('v0.14'), []))).code).toBe(
      'auth_failed',
    );
    const nobody = await kbsClient(rest, clock).ask({ method: 'GET', path: '/kbs/v0/resource-policy' });
    expect(nobody.status).toBe(401);
  });

  it('registers a reference value and answers it as its release does', async () => {
    const target = await start();
    const profile = await known(target);
    const client = kbsClient(target, clock);
    const name = 'flaredesk-contract-test';
    const after = await registerReferenceValues(client, profile, name, ['aa', 'bb']);
    expect(JSON.stringify(JSON.parse(after))).toBe(after);
    const read = await readReferenceValues(client, profile, [name, 'flaredesk-never-registered']);
    expect(read.get(name)).toBe(after);
    expect(read.get('flaredesk-never-registered')).toBeNull();
  });

  it('takes a resource, and deletes it where its release can', async () => {
    const target = await start();
    const profile = await known(target);
    const client = kbsClient(target, clock);
    const path = 'flaredesk/contract/test';
    const content = join(folder, 'content');
    await writeFile(content, 'no secret');
    expect(await putResource(client, path, content)).toBe(9);
    if (profile.resourceDelete) await deleteResource(client, profile, path);
    else expect((await failure(deleteResource(client, profile, path))).code).toBe('unsupported');
  });
});
