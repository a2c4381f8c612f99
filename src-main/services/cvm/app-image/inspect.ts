/**
 * Looks into a saved application image without Docker: `docker save` of any age and OCI layouts, packed or not. The archive is
 * read once from end to end; nothing is unpacked to the disk.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { PassThrough, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { z } from 'zod';
import { DeskError } from '../../../contract/errors.ts';
import type { AppImageFacts } from '../../../domain/cc/app-image.ts';
import type { ReportProgress } from '../../../ports.ts';

const mostJson = 4 * 1024 * 1024;
const mostEntries = 100_000;

/** What one blob of the archive turned out to be. */
type Blob =
  | { kind: 'json'; text: string }
  | { kind: 'layer'; bytes: number; unpacked: number; added: Versions; removed: string[] }
  | { kind: 'other'; bytes: number };
type Versions = Partial<Record<'nvflare' | 'gpuSdk' | 'python', string>>;

const manifestSchema = z
  .array(
    z.object({
      Config: z.string(),
      RepoTags: z.array(z.string()).nullish(),
      Layers: z.array(z.string()).min(1),
    }),
  )
  .min(1);
const descriptor = z.object({
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  mediaType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  platform: z.object({ architecture: z.string().optional() }).optional(),
});
const indexSchema = z.object({ manifests: z.array(descriptor).min(1) });
const ociManifestSchema = z.object({ config: descriptor, layers: z.array(descriptor) });
const configSchema = z.object({
  created: z.string().optional(),
  architecture: z.string().optional(),
  os: z.string().optional(),
  config: z
    .object({
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
    })
    .nullish(),
  history: z
    .array(z.object({ created_by: z.string().optional(), empty_layer: z.boolean().optional() }))
    .nullish(),
});

/**
 * Reads an archive. Throws `not_found`; `integrity` for one that is cut short, damaged, holds links, special files or paths that lead
 * out of it, or lacks what its own manifest names; `invalid_input` for what is no saved image; `cancelled`.
 */
export async function inspectAppImage(
  archive: string,
  { signal, report }: { signal?: AbortSignal; report?: ReportProgress } = {},
): Promise<AppImageFacts> {
  const total = await sizeOf(archive);
  const blobs = new Map<string, Blob>();
  const hash = createHash('sha256');
  let done = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      hash.update(chunk);
      done += chunk.length;
      report?.({ step: 'read', done, total, unit: 'bytes' });
      next(null, chunk);
    },
  });
  const bad = (what: string, hint = 'Save it again: docker save IMAGE | gzip > FILE') =>
    new DeskError('integrity', `${archive}: ${what}.`, { hint });
  try {
    await pipeline(createReadStream(archive), counted, await unpacker(archive), tarReader(blobs, bad), {
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (error instanceof DeskError) throw error;
    if (signal?.aborted === true) throw new DeskError('cancelled', 'Cancelled.');
    throw bad(`it is cut short or damaged (${(error as Error).message})`);
  }
  return factsOf(blobs, { bytes: total, sha256: hash.digest('hex') }, archive, bad);
}

async function sizeOf(archive: string): Promise<number> {
  try {
    const found = await stat(archive);
    if (found.isFile()) return found.size;
  } catch (error) {
    throw new DeskError(
      'not_found',
      `${archive} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      {
        hint: 'Name the file that docker save made.',
        cause: error,
      },
    );
  }
  throw new DeskError('invalid_input', `${archive} is no file.`, {
    hint: 'Name the file that docker save made.',
  });
}

async function firstBytes(archive: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(archive, { end: 1 })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function unpacker(archive: string): Promise<Transform> {
  return isGzip(await firstBytes(archive)) ? createGunzip() : new PassThrough();
}

const isGzip = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

function refusal({ name, type }: Header): string | undefined {
  if (name.startsWith('/') || name.split('/').includes('..'))
    return `it holds the path ${name}, which leads out of it`;
  if (type === 'symlink' || type === 'link')
    return `${name} is a link (docker save of old versions makes them for layers that come twice)`;
  if (type !== 'file' && type !== 'contiguous-file' && type !== 'directory')
    return `${name} is a special file`;
  return undefined;
}

function tarReader(blobs: Map<string, Blob>, bad: (what: string) => DeskError) {
  const tar = extract();
  let count = 0;
  tar.on('entry', (header, stream, next) => {
    const wrong = refusal(header) ?? (++count > mostEntries ? 'it holds too many files' : undefined);
    if (wrong !== undefined) {
      // The entry falls with its archive.
      stream.on('error', () => undefined);
      tar.destroy(bad(wrong));
      return;
    }
    if (header.type === 'directory') {
      stream.on('end', next);
      stream.resume();
      return;
    }
    readBlob(stream as unknown as AsyncIterable<Buffer>, header.size ?? 0).then(
      (blob) => {
        blobs.set(header.name.replace(/^\.\//, ''), blob);
        next();
      },
      (error: Error) => tar.destroy(bad(`${header.name} is cut short or damaged (${error.message})`)),
    );
  });
  return tar;
}

async function readBlob(stream: AsyncIterable<Buffer>, size: number): Promise<Blob> {
  const chunks: Buffer[] = [];
  let held = 0;
  const iterator = stream[Symbol.asyncIterator]();
  while (held < 512) {
    const item = await iterator.next();
    if (item.done === true) break;
    chunks.push(item.value);
    held += item.value.length;
  }
  const head = Buffer.concat(chunks);
  const rest = async function* () {
    yield head;
    for (;;) {
      const item = await iterator.next();
      if (item.done === true) return;
      yield item.value;
    }
  };
  if (isGzip(head) || head.toString('latin1', 257, 262) === 'ustar')
    return readLayer(rest(), size, isGzip(head));
  if (size <= mostJson && /^\s*[[{]/.test(head.toString('latin1', 0, 64))) {
    const all: Buffer[] = [];
    for await (const chunk of rest()) all.push(chunk);
    return { kind: 'json', text: Buffer.concat(all).toString('utf8') };
  }
  // Read to its end: the next entry comes after it.
  let isEmpty = true;
  for await (const chunk of rest()) isEmpty &&= chunk.every((byte) => byte === 0);
  // A layer without files is an empty tar: only zero bytes.
  if (size > 0 && size % 512 === 0 && isEmpty)
    return { kind: 'layer', bytes: size, unpacked: 0, added: {}, removed: [] };
  return { kind: 'other', bytes: size };
}

const packageFolders: readonly [keyof Versions, RegExp][] = [
  ['nvflare', /\/(?:site|dist)-packages\/(?:\.wh\.)?nvflare-([^/-]+)\.dist-info(?:\/|$)/i],
  ['gpuSdk', /\/(?:site|dist)-packages\/(?:\.wh\.)?nv_attestation_sdk-([^/-]+)\.dist-info(?:\/|$)/i],
  ['python', /\/lib\/python(\d+\.\d+)\/(?:site|dist)-packages\//],
];

async function readLayer(content: AsyncIterable<Buffer>, bytes: number, isPacked: boolean): Promise<Blob> {
  const layer = {
    kind: 'layer' as const,
    bytes,
    unpacked: 0,
    added: {} as Versions,
    removed: [] as string[],
  };
  const tar = extract();
  tar.on('entry', ({ name, size = 0, type }, stream, next) => {
    if (type === 'file') layer.unpacked += size;
    const path = `/${name}`;
    for (const [what, form] of packageFolders) {
      const version = form.exec(path)?.[1];
      if (version === undefined) continue;
      if (path.includes('/.wh.')) layer.removed.push(`${what} ${version}`);
      else layer.added[what] = version;
    }
    stream.on('end', next);
    stream.resume();
  });
  await pipeline(content, isPacked ? createGunzip() : new PassThrough(), tar);
  return layer;
}

function parse<Value>(blob: Blob | undefined, schema: z.ZodType<Value>): Value | undefined {
  if (blob?.kind !== 'json') return undefined;
  try {
    return schema.safeParse(JSON.parse(blob.text)).data;
  } catch {
    return undefined;
  }
}

const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

interface Parts {
  format: AppImageFacts['format'];
  config: string;
  layers: string[];
  tags: string[];
}

function partsOf(blobs: ReadonlyMap<string, Blob>, archive: string): Parts {
  const manifest = parse(blobs.get('manifest.json'), manifestSchema);
  if (manifest?.[0]) {
    if (manifest.length > 1)
      throw new DeskError('invalid_input', `${archive} holds ${manifest.length} images.`, {
        hint: 'Save one image alone.',
      });
    const [{ Config: config, Layers: layers, RepoTags: tags }] = manifest;
    return { format: 'docker', config, layers, tags: tags ?? [] };
  }
  const index = parse(blobs.get('index.json'), indexSchema);
  const entry =
    index?.manifests.find(({ platform }) => platform?.architecture === 'amd64') ?? index?.manifests[0];
  const inner = entry && (parse(blobs.get(blobPath(entry.digest)), indexSchema)?.manifests[0] ?? entry);
  const oci = inner && parse(blobs.get(blobPath(inner.digest)), ociManifestSchema);
  if (entry && oci)
    return {
      format: 'oci',
      config: blobPath(oci.config.digest),
      layers: oci.layers.map(({ digest }) => blobPath(digest)),
      tags: Object.entries(entry.annotations ?? {}).flatMap(([key, value]) =>
        key === 'org.opencontainers.image.ref.name' ? [value] : [],
      ),
    };
  throw new DeskError(
    'invalid_input',
    `${archive} is no saved image: it has neither manifest.json nor an OCI index.`,
    {
      hint: 'Make it with: docker save IMAGE | gzip > FILE (not docker export)',
    },
  );
}

function factsOf(
  blobs: ReadonlyMap<string, Blob>,
  file: { bytes: number; sha256: string },
  archive: string,
  bad: (what: string) => DeskError,
): AppImageFacts {
  const parts = partsOf(blobs, archive);
  const configBlob = blobs.get(parts.config);
  const config = parse(configBlob, configSchema);
  if (configBlob?.kind !== 'json' || config === undefined)
    throw bad(`its configuration ${parts.config} is missing or damaged`);
  const id = createHash('sha256').update(configBlob.text).digest('hex');
  const named = /([0-9a-f]{64})/.exec(parts.config)?.[1];
  if (named !== undefined && named !== id)
    throw bad('its configuration was changed: the hash does not fit its name');
  const commands = (config.history ?? []).filter(({ empty_layer }) => empty_layer !== true);
  const found: Versions = {};
  const layers: AppImageFacts['layers'] = [];
  let unpackedBytes = 0;
  for (const [index, name] of parts.layers.entries()) {
    const layer = blobs.get(name);
    if (layer?.kind !== 'layer')
      throw bad(`its layer ${name} is ${layer === undefined ? 'missing' : 'no layer'}`);
    for (const gone of layer.removed) {
      const [what = '', version] = gone.split(' ') as [keyof Versions, string];
      if (found[what as keyof Versions] === version) delete found[what as keyof Versions];
    }
    Object.assign(found, layer.added);
    unpackedBytes += layer.unpacked;
    const createdBy = commands.length === parts.layers.length ? commands[index]?.created_by : undefined;
    layers.push({
      digest: /([0-9a-f]{64})/.exec(name)?.[1] ?? name,
      bytes: layer.bytes,
      ...(createdBy === undefined ? {} : { createdBy }),
    });
  }
  return {
    format: parts.format,
    tags: parts.tags,
    id,
    ...(config.created === undefined ? {} : { created: config.created }),
    ...(config.architecture === undefined ? {} : { architecture: config.architecture }),
    ...(config.os === undefined ? {} : { os: config.os }),
    entrypoint: config.config?.Entrypoint ?? [],
    command: config.config?.Cmd ?? [],
    layers,
    unpackedBytes,
    ...file,
    ...found,
  };
}
