/** Serves the built pages to a browser that holds the session: files of one folder, each page under a strict policy. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { contentSecurityPolicy } from '../core/page-policy.ts';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};
const cookieName = 'flaredesk_session';

/** Compares without telling by its time how much was right. */
const same = (given: string, wanted: string): boolean => {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
};

/** Undefined for a path whose percent signs mean nothing. */
const decoded = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
};

const plain = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
  response.end(`${text}\n`);
};

export interface PageServer {
  /** Goes into the printed address; works once. */
  token: string;
  hasSession(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** `hostAllowed` says whether the request was addressed to this server by a loopback name. */
export function createPageServer(
  pages: string,
  hostAllowed: (request: IncomingMessage) => boolean,
): PageServer {
  const token = randomBytes(24).toString('base64url');
  const session = randomBytes(32).toString('base64url');
  let used = false;

  const hasSession = (request: IncomingMessage): boolean =>
    (request.headers.cookie ?? '')
      .split(';')
      .map((part) => part.trim().split('='))
      .some(([name, value]) => name === cookieName && value !== undefined && same(value, session));

  const login = (given: string, response: ServerResponse): void => {
    if (used || !same(given, token)) {
      return plain(
        response,
        403,
        'That token was used already or is wrong. Start `flaredesk serve` again for a new one.',
      );
    }
    used = true;
    response.writeHead(303, {
      location: '/',
      'set-cookie': `${cookieName}=${session}; HttpOnly; SameSite=Strict; Path=/`,
      'referrer-policy': 'no-referrer',
    });
    response.end();
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!hostAllowed(request)) return plain(response, 403, 'This address is not served here.');
    if (request.method !== 'GET') return plain(response, 405, 'Only GET is served.');
    const url = new URL(request.url ?? '/', 'http://localhost');
    const given = url.searchParams.get('token');
    if (given !== null) return login(given, response);
    if (!hasSession(request)) return plain(response, 403, 'Open the address that `flaredesk serve` printed.');
    const name = url.pathname === '/' ? 'index.html' : decoded(url.pathname)?.slice(1);
    if (name === undefined) return plain(response, 404, 'Not found.');
    const path = normalize(join(pages, name));
    if (!path.startsWith(pages + sep)) return plain(response, 404, 'Not found.');
    const body = await readFile(path).catch(() => undefined);
    if (body === undefined) return plain(response, 404, 'Not found.');
    const headers: Record<string, string> = {
      'content-type': types[extname(path)] ?? 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': name === 'index.html' ? 'no-store' : 'private, max-age=31536000, immutable',
    };
    if (name !== 'index.html') {
      response.writeHead(200, headers);
      response.end(body);
      return;
    }
    const nonce = randomBytes(16).toString('base64');
    headers['content-security-policy'] = contentSecurityPolicy(nonce, `ws://${request.headers.host ?? ''}`);
    response.writeHead(200, headers);
    response.end(
      body.toString('utf8').replace('name="csp-nonce" content=""', `name="csp-nonce" content="${nonce}"`),
    );
  };

  return { token, hasSession, handle };
}
