/** What Electron 22's main process (Node 16) lacks of Node 24 and Electron 45, as far as the product uses it. */
import 'core-js/actual';
import './abort-signal-any.ts';
import { X509Certificate } from 'node:crypto';
import { type Dirent } from 'node:fs';
import os from 'node:os';
import promises, { type FileHandle } from 'node:fs/promises';
import Module from 'node:module';
import { join } from 'node:path';
import zlib from 'node:zlib';
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

// Node 16 tells the names of a certificate as lines, later ones as an object.
const namesOf = (lines: string): Record<string, string | string[]> => {
  const names: Record<string, string | string[]> = {};
  for (const line of lines.split('\n').filter((text) => text.includes('='))) {
    const [key, value] = [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)];
    names[key] = key in names ? [names[key] ?? [], value].flat() : value;
  }
  return names;
};
// eslint-disable-next-line @typescript-eslint/unbound-method -- bound to each certificate below
const toLegacyObject = X509Certificate.prototype.toLegacyObject;
X509Certificate.prototype.toLegacyObject = function legacy(this: X509Certificate) {
  const plain = toLegacyObject.call(this) as unknown as Record<string, unknown>;
  for (const key of ['subject', 'issuer']) {
    if (typeof plain[key] === 'string') plain[key] = namesOf(plain[key]);
  }
  return plain as unknown as ReturnType<typeof toLegacyObject>;
};

// node:zlib
const crcTable = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});
const checksums = zlib as unknown as { crc32?: (data: Uint8Array, before?: number) => number };
checksums.crc32 ??= (data, before = 0) => {
  let value = ~before;
  for (const byte of data) value = (crcTable[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return ~value >>> 0;
};
