/** A Trustee key broker for tests: see the README beside it. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { refusedToken } from './admin-token.ts';
import { answerReference, answerResource, jsonOf, problem, type Reply } from './holdings.ts';
import { type GuestClaims, matches } from './matcher.ts';
import { startTlsServer } from './tls-server.ts';

export interface KbsOptions {
  /** Minor version of Trustee: 14 to 21. */
  minor?: number;
  /** Name in the server's certificate. */
  name?: string;
  /** Admin requests need no token. */
  insecureApi?: boolean;
  /** Called before a request is answered: delay, or write a policy in between. */
  before?: (method: string, path: string) => Promise<void> | void;
  /** Clock of the server, seconds ahead of this machine. */
  clockSkew?: number;
}

export interface TestKbs {
  readonly address: string;
  readonly port: number;
  /** PEM file of the private CA. */
  readonly ca: string;
  /** PEM file of the admin's Ed25519 private key. */
  readonly adminKey: string;
  /** The policy as it lies on the server's disk. */
  policy: string;
  /** What it holds: `repository/type/tag` → bytes. */
  readonly resources: Map<string, Buffer>;
  readonly references: Map<string, unknown>;
  /** `GET /kbs/v0/resource-policy`, newest last. */
  readonly requests: string[];
  /** What is done before the next requests. */
  before: KbsOptions['before'];
  /** A status to answer instead, for every request. */
  failWith: { status: number; body?: string } | undefined;
  /** A guest attests and asks for a resource; answers the status. */
  guestAsks(claims: GuestClaims, path: string): number;
  /** Counters begin at zero again. */
  restart(): void;
  stop(): Promise<void>;
}

const bodyLimit = 2 * 1024 * 1024;
const standard =
  'package policy\n\ndefault allow = false\n\nallow {\n\tnot input["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["sample"]\n}\n';

/** Starts it on a free loopback port; it ends by itself after ten minutes. */
export async function startKbs(options: KbsOptions = {}): Promise<TestKbs> {
  const { minor = 14, name = 'localhost', insecureApi = false, clockSkew = 0 } = options;
  const admin = generateKeyPairSync('ed25519');
  const publicPem = admin.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const counters = new Map<string, number>();
  const count = (metric: string): void => void counters.set(metric, (counters.get(metric) ?? 0) + 1);
  const prefix = minor >= 15 ? 'kbs_' : '';

  const adminError = (request: IncomingMessage): Reply | undefined => {
    if (insecureApi) return undefined;
    const why = refusedToken(
      request.headers.authorization,
      publicPem,
      Date.now() / 1000 + clockSkew,
      minor >= 21,
    );
    return why === undefined ? undefined : problem('AdminAuth', `Admin auth error: ${why}`);
  };

  const setPolicy = (body: Buffer): Reply => {
    const encoded = jsonOf(body)?.['policy'];
    if (typeof encoded !== 'string') return problem('SerdeError', 'serde error');
    if (!/^[\w-]*$/.test(encoded) || Buffer.from(encoded, 'base64url').toString('base64url') !== encoded) {
      return problem('PolicyEngine', 'Policy engine error');
    }
    const text = Buffer.from(encoded, 'base64url').toString('utf8');
    if (!/^package\s+[\w.]+\s*$/m.test(text)) return problem('PolicyEngine', 'Policy engine error');
    kbs.policy = text;
    return { status: 200 };
  };

  const getPolicy = (): Reply => {
    const encoded = Buffer.from(kbs.policy, 'utf8').toString('base64url');
    return minor >= 19
      ? { status: 200, type: 'application/json', body: JSON.stringify({ 'resource-policy': encoded }) }
      : { status: 200, type: 'text/xml', body: encoded };
  };

  const answer = (request: IncomingMessage, body: Buffer): Reply => {
    const { method = 'GET', url = '/' } = request;
    if (body.length > bodyLimit) return { status: 413 };
    if (url === '/metrics') return method === 'GET' ? { status: 200, body: metricsText() } : { status: 405 };
    if (url === '/healthz') return minor >= 21 && method === 'GET' ? { status: 200 } : { status: 404 };
    if (!url.startsWith('/kbs/v0/')) return { status: 404 };
    if (method !== 'GET' && method !== 'POST' && !(method === 'DELETE' && minor >= 20))
      return { status: 405 };
    const path = url.slice('/kbs/v0/'.length);
    if (path === 'auth' && method === 'POST')
      return { status: 200, body: '{}', cookie: `kbs-session-id=${randomUUID()}` };
    if (path === 'attestation-policy' && method === 'POST') {
      return (
        (minor >= 15 ? adminError(request) : undefined) ??
        (jsonOf(body) ? { status: 200 } : problem('SerdeError', 'serde error'))
      );
    }
    if (path === 'resource-policy' && method !== 'DELETE')
      return adminError(request) ?? (method === 'POST' ? setPolicy(body) : getPolicy());
    if (/^reference-value(\/|$)/.test(path) && method !== 'DELETE') {
      const name = decodeURIComponent(path.slice('reference-value/'.length));
      return adminError(request) ?? answerReference(kbs.references, { method, name, body, minor });
    }
    if (path.startsWith('resource/') && method !== 'GET') {
      const name = path.slice('resource/'.length);
      const reply = adminError(request) ?? answerResource(kbs.resources, { method, path: name, body });
      if (reply.status === 200 && method === 'POST')
        count(`${prefix}resource_writes_total{resource_path="${name}"}`);
      return reply;
    }
    // An empty path lists the resources only in releases after v0.21.
    if (path === 'resource' || path.startsWith('resource/'))
      return problem('TokenNotFound', 'Attestation Token not found');
    return problem('PluginNotFound', `Plugin ${path.split('/')[0] ?? ''} not found`, 404);
  };

  const metricsText = (): string => {
    const build = minor >= 15 ? `kbs_build_info{version="0.${minor}.0",git_hash="0",build_date="0"} 1\n` : '';
    const always = `${prefix}attestation_requests_total 0\n`;
    return `${build}${always}${[...counters].map(([metric, value]) => `${metric} ${value}\n`).join('')}`;
  };

  const { folder, ...server } = await startTlsServer(name, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void (async () => {
        const path = request.url ?? '/';
        kbs.requests.push(`${request.method ?? ''} ${path}`);
        await kbs.before?.(request.method ?? '', path);
        const reply: Reply = kbs.failWith ?? answer(request, Buffer.concat(chunks));
        response.writeHead(reply.status, {
          ...(reply.type ? { 'content-type': reply.type } : {}),
          ...(reply.cookie ? { 'set-cookie': reply.cookie } : {}),
        });
        response.end(reply.body ?? '');
      })();
    });
  });
  const adminKey = join(folder, 'admin.pem');
  await writeFile(adminKey, admin.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });

  const kbs: TestKbs = {
    ...server,
    adminKey,
    policy: standard,
    resources: new Map(),
    references: new Map(),
    requests: [],
    before: options.before,
    failWith: undefined,
    guestAsks: (claims, path) => {
      count('kbs_policy_evaluations_total');
      count(`${prefix}attestation_successes_total{tee_type="Snp"}`);
      if (!matches(kbs.policy, claims, path)) {
        count('kbs_policy_violations_total');
        return 401;
      }
      count('kbs_policy_approvals_total');
      count(`${prefix}resource_reads_total{resource_path="${path}"}`);
      return 200;
    },
    restart: () => counters.clear(),
  };
  return kbs;
}
