/** The payload container of FLARE messages (docs/reference/admin-protocol.md §6). */
import { ProtocolError } from './errors.ts';
import { decodeMsgpack, encodeMsgpack, isMap, type MsgpackMap } from './msgpack.ts';

const sectionHeaderBytes = 10;
const uuidBytes = 16;
const marker = { body: 100, text: 101, binary: 102, file: 103 } as const;

const shareableType = 'nvflare.apis.shareable.Shareable';
const shareableDecomposer = 'nvflare.fuel.utils.fobs.decomposer.DictDecomposer';
const datumType = 'nvflare.fuel.utils.fobs.datum.DatumRef';
/** Containers whose data can stand for themselves. */
const transparentTypes = new Set([shareableType, 'tuple', 'set']);

interface Section {
  marker: number;
  dot: number;
  content: Uint8Array;
}

/** Packs a plain value (text, number, bytes, array, map) or a `shareable`. */
export function encodeFobs(value: unknown): Buffer {
  const body = encodeMsgpack(value);
  const header = Buffer.alloc(sectionHeaderBytes);
  header.writeUInt8(marker.body, 0);
  header.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([header, body]);
}

/** The form of a `Shareable`: a map that always has `__headers__`. */
export function shareable(content: MsgpackMap): MsgpackMap {
  return {
    __fobs_type__: shareableType,
    __fobs_data__: { __headers__: {}, ...content },
    __fobs_dc__: shareableDecomposer,
  };
}

/**
 * Unpacks a container. A `Shareable` becomes its map, tuples and sets become arrays, data kept in sections of their own
 * are put in their places; a type this product does not know stays the raw three-key map.
 * @throws ProtocolError when the bytes are not one well-formed container
 */
export function decodeFobs(bytes: Uint8Array): unknown {
  const [body, ...data] = splitSections(bytes);
  if (body?.marker !== marker.body) throw new ProtocolError('FOBS: the first section is not a body');
  const known = new Map<string, Uint8Array | string>();
  for (const section of data) {
    if (section.content.length < uuidBytes) throw new ProtocolError('FOBS: a data section without its id');
    const id = uuidText(section.content.subarray(0, uuidBytes));
    const content = section.content.subarray(uuidBytes);
    known.set(id, section.marker === marker.text ? utf8(content) : content);
  }
  return resolve(decodeMsgpack(body.content), known);
}

/** The sections as they stand in the bytes. */
export function splitSections(bytes: Uint8Array): Section[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sections: Section[] = [];
  let at = 0;
  while (at < bytes.byteLength) {
    if (bytes.byteLength - at < sectionHeaderBytes)
      throw new ProtocolError('FOBS: a section header cut short');
    const kind = view.getUint8(at);
    if (kind < marker.body || kind > marker.file || (kind === marker.body) !== (at === 0)) {
      throw new ProtocolError(`FOBS: section marker ${kind} out of place`);
    }
    const size = view.getBigUint64(at + 2);
    const dot = view.getUint8(at + 1);
    at += sectionHeaderBytes;
    if (size > BigInt(bytes.byteLength - at)) throw new ProtocolError('FOBS: a section cut short');
    sections.push({ marker: kind, dot, content: bytes.subarray(at, at + Number(size)) });
    at += Number(size);
  }
  if (sections.length === 0) throw new ProtocolError('FOBS: empty');
  return sections;
}

function resolve(value: unknown, data: ReadonlyMap<string, Uint8Array | string>): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, data));
  if (!isMap(value)) return value;
  const type = value['__fobs_type__'];
  if (type === datumType) return datumOf(value['__fobs_data__'], data);
  if (typeof type === 'string' && transparentTypes.has(type)) return resolve(value['__fobs_data__'], data);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, data)]));
}

function datumOf(reference: unknown, data: ReadonlyMap<string, Uint8Array | string>): Uint8Array | string {
  const inner = isMap(reference) ? reference['data'] : undefined;
  const id = isMap(inner) ? inner['datum_id'] : undefined;
  const found = typeof id === 'string' ? data.get(id.toLowerCase()) : undefined;
  if (found === undefined) throw new ProtocolError('FOBS: a reference to a section that is not there');
  return found;
}

function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ProtocolError('FOBS: text that is not UTF-8');
  }
}
