/** Answers `app://desk/…` from the folder of built pages: nothing outside it, each page under the policy. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { contentSecurityPolicy } from '../core/page-policy.ts';

export const pageOrigin = 'app://desk';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

export interface PageAnswer {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

const notFound: PageAnswer = {
  status: 404,
  headers: { 'content-type': 'text/plain' },
  body: Buffer.from('Not found.'),
};

/** The path in `folder` that a URL names; undefined when it is not ours or leads outside. */
export function pagePath(folder: string, address: string): string | undefined {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return undefined;
  }
  if (url.protocol !== 'app:' || url.host !== 'desk') return undefined;
  let name: string;
  try {
    name = decodeURIComponent(url.pathname);
  } catch {
    return undefined;
  }
  if (name.includes('\0') || name.includes('\\')) return undefined;
  const path = normalize(join(folder, name === '/' ? 'index.html' : name.slice(1)));
  return path.startsWith(folder + sep) ? path : undefined;
}

/** Reads the page or asset behind a URL of our own scheme. */
export async function answerPage(folder: string, address: string, method: string): Promise<PageAnswer> {
  const path = method === 'GET' ? pagePath(folder, address) : undefined;
  const body = path === undefined ? undefined : await readFile(path).catch(() => undefined);
  if (path === undefined || body === undefined) return notFound;
  const headers: Record<string, string> = {
    'content-type': types[extname(path)] ?? 'application/octet-stream',
    'x-content-type-options': 'nosniff',
  };
  if (extname(path) !== '.html') return { status: 200, headers, body };
  const nonce = randomBytes(16).toString('base64');
  headers['content-security-policy'] = contentSecurityPolicy(nonce, "'self'");
  const page = body
    .toString('utf8')
    .replace('name="csp-nonce" content=""', `name="csp-nonce" content="${nonce}"`);
  return { status: 200, headers, body: Buffer.from(page) };
}
