/** Logging in to a real sshd: identities of all forms, passphrases, a real ssh-agent, refusals. */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type AuthSettings,
  connect,
  type PassphraseQuestion,
  type SshTarget,
} from '../../../src-main/services/ssh/index.ts';
import { makeKey, type Sshd, startSshd } from '../../lab/sshd.ts';

const folder = mkdtempSync(join(tmpdir(), 'flaredesk-auth-'));
const home = join(folder, 'home');
const secret = 'a passphrase that must never be shown';
const keys = {
  ed25519: makeKey(join(folder, 'ed25519')),
  ecdsa: makeKey(join(folder, 'ecdsa'), { type: 'ecdsa' }),
  rsa: makeKey(join(folder, 'rsa'), { type: 'rsa' }),
  'rsa PEM': makeKey(join(folder, 'rsa-pem'), { type: 'rsa', format: 'PEM' }),
  'ecdsa PEM': makeKey(join(folder, 'ecdsa-pem'), { type: 'ecdsa', format: 'PEM' }),
  'rsa PKCS8': makeKey(join(folder, 'rsa-pkcs8'), { type: 'rsa', format: 'PKCS8' }),
  'ecdsa PKCS8': makeKey(join(folder, 'ecdsa-pkcs8'), { type: 'ecdsa', format: 'PKCS8' }),
};
const locked = {
  ed25519: makeKey(join(folder, 'locked-ed25519'), { passphrase: secret }),
  'rsa PEM': makeKey(join(folder, 'locked-rsa-pem'), { type: 'rsa', format: 'PEM', passphrase: secret }),
  'rsa PKCS8': makeKey(join(folder, 'locked-rsa-pkcs8'), {
    type: 'rsa',
    format: 'PKCS8',
    passphrase: secret,
  }),
};
const stranger = makeKey(join(folder, 'stranger'));
const agentSocket = join(folder, 'agent');
let sshd: Sshd;
let agent: ReturnType<typeof spawn>;

beforeAll(async () => {
  mkdirSync(home);
  const allowed = [...Object.values(keys), ...Object.values(locked)].map((file) =>
    readFileSync(`${file}.pub`, 'utf8'),
  );
  sshd = await startSshd({
    folder: join(folder, 'sshd'),
    authorizedKeys: allowed.map((line) => line.trim()),
  });
  agent = spawn('ssh-agent', ['-D', '-a', agentSocket], { stdio: 'ignore' });
  for (let i = 0; i < 100; i++) {
    try {
      execFileSync('ssh-add', ['-q', stranger], {
        env: { ...process.env, SSH_AUTH_SOCK: agentSocket },
        stdio: 'ignore',
      });
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});
afterAll(async () => {
  agent?.kill();
  await sshd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const addToAgent = (file: string) =>
  execFileSync('ssh-add', ['-q', file], {
    env: { ...process.env, SSH_AUTH_SOCK: agentSocket },
    stdio: 'ignore',
  });

async function login(target: Partial<SshTarget>, auth: Partial<AuthSettings> = {}, at = home) {
  const lines: string[] = [];
  const before = sshd.log().length;
  try {
    const connection = await connect(
      { host: '127.0.0.1', port: sshd.port, hostKey: sshd.fingerprint, ...target },
      {
        home: at,
        auth: { defaultUser: sshd.user, ...auth },
        hostKeys: { ownFile: join(folder, 'known_hosts'), readFiles: [] },
        narrate: (line) => lines.push(line),
      },
    );
    connection.close();
    return { code: 'in', message: '', lines };
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint?: string };
    for (const text of [message, hint ?? '', lines.join('\n')]) expect(text).not.toContain(secret);
    return { code, message, lines, log: sshd.log().slice(before) };
  }
}

describe('identity files', () => {
  test.each(Object.entries(keys))('%s', async (_name, identity) => {
    expect(await login({ identity })).toMatchObject({ code: 'in' });
  });

  test.each(Object.entries(locked))('%s, encrypted: asked until it fits', async (_name, identity) => {
    const questions: PassphraseQuestion[] = [];
    const passphrase = (question: PassphraseQuestion) => {
      questions.push(question);
      return Promise.resolve(question.attempt < 3 ? 'wrong' : secret);
    };
    expect(await login({ identity }, { passphrase })).toMatchObject({ code: 'in' });
    expect(questions.map((question) => question.attempt)).toEqual([1, 2, 3]);
    expect(questions[0]?.file).toBe(identity);
  });

  test('three wrong passphrases end it', async () => {
    let asked = 0;
    const passphrase = () => {
      asked++;
      return Promise.resolve('wrong');
    };
    expect(await login({ identity: locked.ed25519 }, { passphrase })).toMatchObject({
      code: 'invalid_input',
    });
    expect(asked).toBe(3);
  });

  test('encrypted, and nobody to ask', async () => {
    expect(await login({ identity: locked.ed25519 })).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(locked.ed25519) as string,
    });
  });

  test('a passphrase file', async () => {
    const passphraseFile = join(folder, 'passphrase');
    writeFileSync(passphraseFile, `${secret}\n`);
    expect(await login({ identity: locked.ed25519, passphraseFile })).toMatchObject({ code: 'in' });
    writeFileSync(passphraseFile, 'wrong\n');
    expect(await login({ identity: locked.ed25519, passphraseFile })).toMatchObject({
      code: 'invalid_input',
    });
  });

  test('the usual files of .ssh when none is named', async () => {
    const own = join(folder, 'home-with-key');
    mkdirSync(join(own, '.ssh'), { recursive: true });
    copyFileSync(keys.ed25519, join(own, '.ssh', 'id_ed25519'));
    expect(await login({}, {}, own)).toMatchObject({ code: 'in' });
  });
});

describe('refused, with the reason', () => {
  test('a key the host does not know', async () => {
    const refused = await login({ identity: stranger });
    expect(refused.code).toBe('auth_failed');
    expect(refused.message).toContain(stranger);
  });

  test('a missing file, a public key, and something else', async () => {
    expect(await login({ identity: join(folder, 'nowhere') })).toMatchObject({ code: 'not_found' });
    expect(await login({ identity: `${keys.ed25519}.pub` })).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('public') as string,
    });
    const text = join(folder, 'text');
    writeFileSync(text, 'not a key');
    expect(await login({ identity: text })).toMatchObject({ code: 'invalid_input' });
  });

  test('nothing to offer', async () => {
    expect(await login({})).toMatchObject({
      code: 'auth_failed',
      message: expect.stringContaining('no identity') as string,
    });
  });

  test('an unknown user', async () => {
    expect(await login({ identity: keys.ed25519, user: 'nobody-here' })).toMatchObject({
      code: 'auth_failed',
    });
  });
});

describe('a real ssh-agent', () => {
  test('its keys are offered when no identity is named, each narrated', async () => {
    addToAgent(keys.ecdsa);
    const got = await login({}, { agentSocket });
    expect(got.code).toBe('in');
    expect(got.lines.filter((line) => line.includes('agent key SHA256:'))).toHaveLength(2);
  });

  test('a named identity that the agent holds needs no passphrase', async () => {
    const env = {
      ...process.env,
      SSH_AUTH_SOCK: agentSocket,
      SSH_ASKPASS: join(folder, 'askpass'),
      DISPLAY: ':0',
    };
    writeFileSync(join(folder, 'askpass'), `#!/bin/sh\necho '${secret}'\n`, { mode: 0o700 });
    execFileSync('ssh-add', ['-q', locked.ed25519], {
      env: { ...env, SSH_ASKPASS_REQUIRE: 'force' },
      stdio: 'ignore',
    });
    expect(await login({ identity: locked.ed25519 }, { agentSocket })).toMatchObject({ code: 'in' });
  });

  test('with a named identity no other key of the agent is shown to the host', async () => {
    const refused = await login({ identity: makeKey(join(folder, 'unlisted')) }, { agentSocket });
    expect(refused.code).toBe('auth_failed');
    expect(refused.message).not.toContain('agent key');
    expect(refused.log).not.toContain('Accepted');
  });

  test('an agent that is not there is narrated and does not hinder the identity', async () => {
    const got = await login({ identity: keys.ed25519 }, { agentSocket: join(folder, 'no-agent') });
    expect(got.code).toBe('in');
  });

  test('no more keys are offered than a server usually allows', async () => {
    for (let i = 0; i < 8; i++) addToAgent(makeKey(join(folder, `many-${i}`)));
    execFileSync('ssh-add', ['-q', '-d', keys.ecdsa], {
      env: { ...process.env, SSH_AUTH_SOCK: agentSocket },
    });
    execFileSync('ssh-add', ['-q', '-d', locked.ed25519], {
      env: { ...process.env, SSH_AUTH_SOCK: agentSocket },
    });
    const refused = await login({}, { agentSocket });
    expect(refused.code).toBe('auth_failed');
    expect(refused.lines.filter((line) => line.includes('offering'))).toHaveLength(5);
  });
});
