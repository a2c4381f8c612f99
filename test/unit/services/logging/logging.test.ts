import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { generateKeyPairSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDeferredLogger,
  createFileLogger,
  redact,
  redactText,
} from '../../../../src-main/services/logging/index.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const middle = privateKey.split('\n')[5] ?? '';

describe('redaction', () => {
  it.each([
    ['a PEM block', `before ${privateKey} after`],
    ['a PEM block as JSON text', JSON.stringify({ text: privateKey })],
    ['a PEM block cut short', privateKey.slice(0, 600)],
    ['base64 without its frame', privateKey.split('\n').slice(1, 9).join('')],
  ])('takes out %s', (_what, text) => {
    expect(redactText(text)).not.toContain(middle);
  });

  it('leaves the text around a secret', () => {
    expect(redactText(`before ${privateKey} after`)).toBe('before [redacted]\n after');
    expect(redactText('login token: abcdef-123 ok')).toBe('login token: [redacted] ok');
  });

  it.each([
    ['passphrase=hunter2', 'hunter2'],
    ['password: "hunter2"', 'hunter2'],
    ['{"token":"5f0c-77"}', '5f0c-77'],
    ['ssid=9d2f77aa', '9d2f77aa'],
    ['Authorization: Bearer abc.def-ghi_jkl', 'abc.def-ghi_jkl'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.sig', 'eyJzdWIiOiJ4In0'],
  ])('takes the secret out of %s', (text, secret) => {
    expect(redactText(text)).not.toContain(secret);
  });

  it.each([
    ['passphrase=two words', 'passphrase=[redacted]'],
    ['passphrase: two "odd" words\nthe next line', 'passphrase: [redacted]\nthe next line'],
    ['wrong passphrase=two words, user=ada', 'wrong passphrase=[redacted], user=ada'],
    ['password=two words&user=ada', 'password=[redacted]&user=ada'],
    ['secret = two words; user=ada', 'secret = [redacted]; user=ada'],
    ['passphrase="two \\"odd\\", words" site=a', 'passphrase="[redacted]" site=a'],
    ["{'password': 'two, words', 'user': 'ada'}", "{'password': '[redacted]', 'user': 'ada'}"],
    [
      String.raw`{"text":"{\"password\":\"two words\",\"a\":1}"}`,
      String.raw`{"text":"{\"password\":\"[redacted]\",\"a\":1}"}`,
    ],
    [
      '{"message":"with passphrase=two words","site":"a"}',
      '{"message":"with passphrase=[redacted]","site":"a"}',
    ],
    ['passphrase="never closed words', 'passphrase="[redacted]'],
    ['grep passphrase=two words\\nuser=ada', 'grep passphrase=[redacted]\\nuser=ada'],
    ['PASSWD: ö ü', 'PASSWD: [redacted]'],
  ])('takes all of %j, and no more', (text, left) => {
    expect(redactText(text)).toBe(left);
    // What was redacted once may pass again on its way into a bundle.
    expect(redactText(left)).toBe(left);
  });

  it('leaves none of a passphrase, whatever it is made of', () => {
    const word = fc.stringMatching(/^[a-z0-9!#$%()*+.:<>?@^_~-]{8,12}$/);
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('="', ': ', '=', "='"),
        (words, sign) => {
          const quote = /["']/.exec(sign)?.[0] ?? '';
          const text = redactText(`open with passphrase${sign}${words.join(' ')}${quote}`);
          for (const one of words) expect(text).not.toContain(one);
        },
      ),
    );
  });

  it.each([
    'SHA256:AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/ABCDE is not known',
    '/srv/projects/a-long-name/workspace/another-long-name/prod_00/admin@hospital.example.org/startup/fed_admin.json',
    '7F:77:F5:5D:45:A7:53:80:D9:C4:C1:86:FD:8F:AE:5C:06:88:99:7A:66:F2:1F:68:98:2D:D7:23:F7:60:23:B7',
    'The step failed on site-1: connection refused (127.0.0.1:8002).',
  ])('leaves what people need: %s', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('goes by the name of the key, whatever the value looks like', () => {
    const secrets = {
      passphrase: 'a',
      password: ['b'],
      accessToken: { deep: 'c' },
      privateKey: 'd',
      private_key: 'e',
      clientSecret: 'f',
      authorization: 'g',
    };
    for (const [key, value] of Object.entries(redact({ list: [secrets] }) as { list: object[] }).flatMap(
      ([, list]) => Object.entries(list[0] ?? {}),
    )) {
      expect(value, key).toBe('[redacted]');
    }
  });

  it('says only the length of bytes, and does not run forever', () => {
    const cyclic: Record<string, unknown> = { bytes: Buffer.from('secret') };
    cyclic['self'] = cyclic;
    const text = JSON.stringify(redact(cyclic));
    expect(text).toContain('[6 bytes]');
    expect(text).not.toContain('secret');
  });

  it('takes secrets out of errors and their causes', () => {
    const error = new Error(`cannot read ${privateKey}`, { cause: new Error(`because ${privateKey}`) });
    expect(JSON.stringify(redact(error))).not.toContain(middle);
  });

  it('answers something JSON can hold for anything', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true }), (value) => {
        JSON.stringify(redact(value));
      }),
    );
  });
});

describe('the log file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'core-log-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const logger = (more: { maxBytes?: number; level?: 'info' | 'error' } = {}) =>
    createFileLogger({
      folder,
      level: 'info',
      maxBytes: 1_000_000,
      maxFiles: 3,
      clock: { now: () => 0 },
      ...more,
    });

  it('holds JSON lines for its owner alone, without secrets', async () => {
    logger().info(`login with ${privateKey}`, { passphrase: 'hunter2', site: 'site-1' });
    const text = await readFile(join(folder, 'flaredesk.log'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({
      level: 'info',
      data: { passphrase: '[redacted]', site: 'site-1' },
    });
    expect(text).not.toContain(middle);
    expect((await stat(join(folder, 'flaredesk.log'))).mode & 0o777).toBe(0o600);
  });

  it('leaves out what is below its level', async () => {
    const log = logger({ level: 'error' });
    log.info('quiet');
    log.error('loud');
    expect((await readFile(join(folder, 'flaredesk.log'), 'utf8')).trimEnd().split('\n')).toHaveLength(1);
  });

  it('never grows beyond its files', async () => {
    const log = logger({ maxBytes: 2000 });
    for (let index = 0; index < 500; index += 1) log.info(`line ${index}`, { filler: 'x '.repeat(20) });
    const names = (await readdir(folder)).sort();
    expect(names).toEqual(['flaredesk.log', 'flaredesk.log.1', 'flaredesk.log.2']);
    for (const name of names) expect((await stat(join(folder, name))).size).toBeLessThanOrEqual(2000);
    expect(await readFile(join(folder, 'flaredesk.log'), 'utf8')).toContain('line 499');
  });

  it('cuts one huge line', async () => {
    logger().info('huge', { text: 'word '.repeat(100_000) });
    expect((await stat(join(folder, 'flaredesk.log'))).size).toBeLessThan(10_000);
  });

  it('never throws', async () => {
    await writeFile(join(folder, 'file'), '');
    createFileLogger({
      folder: join(folder, 'file'),
      level: 'info',
      maxBytes: 10,
      maxFiles: 2,
      clock: { now: () => 0 },
    }).error('x');
    await chmod(folder, 0o700);
  });
});

describe('a deferred logger', () => {
  it('keeps the order of lines said before it was ready', async () => {
    const seen: string[] = [];
    const note = (message: string) => void seen.push(message);
    let made = 0;
    const logger = createDeferredLogger(async () => {
      made += 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
      return { debug: note, info: note, warn: note, error: note };
    });
    logger.info('one');
    logger.error('two');
    expect(seen).toEqual([]);
    await logger.flushed();
    logger.debug('three');
    await logger.flushed();
    expect({ seen, made }).toEqual({ seen: ['one', 'two', 'three'], made: 1 });
  });
});
