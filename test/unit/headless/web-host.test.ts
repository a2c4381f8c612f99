import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Core } from '../../../src-main/core.ts';
import { startWebHost, type WebHost } from '../../../src-main/headless/web-host.ts';

let folder: string;
let host: WebHost;
let port: string;
let token: string;

const core = {
  clientFor: () => ({ call: (name: string) => Promise.resolve({ ok: true, value: name }) }),
  places: { pathOf: () => undefined },
} as unknown as Core;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pages-'));
  await mkdir(join(folder, 'pages/assets'), { recursive: true });
  await writeFile(join(folder, 'pages/index.html'), '<meta name="csp-nonce" content=""><p>page</p>');
  await writeFile(join(folder, 'pages/assets/a.js'), 'void 0;');
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await mkdir(join(folder, 'pages-other'));
  await writeFile(join(folder, 'pages-other/b.txt'), 'secret');
  host = await startWebHost({ core, pages: join(folder, 'pages'), port: 0 });
  const url = new URL(host.url);
  port = url.port;
  token = url.searchParams.get('token') ?? '';
});
afterEach(async () => {
  await host.close();
  await rm(folder, { recursive: true, force: true });
});

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  text: string;
}

/** A request whose path is sent as written: `fetch` would tidy it. */
const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    sent.on('error', reject);
    sent.end();
  });

async function login(): Promise<{ cookie: string }> {
  const answer = await get(`/?token=${token}`);
  return { cookie: answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '' };
}

describe('the way in', () => {
  it('is the token, once; the session stands in a cookie no script reads and no other site sends', async () => {
    const first = await get(`/?token=${token}`);
    expect(first.status).toBe(303);
    expect(first.headers.location).toBe('/');
    expect(first.headers['set-cookie']?.[0]).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
    expect(first.headers['set-cookie']?.[0]).not.toContain(token);
    const second = await get(`/?token=${token}`);
    expect(second.status).toBe(403);
    expect(second.headers['set-cookie']).toBeUndefined();
  });

  it('is closed without it', async () => {
    for (const headers of [
      { cookie: '' },
      { cookie: 'flaredesk_session=guess' },
      { cookie: 'flaredesk_session' },
    ]) {
      for (const path of ['/', '/assets/a.js', '/secret.txt'])
        expect((await get(path, headers)).status).toBe(403);
    }
    expect((await get('/?token=guess')).status).toBe(403);
    expect((await get('/?token=')).status).toBe(403);
    // A wrong guess does not use the token up.
    expect((await get(`/?token=${token}`)).status).toBe(303);
  });

  it('is closed to another host name, also with a session', async () => {
    const { cookie } = await login();
    for (const name of ['evil.example', `evil.example:${port}`, '127.0.0.1:1', '127.0.0.1']) {
      expect((await get('/', { cookie, host: name })).status).toBe(403);
    }
    expect((await get('/', { cookie, host: `localhost:${port}` })).status).toBe(200);
  });

  it('takes nothing but GET', async () => {
    const session = await login();
    for (const method of ['POST', 'PUT', 'DELETE', 'HEAD'])
      expect((await get('/', session, method)).status).toBe(405);
  });
});

describe('what is served', () => {
  it('is the page under its policy with a nonce of its own', async () => {
    const session = await login();
    const answers = [await get('/', session), await get('/', session)];
    const nonces = answers.map(({ text }) => /csp-nonce" content="([^"]+)"/.exec(text)?.[1]);
    expect(nonces[0]).not.toBe(nonces[1]);
    const policy = answers[0]?.headers['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain(`'nonce-${nonces[0]}'`);
    expect(policy).toContain(`connect-src ws://127.0.0.1:${port};`);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(answers[0]?.headers['cache-control']).toBe('no-store');
    expect(answers[0]?.headers['x-content-type-options']).toBe('nosniff');
    expect(await get('/assets/a.js', session)).toMatchObject({ status: 200, text: 'void 0;' });
  });

  it.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/..%2fpages-other%2fb.txt',
    '/..%5csecret.txt',
    '/%00',
    '/%zz',
    '//evil.example/x',
    '/assets',
    '/nothing.js',
  ])('is nothing beside the pages: %s', async (path) => {
    const answer = await get(path, await login());
    expect(answer.status).toBe(404);
    expect(answer.text).not.toContain('secret');
  });
});

describe('the web socket', () => {
  const connect = (path: string, headers: Record<string, string>): Promise<number | WebSocket> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      socket.on('error', () => undefined);
      socket.on('open', () => resolve(socket));
    });
  const own = () => ({ origin: `http://127.0.0.1:${port}` });

  it('is refused without a session, from another origin, for another host and at another address', async () => {
    const session = await login();
    expect(await connect('/contract', own())).toBe(403);
    expect(await connect('/contract', session)).toBe(403);
    expect(await connect('/contract', { ...session, origin: 'http://evil.example' })).toBe(403);
    expect(await connect('/contract', { ...session, origin: 'null' })).toBe(403);
    expect(
      await connect('/contract', { ...session, host: 'evil.example', origin: 'http://evil.example' }),
    ).toBe(403);
    expect(await connect('/other', { ...session, ...own() })).toBe(403);
  });

  it('answers its page, asks it, and closes on what is not JSON', async () => {
    await expect(host.ask('prompts.confirm', {}, new AbortController().signal)).rejects.toThrow(
      'No page is open',
    );
    const socket = await connect('/contract', { ...(await login()), ...own() });
    if (typeof socket === 'number') throw new Error(`refused with ${socket}`);
    const next = (): Promise<unknown> =>
      new Promise((resolve) =>
        socket.once('message', (data) => resolve(JSON.parse((data as Buffer).toString()))),
      );
    const answer = next();
    socket.send(JSON.stringify({ kind: 'call', id: 1, name: 'diagnostics.about', payload: {} }));
    expect(await answer).toEqual({
      kind: 'answer',
      id: 1,
      envelope: { ok: true, value: 'diagnostics.about' },
    });
    const prompt = next();
    const asked = host.ask('prompts.confirm', { question: 'Go?' }, new AbortController().signal);
    expect(await prompt).toMatchObject({ kind: 'prompt', prompt: { question: { question: 'Go?' } } });
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    const gone = expect(asked).rejects.toThrow('The window is gone.');
    socket.send('{not json');
    expect(await closed).toBe(1007);
    await gone;
  });
});
