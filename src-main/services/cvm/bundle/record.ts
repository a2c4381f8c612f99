/** The hand-over record of a bundle: `<site>.bundle.json` beside the archive, one form only, so that every byte counts. */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { DeskError } from '../../../contract/errors.ts';
import { fileError } from './source.ts';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const base64 = z
  .string()
  .max(65_536)
  .regex(/^[A-Za-z0-9+/]+=*$/);
const fileSchema = z.strictObject({
  name: z.string().min(1).max(255),
  size: z.int().nonnegative(),
  sha256: hex64,
});

const recordFormat = 'flaredesk.bundle/1';

const bodySchema = z.strictObject({
  format: z.literal(recordFormat),
  participant: z.string().min(1).max(255),
  bundle: z.string().min(1).max(255),
  /** FLARE line of the kit inside. */
  flare: z.string().nullable(),
  /** SHA-256 of the project's root certificate: `AB:CD:…`. */
  root_fingerprint: z.string().nullable(),
  created_at: z.iso.datetime(),
  /** Null for a record over an unpacked folder. */
  archive: fileSchema.extend({ modified: z.iso.datetime() }).nullable(),
  /** By name. */
  files: z.array(fileSchema).min(1).max(100),
  vm_id: z.string().nullable(),
  measurement: z.discriminatedUnion('computed', [
    z.strictObject({
      computed: z.literal(true),
      plain: z.string().regex(/^[0-9a-f]{96}$/),
      with_debug_swap: z.string().regex(/^[0-9a-f]{96}$/),
    }),
    z.strictObject({ computed: z.literal(false), reason: z.string() }),
  ]),
  /** SHA-256 of the kit's `signature.json`. */
  kit_signature: hex64.nullable(),
  kit_fingerprint: z.string().nullable(),
});
export type HandOverBody = z.output<typeof bodySchema>;

const recordSchema = z.strictObject({
  record: bodySchema,
  /** Who signed: DER in base64, the signer's certificate first, the root last. Empty while unsigned. */
  certificates: z.array(base64).max(4),
  /** RSASSA-PSS over the record's text, base64; null while unsigned. */
  signature: base64.nullable(),
});
export type HandOver = z.output<typeof recordSchema>;

/** The bytes that are signed. */
export const signedBytes = (body: HandOverBody): Buffer =>
  Buffer.from(`${JSON.stringify(body, null, 2)}\n`, 'utf8');
/** The one text of a record. */
const renderHandOver = (record: HandOver): string => `${JSON.stringify(record, null, 2)}\n`;

/** `prod_NN/<site>/<site>.bundle.json` of `<site>.tgz`; of a bundle folder a file beside it. */
export function handOverPlace(bundle: string): string {
  const name = basename(bundle).replace(/\.(?:tgz|tar\.gz)$/, '');
  return join(dirname(bundle), `${name}.bundle.json`);
}

const maxRecordBytes = 256 * 1024;

/**
 * Reads a hand-over record. Only the exact text this product writes is taken: anything else was changed.
 * @throws DeskError `not_found`, `denied`, `too_large`, `integrity` (not such a record, or changed)
 */
export async function readHandOver(file: string): Promise<HandOver> {
  const stats = await stat(file).catch((error: unknown) => {
    throw fileError(error, file);
  });
  if (stats.size > maxRecordBytes)
    throw new DeskError('too_large', `${file} is too large for a hand-over record.`);
  const bytes = await readFile(file).catch((error: unknown) => {
    throw fileError(error, file);
  });
  const changed = (): DeskError =>
    new DeskError('integrity', `${file} is no hand-over record, or it was changed.`, {
      hint: 'Ask the project admin for it again.',
    });
  let parsed: HandOver;
  try {
    parsed = recordSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    throw changed();
  }
  if (!Buffer.from(renderHandOver(parsed), 'utf8').equals(bytes)) throw changed();
  return parsed;
}

/** Writes a record, whole or not at all. */
export async function writeHandOver(file: string, record: HandOver): Promise<void> {
  await writeFileAtomic(file, renderHandOver(recordSchema.parse(record)), { mode: 0o644 }).catch(
    (error: unknown) => {
      throw new DeskError('denied', `${file} cannot be written: ${(error as Error).message}.`);
    },
  );
}
