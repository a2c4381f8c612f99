/** Every state of a host key against a real sshd. What must not be sent is counted on the wire and looked for in its log. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, type ConnectOptions, type HostKeyQuestion } from '../../../src-main/services/ssh/index.ts';
import { type LabProxy, startProxy } from '../../lab/proxy.ts';
import { makeKey, type Sshd, startSshd } from '../../lab/sshd.ts';

const folder = mkdtempSync(join(tmpdir(), 'flaredesk-host-keys-'));
const users = join(folder, 'users_known_hosts');
const ours = join(folder, 'known_hosts');
let sshd: Sshd;
/** Counts the bytes; the host is known by the proxy's port. */
let proxy: LabProxy;
let strangerKey: string;

beforeAll(async () => {
  sshd = await startSshd({ folder: join(folder, 'sshd'), hostKeyTypes: ['ed25519', 'rsa'] });
  proxy = await startProxy({ targetPort: sshd.port });
  strangerKey = readFileSync(`${makeKey(join(folder, 'stranger'))}.pub`, 'utf8')
    .split(' ')
    .slice(0, 2)
    .join(' ');
});
beforeEach(() => {
  rmSync(users, { force: true });
  rmSync(ours, { force: true });
});
afterAll(async () => {
  await proxy?.stop();
  await sshd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const name = () => `[127.0.0.1]:${proxy.port}`;

/** One try through the counting proxy: how it ended, and how many bytes went to the server before and in all. */
async function attempt(
  options: { hostKey?: string; ask?: (question: HostKeyQuestion) => Promise<boolean> } = {},
): Promise<{ code: string; message: string; hint: string; logins: number; toTarget: number }> {
  const logBefore = sshd.log().length;
  const bytesBefore = proxy.counts.toTarget;
  const settings: ConnectOptions = {
    home: folder,
    auth: { defaultUser: sshd.user },
    hostKeys: { ownFile: ours, readFiles: [users], ...(options.ask ? { ask: options.ask } : {}) },
  };
  const target = {
    host: '127.0.0.1',
    port: proxy.port,
    identity: sshd.identity,
    ...(options.hostKey === undefined ? {} : { hostKey: options.hostKey }),
  };
  let outcome = { code: 'connected', message: '', hint: '' };
  try {
    (await connect(target, settings)).close();
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint?: string };
    outcome = { code, message, hint: hint ?? '' };
  }
  // The server writes its log after it has seen the end of the connection.
  await new Promise((resolve) => setTimeout(resolve, 150));
  const said = sshd.log().slice(logBefore);
  return {
    ...outcome,
    logins: [...said.matchAll(/userauth|Accepted|Failed|authenticating user|invalid user/g)].length,
    toTarget: proxy.counts.toTarget - bytesBefore,
  };
}

describe('connects', () => {
  test('a key of the user’s own known_hosts', async () => {
    writeFileSync(users, `${name()} ${sshd.hostKey}\n`);
    expect(await attempt()).toMatchObject({ code: 'connected', logins: expect.any(Number) as number });
  });

  test('a name hashed by ssh-keygen', async () => {
    writeFileSync(users, `${name()} ${sshd.hostKey}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', users], { stdio: 'ignore' });
    expect(readFileSync(users, 'utf8')).toContain('|1|');
    expect(await attempt()).toMatchObject({ code: 'connected' });
  });

  test('a key known by the bare name', async () => {
    writeFileSync(users, `127.0.0.1 ${sshd.hostKey}\n`);
    expect(await attempt()).toMatchObject({ code: 'connected' });
  });

  test('a host known by its RSA key only, though it would show another first', async () => {
    const rsa = readFileSync(join(folder, 'sshd', 'host_key_rsa.pub'), 'utf8').trim();
    writeFileSync(users, `${name()} ${rsa}\n`);
    expect(await attempt()).toMatchObject({ code: 'connected' });
  });

  test('a pinned key', async () => {
    expect(await attempt({ hostKey: sshd.fingerprint })).toMatchObject({ code: 'connected' });
  });

  test('an unknown key after a yes, which is remembered in a form ssh-keygen reads', async () => {
    const questions: HostKeyQuestion[] = [];
    const ask = (question: HostKeyQuestion) => {
      questions.push(question);
      return Promise.resolve(true);
    };
    expect(await attempt({ ask })).toMatchObject({ code: 'connected' });
    expect(questions).toHaveLength(1);
    expect(questions[0]?.presented.fingerprint).toBe(sshd.fingerprint);
    expect(execFileSync('ssh-keygen', ['-F', name(), '-f', ours], { encoding: 'utf8' })).toContain(
      sshd.hostKey,
    );
    expect(await attempt()).toMatchObject({ code: 'connected' });
    expect(questions).toHaveLength(1);
  });
});

describe('refuses before anything about the user is sent', () => {
  /** What a client sends to a server whose key it refuses: its version, the key exchange, and the reason. */
  const baseline = async () => {
    rmSync(users);
    const refused = await attempt({ ask: () => Promise.resolve(false) });
    expect(refused.code).toBe('host_key_unknown');
    return refused.toTarget;
  };

  test('an unknown key, nobody to ask: the fingerprint and the pin to write are told', async () => {
    const refused = await attempt();
    expect(refused).toMatchObject({ code: 'host_key_unknown', logins: 0 });
    expect(refused.message).toContain(sshd.fingerprint);
    expect(refused.hint).toContain(`host_key: "${sshd.fingerprint}"`);
  });

  test('an unknown key and a no', async () => {
    expect(await attempt({ ask: () => Promise.resolve(false) })).toMatchObject({
      code: 'host_key_unknown',
      logins: 0,
    });
    expect(() => readFileSync(ours)).toThrow();
  });

  test('a changed key: no question, both fingerprints, the line to look at', async () => {
    const asked: unknown[] = [];
    writeFileSync(users, `# mine\n${name()} ${strangerKey}\n`);
    const refused = await attempt({
      ask: (question) => {
        asked.push(question);
        return Promise.resolve(true);
      },
    });
    expect(refused).toMatchObject({ code: 'host_key_changed', logins: 0 });
    expect(asked).toEqual([]);
    expect(refused.message).toContain(sshd.fingerprint);
    expect(refused.hint).toContain(`line 2 of ${users}`);
    expect(refused.toTarget).toBeLessThanOrEqual(await baseline());
  });

  test('a changed key in our own file', async () => {
    writeFileSync(ours, `${name()} ${strangerKey}\n`);
    expect(await attempt()).toMatchObject({ code: 'host_key_changed', logins: 0 });
  });

  test('a pin that does not fit, though known_hosts would', async () => {
    writeFileSync(users, `${name()} ${sshd.hostKey}\n`);
    const refused = await attempt({ hostKey: `SHA256:${'A'.repeat(43)}` });
    expect(refused).toMatchObject({ code: 'host_key_changed', logins: 0 });
  });

  test('a revoked key, even when pinned', async () => {
    writeFileSync(users, `${name()} ${sshd.hostKey}\n`);
    appendFileSync(users, `@revoked * ${sshd.hostKey}\n`);
    expect(await attempt()).toMatchObject({ code: 'host_key_revoked', logins: 0 });
    expect(await attempt({ hostKey: sshd.fingerprint })).toMatchObject({
      code: 'host_key_revoked',
      logins: 0,
    });
  });

  test('a certificate authority alone is no proof, and that is said', async () => {
    writeFileSync(users, `@cert-authority * ${sshd.hostKey}\n`);
    const refused = await attempt();
    expect(refused).toMatchObject({ code: 'host_key_unknown', logins: 0 });
    expect(refused.hint).toContain('certificate');
  });

  test('a server that shows another key on the same address later', async () => {
    const other = await startSshd({ folder: join(folder, 'other') });
    const switched = await startProxy({ targetPort: other.port });
    try {
      writeFileSync(users, `[127.0.0.1]:${switched.port} ${sshd.hostKey}\n`);
      await expect(
        connect(
          { host: '127.0.0.1', port: switched.port, identity: other.identity },
          {
            home: folder,
            auth: { defaultUser: other.user },
            hostKeys: { ownFile: ours, readFiles: [users] },
          },
        ),
      ).rejects.toMatchObject({ code: 'host_key_changed' });
    } finally {
      await switched.stop();
      await other.stop();
    }
  });
});
