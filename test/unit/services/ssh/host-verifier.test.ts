/** ssh2's own server counts what reaches it: only an explicit yes lets a login attempt out. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeVerifier } from '../../../../src-main/services/ssh/host-verifier.ts';
import { connect } from '../../../../src-main/services/ssh/index.ts';
import { makeKey } from '../../../lab/sshd.ts';

const folder = mkdtempSync(join(tmpdir(), 'flaredesk-verifier-'));
const hostKey = makeKey(join(folder, 'host'));
const identity = makeKey(join(folder, 'identity'));
let attempts = 0;
let port = 0;
const server = new ssh2.Server({ hostKeys: [readFileSync(hostKey)] }, (client) => {
  client.on('error', () => undefined);
  client.on('authentication', (context) => {
    attempts++;
    context.accept();
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
beforeEach(() => {
  attempts = 0;
  rmSync(join(folder, 'known_hosts'), { force: true });
});
afterAll(async () => {
  await new Promise<void>((resolve) => server.close(() => resolve()));
  rmSync(folder, { recursive: true, force: true });
});

type Ask = (() => Promise<boolean>) | undefined;
const through = (ask: Ask) =>
  connect(
    { host: '127.0.0.1', port, identity },
    {
      home: folder,
      auth: { defaultUser: 'someone' },
      hostKeys: { ownFile: join(folder, 'known_hosts'), readFiles: [], ...(ask ? { ask } : {}) },
    },
  );
const answer = (value: unknown) => () => Promise.resolve(value as boolean);

describe('through connect', () => {
  test.each<[string, Ask]>([
    ['nobody to ask', undefined],
    ['false at once', (() => false) as unknown as Ask],
    ['a promise of false', answer(false)],
    ['a promise that fails', () => Promise.reject(new Error('asker broke'))],
    [
      'a throw',
      () => {
        throw new Error('asker broke');
      },
    ],
    ['false later', () => new Promise((resolve) => setTimeout(() => resolve(false), 50))],
    ['undefined', answer(undefined)],
    ['null', answer(null)],
    ['1', answer(1)],
    ['"yes"', answer('yes')],
    ['an object', answer({ accept: true })],
  ])('%s: refused, and no login attempt is sent', async (_name, ask) => {
    await expect(through(ask)).rejects.toMatchObject({
      code: 'host_key_unknown',
      message: expect.stringContaining('SHA256:') as string,
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(attempts).toBe(0);
  });

  test('true: connected, and the key is known from then on', async () => {
    const first = await through(answer(true));
    expect(attempts).toBeGreaterThan(0);
    first.close();
    const second = await through(undefined);
    second.close();
  });

  test('true, later', async () => {
    const connection = await through(() => new Promise((resolve) => setTimeout(() => resolve(true), 50)));
    connection.close();
    expect(attempts).toBeGreaterThan(0);
  });

  test('a cancel while a person thinks ends at once', async () => {
    const cancel = new AbortController();
    const asked = connect(
      { host: '127.0.0.1', port, identity },
      {
        home: folder,
        auth: { defaultUser: 'someone' },
        hostKeys: {
          ownFile: join(folder, 'known_hosts'),
          readFiles: [],
          ask: () => new Promise(() => undefined),
        },
        signal: cancel.signal,
      },
    );
    const began = performance.now();
    setTimeout(() => cancel.abort(), 50);
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
    expect(performance.now() - began).toBeLessThan(1000);
    expect(attempts).toBe(0);
  });
});

describe('the verifier alone', () => {
  const key = Buffer.from('key');
  const ask = (trust: () => unknown, deadlineMs = 1000) =>
    new Promise<{ permitted: unknown; refused: unknown }>((resolve) => {
      let refused: unknown;
      const verifier = makeVerifier(trust as () => boolean, {
        deadlineMs,
        refused: (reason) => {
          refused = reason;
        },
      });
      const given: unknown = verifier(key, (permitted) => resolve({ permitted, refused }));
      expect(given).toBeUndefined();
    });

  test('no answer in time means no, and a late yes changes nothing', async () => {
    let late: ((value: boolean) => void) | undefined;
    const trust = () => new Promise<boolean>((resolve) => (late = resolve));
    expect(await ask(trust, 20)).toMatchObject({ permitted: false });
    late?.(true);
  });

  test('true only', async () => {
    expect(await ask(() => true)).toEqual({ permitted: true, refused: undefined });
    expect(await ask(() => Promise.resolve('true'))).toMatchObject({ permitted: false });
  });

  test('another key within the same connection is refused without asking again', async () => {
    let asked = 0;
    const verifier = makeVerifier(
      () => {
        asked++;
        return true;
      },
      { deadlineMs: 1000, refused: () => undefined },
    );
    const seen = (blob: string) =>
      new Promise((resolve) => verifier(Buffer.from(blob), (permitted) => resolve(permitted)));
    expect(await seen('one')).toBe(true);
    expect(await seen('one')).toBe(true);
    expect(await seen('two')).toBe(false);
    expect(asked).toBe(1);
  });
});
