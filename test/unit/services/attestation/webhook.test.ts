import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settingsSchema } from '../../../../src-main/contract/settings.ts';
import type { Alarm } from '../../../../src-main/domain/attestation/index.ts';
import { createWebhook } from '../../../../src-main/services/attestation/index.ts';
import { freePort } from '../../../lab/ports.ts';

interface Received {
  headers: IncomingMessage['headers'];
  body: string;
}
let server: Server;
let address: string;
let received: Received[];
let answers: (number | 'hang' | 'redirect')[];
beforeEach(async () => {
  received = [];
  answers = [];
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      const answer = answers.shift() ?? 204;
      if (answer === 'hang') return;
      if (answer === 'redirect') response.writeHead(302, { location: '/elsewhere' }).end();
      else response.writeHead(answer).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=very-secret`;
});
afterEach(() => new Promise((resolve) => server.close(resolve) && server.closeAllConnections()));

const chip = 'c1'.repeat(64);
const alarm: Alarm = {
  key: 'failing site-1',
  kind: 'site_failing',
  severity: 'bad',
  site: 'site-1',
  message: `site-1: the chip ${chip} is not that of its host, measurement ${Buffer.alloc(48, 7).toString('base64')}.`,
  hint: 'Find out where the VM runs.',
};
let changes = 0;
const webhook = () =>
  createWebhook({
    post: globalThis.fetch,
    clock: { now: () => Date.parse('2026-06-01T12:00:00Z') },
    onChange: () => (changes += 1),
    pauses: [10, 10],
    answerMs: 200,
  });

describe('an alarm', () => {
  it('is posted as JSON, without chip ids, measurements or anything else of the machine', async () => {
    const hook = webhook();
    await hook.send(address, 'study', alarm);
    expect(received).toHaveLength(1);
    expect(received[0]?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      source: 'flaredesk',
      project: 'study',
      at: '2026-06-01T12:00:00.000Z',
      kind: 'site_failing',
      severity: 'bad',
      site: 'site-1',
      message: 'site-1: the chip masked is not that of its host, measurement masked.',
      hint: 'Find out where the VM runs.',
    });
    expect(hook.state()).toEqual({ state: 'ok', at: Date.parse('2026-06-01T12:00:00Z') });
  });

  it('is tried three times, then given up and told, without the address', async () => {
    const hook = webhook();
    answers = [500, 503, 500];
    const before = changes;
    await hook.send(address, 'study', alarm);
    expect(received).toHaveLength(3);
    expect(hook.state()).toMatchObject({ state: 'failed', message: 'it answered 500' });
    expect(JSON.stringify(hook.state())).not.toContain('secret');
    expect(changes).toBe(before + 1);
    answers = [500, 200];
    await hook.send(address, 'study', alarm);
    expect(received).toHaveLength(5);
    expect(hook.state()?.state).toBe('ok');
  });

  it('is not waited for beyond its time, and not carried elsewhere', async () => {
    const hook = webhook();
    answers = ['hang', 'hang', 'hang'];
    await hook.send(address, 'study', alarm);
    expect(hook.state()).toMatchObject({ state: 'failed', message: 'no answer within 0.2 s' });
    answers = ['redirect', 'redirect', 'redirect'];
    await hook.send(address, 'study', alarm);
    expect(hook.state()?.state).toBe('failed');
    expect(received).toHaveLength(6);
  });

  it('to nobody is a failure in words', async () => {
    const hook = webhook();
    await hook.send(`http://127.0.0.1:${await freePort()}/`, 'study', alarm);
    expect(hook.state()?.state).toBe('failed');
    expect(hook.state()?.message).not.toContain('127.0.0.1');
  });

  it('of a flood does not pile up', async () => {
    const hook = webhook();
    answers = ['hang'];
    const all = Array.from({ length: 80 }, () => hook.send(address, 'study', alarm));
    expect(hook.state()).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('dropped') as string,
    });
    await Promise.all(all);
    expect(received.length).toBeLessThanOrEqual(52);
    hook.dispose();
  });
});

describe('the setting', () => {
  it.each([
    'https://hooks.example.org/x?y=1',
    'https://h:8443/',
    'http://127.0.0.1:9/x',
    'http://localhost',
    'http://[::1]:80/',
    '',
  ])('takes %s', (text) => expect(settingsSchema.parse({ alarm_webhook: text }).alarm_webhook).toBe(text));
  it.each([
    'http://example.org/',
    'ftp://x',
    'https://user:pw@example.org/',
    'https://',
    'http://127.0.0.1.example.org/',
    'file:///etc/passwd',
  ])('refuses %s', (text) => expect(settingsSchema.safeParse({ alarm_webhook: text }).success).toBe(false));
  it('is off by default', () => expect(settingsSchema.parse({}).alarm_webhook).toBe(''));
});
