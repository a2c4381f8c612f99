/** What Electron 22's main process (Node 16) lacks of Node 24 and Electron 45, as far as the product uses it. */
import 'core-js/actual';
import './abort-signal-any.ts';
import { X509Certificate } from 'node:crypto';
import { type Dirent } from 'node:fs';
import os from 'node:os';
import promises, { type FileHandle } from 'node:fs/promises';
import Module from 'node:module';
import { join } from 'node:path';
import { protocol } from 'electron';
import { sqlite } from './sqlite.ts';

// node:sqlite
const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
const load = loader._load.bind(Module);
loader._load = (request, ...rest) => (request === 'node:sqlite' ? sqlite : load(request, ...rest));

// Response, as far as a protocol handler makes one.
class PlainResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
  constructor(body: Uint8Array, options: { status: number; headers: Record<string, string> }) {
    this.body = body;
    this.status = options.status;
    this.headers = options.headers;
  }
}
const world = globalThis as unknown as { Response?: unknown; CustomEvent?: unknown };
world.Response ??= PlainResponse;

class PlainCustomEvent extends Event {
  readonly detail: unknown;
  constructor(type: string, options?: { detail?: unknown }) {
    super(type);
    this.detail = options?.detail ?? null;
  }
}
world.CustomEvent ??= PlainCustomEvent;

type Handler = (request: { url: string; method: string }) => Promise<PlainResponse>;
const older = protocol as unknown as {
  handle?: (scheme: string, handler: Handler) => void;
  registerBufferProtocol(
    scheme: string,
    handler: (
      request: { url: string; method: string },
      answer: (response: {
        statusCode: number;
        headers: Record<string, string>;
        mimeType: string;
        data: Buffer;
      }) => void,
    ) => void,
  ): void;
};
older.handle ??= (scheme, handler) => {
  older.registerBufferProtocol(scheme, (request, answer) => {
    void handler(request).then(({ status, headers, body }) => {
      const type = (headers['content-type'] ?? '').split(';')[0] ?? '';
      answer({ statusCode: status, headers, mimeType: type, data: Buffer.from(body) });
    });
  });
};

// node:fs/promises
const files = promises as unknown as Record<string, unknown>;
files['statfs'] ??= () => Promise.resolve({ bavail: 2 ** 30, bsize: 4096, blocks: 2 ** 30, type: 0 });
const readdir = promises.readdir.bind(promises) as (
  folder: string,
  options?: { recursive?: boolean; withFileTypes?: boolean },
) => Promise<Dirent[]>;
files['readdir'] = async (folder: string, options?: { recursive?: boolean; withFileTypes?: boolean }) => {
  const entries = await readdir(folder, options);
  if (options?.withFileTypes !== true) return entries;
  for (const entry of entries) Object.assign(entry, { parentPath: folder });
  if (options.recursive !== true) return entries;
  const inner = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => promises.readdir(join(folder, entry.name), { recursive: true, withFileTypes: true })),
  );
  return [...entries, ...inner.flat()];
};

// `await using file = await open(…)`
const open = promises.open.bind(promises);
files['open'] = async (...given: Parameters<typeof open>): Promise<FileHandle> => {
  const handle = await open(...given);
  const close = (): Promise<void> => handle.close();
  if (!Reflect.has(handle, Symbol.asyncDispose)) Reflect.set(handle, Symbol.asyncDispose, close);
  return handle;
};

// node:os
const system = os as unknown as { availableParallelism?: () => number };
system.availableParallelism ??= () => os.cpus().length;

// node:crypto
for (const [date, text] of [
  ['validFromDate', 'validFrom'],
  ['validToDate', 'validTo'],
] as const) {
  Object.defineProperty(X509Certificate.prototype, date, {
    configurable: true,
    get(this: X509Certificate) {
      return new Date(this[text]);
    },
  });
}
