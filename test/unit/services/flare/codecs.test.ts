import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../../../src-main/services/flare/errors.ts';
import {
  decodeFobs,
  encodeFobs,
  shareable,
  splitSections,
} from '../../../../src-main/services/flare/fobs.ts';
import { limits } from '../../../../src-main/services/flare/limits.ts';
import { serverProof } from '../../../../src-main/services/flare/challenge.ts';
import { decodeMsgpack, encodeMsgpack } from '../../../../src-main/services/flare/msgpack.ts';
import {
  decodeFrame,
  encodeFrame,
  frameLength,
  type SfmFrame,
} from '../../../../src-main/services/flare/sfm.ts';
import { frameOf, messageOf } from '../../../../src-main/services/flare/transport/grpc.ts';
import { Splitter } from '../../../../src-main/services/flare/transport/splitter.ts';
import { loadAdminSigner, verifyPss } from '../../../../src-main/services/pki/index.ts';
import { TestProject } from './support/project.ts';
import {
  bytesOf,
  type CapturedFrame,
  type CapturedSession,
  readVectors,
  sessionFiles,
} from './support/vectors.ts';

interface ErrorVectors extends Omit<CapturedSession, 'frames'> {
  cases: { case: string; outcome: string; frames: CapturedFrame[] }[];
}

const allFrames = [
  ...sessionFiles.flatMap((file) =>
    readVectors<CapturedSession>(file).frames.map((frame) => ({ file, frame })),
  ),
  ...readVectors<ErrorVectors>('errors-2.7.2.json').cases.flatMap(({ case: name, frames }) =>
    frames.map((frame) => ({ file: name, frame })),
  ),
];

/** `{"$bytes": hex}` and `{"$bytes_len", "$bytes_prefix"}` stand for binary values in the vectors. */
function withBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(withBytes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withBytes(item)]));
}

function sameAsVector(found: unknown, expected: unknown): void {
  if (typeof expected === 'object' && expected !== null && '$bytes_len' in expected) {
    const { $bytes_len: length, $bytes_prefix: prefix } = expected as {
      $bytes_len: number;
      $bytes_prefix?: string;
    };
    const hex = (found as { $bytes: string }).$bytes;
    expect(hex.length / 2).toBe(length);
    if (prefix) expect(hex.startsWith(prefix.replace(/\.+$|…$/, ''))).toBe(true);
  } else if (Array.isArray(expected)) {
    expect(Array.isArray(found) && found.length).toBe(expected.length);
    for (const [index, item] of expected.entries()) sameAsVector((found as unknown[])[index], item);
  } else if (typeof expected === 'object' && expected !== null) {
    expect(Object.keys(found as object)).toEqual(Object.keys(expected));
    for (const [key, item] of Object.entries(expected))
      sameAsVector((found as Record<string, unknown>)[key], item);
  } else expect(found).toEqual(expected);
}

describe('captured frames', () => {
  test('there are many, from three lines', () => {
    expect(allFrames.length).toBeGreaterThan(240);
  });

  test('decode to what the capture says', () => {
    for (const { frame } of allFrames) {
      const { prefix, headers, payload_len, payload_msgpack } = frame.decoded;
      const decoded = decodeFrame(bytesOf(frame));
      expect(decoded).toMatchObject({
        type: prefix.type,
        flags: prefix.flags,
        appId: prefix.app_id,
        streamId: prefix.stream_id,
        sequence: prefix.sequence,
      });
      expect(decoded.payload.length).toBe(payload_len);
      if (headers !== undefined) sameAsVector(withBytes(decoded.headers), headers);
      if (payload_msgpack !== undefined) sameAsVector(decodeMsgpack(decoded.payload), payload_msgpack);
    }
  });

  test('are reproduced byte for byte, headers and all', () => {
    for (const { file, frame } of allFrames) {
      const decoded = decodeFrame(bytesOf(frame));
      const again = encodeFrame(decoded);
      // These two are floats that happen to be whole numbers, which JavaScript cannot tell from integers.
      if (decoded.headers !== undefined && 'sm__rw' in decoded.headers)
        expect(decodeFrame(again)).toEqual(decoded);
      else expect(again.toString('hex'), `${file} ${frame.n}`).toBe(frame.hex);
    }
  });

  test('FOBS payloads decode, and encode to the same bytes', () => {
    let count = 0;
    for (const { file, frame } of allFrames) {
      const sections = frame.decoded.payload_fobs;
      if (sections === undefined || frame.decoded.headers?.['sm__dt'] === 1) continue;
      const { payload } = decodeFrame(bytesOf(frame));
      const body = splitSections(payload)[0]!.content;
      const value = decodeMsgpack(body);
      const { json, msgpack } = sections[0]!;
      if (json !== undefined) expect(JSON.parse(value as string)).toEqual(json);
      else sameAsVector(withBytes(value), msgpack);
      expect(encodeFobs(value).toString('hex'), `${file} ${frame.n}`).toBe(
        Buffer.from(payload).toString('hex'),
      );
      count += 1;
    }
    expect(count).toBeGreaterThan(100);
  });

  test('every message of the server carries its signed name; undeliverable ones come back without', () => {
    const unsigned: unknown[] = [];
    for (const file of [...sessionFiles, 'errors-2.7.2.json']) {
      const session = readVectors<CapturedSession & ErrorVectors>(file);
      const isFromServer = serverProof(new X509Certificate(session.pki.server_cert_pem));
      const stranger = serverProof(new X509Certificate(session.pki.admin_cert_pem));
      for (const frame of session.frames ?? session.cases.flatMap((found) => found.frames)) {
        const { headers, prefix } = frame.decoded;
        if (headers === undefined || prefix.type !== 1) continue;
        if (frame.dir === 'server->client') {
          if (!isFromServer(headers)) unsigned.push(headers['cn__msg_type']);
          expect(stranger(headers)).toBe(false);
        } else expect(isFromServer(headers)).toBe(false);
      }
    }
    expect(new Set(unsigned)).toEqual(new Set(['return']));
  });
});

interface FobsVectors {
  vectors: {
    name: string;
    value: unknown;
    hex: string;
    sections: { marker: number; dot: number; size: number; msgpack?: unknown }[];
  }[];
}

describe('FOBS vectors', () => {
  const { vectors } = readVectors<FobsVectors>('fobs-vectors.json');

  test.each(vectors.map((vector) => [vector.name, vector] as const))('%s', (_name, vector) => {
    const bytes = Buffer.from(vector.hex, 'hex');
    const sections = splitSections(bytes);
    expect(sections.map(({ marker, dot, content }) => ({ marker, dot, size: content.length }))).toEqual(
      vector.sections.map(({ marker, dot, size }) => ({ marker, dot, size })),
    );
    const raw = decodeMsgpack(sections[0]!.content);
    sameAsVector(withBytes(raw), vector.sections[0]!.msgpack);
    if (sections.length === 1) expect(encodeFobs(raw).toString('hex')).toBe(vector.hex);
  });

  const valueOf = (name: string): unknown =>
    decodeFobs(Buffer.from(vectors.find((vector) => vector.name === name)!.hex, 'hex'));

  test('become plain values', () => {
    expect(valueOf('str-utf8')).toBe('héllo 世界');
    expect(valueOf('tuple')).toEqual(['a', 1]);
    expect(valueOf('set')).toEqual(['a']);
    expect(withBytes(valueOf('shareable'))).toEqual({
      __headers__: {},
      cn: 'admin@example.com',
      signature: { $bytes: '0102' },
    });
    expect(valueOf('datum-text-top-level')).toBe('x'.repeat(1100));
    const { data, k } = valueOf('datum-blob-in-dict') as { data: Uint8Array; k: string };
    expect(k).toBe('v');
    expect(Buffer.from(data).toString('hex')).toBe('ab'.repeat(1100));
    expect(valueOf('datetime')).toMatchObject({ __fobs_type__: 'datetime.datetime' });
  });

  test('a Shareable of ours is the one the reference writes', () => {
    const ours = encodeFobs(shareable({ cn: 'admin@example.com', signature: Uint8Array.of(1, 2) }));
    expect(ours.toString('hex')).toBe(vectors.find((vector) => vector.name === 'shareable')!.hex);
  });

  test('a reference to nothing, a body out of place, a size beyond the end are refused', () => {
    const whole = Buffer.from(vectors.find((vector) => vector.name === 'datum-blob-in-dict')!.hex, 'hex');
    const body = whole.subarray(0, 10 + 209);
    expect(() => decodeFobs(body)).toThrow(ProtocolError);
    expect(() => decodeFobs(Buffer.concat([body, body]))).toThrow(/out of place/);
    expect(() => decodeFobs(whole.subarray(10 + 209))).toThrow(/out of place/);
    const long = Buffer.from(body);
    long.writeBigUInt64BE(2n ** 63n, 2);
    expect(() => decodeFobs(long)).toThrow(/cut short/);
    expect(() => decodeFobs(Buffer.alloc(0))).toThrow(/empty/);
  });
});

interface PssVectors {
  vectors: { name: string; cert_pem: string; data_utf8: string; signature_hex: string; valid: boolean }[];
  job_signing: Record<string, unknown>;
}

describe('PSS vectors', () => {
  const { vectors, job_signing } = readVectors<PssVectors>('pss-vectors.json');

  test.each(vectors.map((vector) => [vector.name, vector] as const))('%s', (_name, vector) => {
    const key = new X509Certificate(vector.cert_pem).publicKey;
    const found = verifyPss(key, Buffer.from(vector.data_utf8), Buffer.from(vector.signature_hex, 'hex'));
    expect(found).toBe(vector.valid);
  });

  test('signatures in a job folder', () => {
    const key = new X509Certificate(job_signing['submitter_cert_pem'] as string).publicKey;
    for (const name of ['folder_check', 'file_check']) {
      const check = job_signing[name] as { data_utf8: string; signature_b64: string; valid: boolean };
      expect(verifyPss(key, Buffer.from(check.data_utf8), Buffer.from(check.signature_b64, 'base64'))).toBe(
        check.valid,
      );
    }
  });

  test('our signatures have the salt the server demands', () => {
    const admin = new TestProject().issue('admin@example.com');
    const signature = loadAdminSigner(admin.keyPem).sign(Buffer.from('text'));
    expect(signature.length).toBe(256);
    expect(
      verifyPss(new X509Certificate(admin.certificatePem).publicKey, Buffer.from('text'), signature),
    ).toBe(true);
  });
});

interface TransportVectors {
  raw: { dir: string; hex: string }[];
  sfm_frames: { dir: string; hex: string }[];
}

describe('transport vectors', () => {
  test('gRPC messages carry the frames, in both directions', () => {
    const { raw, sfm_frames } = readVectors<TransportVectors>('transport-grpc-2.7.2.json');
    let sequence = 0;
    for (const [index, { dir, hex }] of raw.entries()) {
      const message = Buffer.from(hex, 'hex');
      const frame = frameOf(message.subarray(5))!;
      expect(Buffer.from(frame).toString('hex')).toBe(sfm_frames[index]!.hex);
      if (dir === 'client->server') expect(messageOf(++sequence, frame).toString('hex')).toBe(hex);
    }
    expect(sequence).toBeGreaterThan(3);
  });

  test('WebSocket messages carry one frame each, masked by the client only', () => {
    const { raw, sfm_frames } = readVectors<TransportVectors>('transport-http-2.7.2.json');
    const binary = raw.filter(({ hex }) => hex.startsWith('82'));
    expect(binary.length).toBe(sfm_frames.length);
    for (const [index, { dir, hex }] of binary.entries()) {
      const bytes = Buffer.from(hex, 'hex');
      const short = bytes[1]! & 0x7f;
      const at = short === 126 ? 4 : short === 127 ? 10 : 2;
      const mask = bytes[1]! & 0x80 ? bytes.subarray(at, at + 4) : undefined;
      expect(mask !== undefined).toBe(dir === 'client->server');
      const body = bytes.subarray(at + (mask ? 4 : 0)).map((byte, place) => byte ^ (mask?.[place % 4] ?? 0));
      expect(Buffer.from(body).toString('hex')).toBe(sfm_frames[index]!.hex);
      expect(decodeFrame(body).type).toBeGreaterThan(0);
    }
  });
});

const anyBytes = fc.uint8Array({ maxLength: 400 });
const safely = (read: () => unknown): void => {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
  }
};

describe('codecs under fire', () => {
  test('random bytes give a value or a ProtocolError', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        safely(() => decodeMsgpack(bytes));
        safely(() => decodeFobs(bytes));
        safely(() => decodeFrame(bytes));
        safely(() => frameOf(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test('captured frames cut short or with changed bytes give a frame or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.nat(allFrames.length - 1), fc.nat(), fc.nat(255), (index, place, byte) => {
        const whole = bytesOf(allFrames[index]!.frame);
        const at = place % whole.length;
        safely(() => decodeFrame(whole.subarray(0, at)));
        const changed = Buffer.from(whole);
        changed[at] = byte;
        safely(() => {
          const frame = decodeFrame(changed);
          decodeFobs(frame.payload);
        });
      }),
      { numRuns: 1500 },
    );
  });

  test('every truncation of a value is refused', () => {
    const value = {
      a: [1, -5, 2 ** 40, 1.5, null, true, 'text', Uint8Array.of(1, 2, 3)],
      b: { c: 'x'.repeat(300) },
    };
    const bytes = encodeMsgpack(value);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => decodeMsgpack(bytes.subarray(0, length))).toThrow(ProtocolError);
    }
    expect(() => decodeMsgpack(Buffer.concat([bytes, Buffer.from([0xc0])]))).toThrow(/left over/);
  });

  test('values survive the way there and back', () => {
    const text = fc.string();
    const leaf = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.maxSafeInteger(),
      text,
      fc.double({ noNaN: true }).filter((n) => !Object.is(n, -0)),
    );
    const key = text.filter((name) => name !== '__proto__');
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value')),
        fc.dictionary(key, tie('value'), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (item) => {
        expect(decodeMsgpack(encodeMsgpack(item))).toEqual(item);
      }),
    );
  });

  test('claims of size are refused before memory is set aside', () => {
    const before = process.memoryUsage().rss;
    // 60 arrays in each other, each claiming millions of elements.
    const arrays = Buffer.concat(
      Array.from({ length: 60 }, () => Buffer.from([0xdd, 0x00, 0xff, 0xff, 0xff])),
    );
    expect(() => decodeMsgpack(arrays)).toThrow(/more elements/);
    expect(() => decodeMsgpack(Buffer.alloc(5000, 0x91))).toThrow(/deep/);
    expect(() => frameLength(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow(/limit/);
    expect(() => frameLength(Buffer.from([0, 0, 0, 15]))).toThrow(/shorter/);
    expect(() => new Splitter(4, frameLength).push(Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0]))).toThrow(
      /limit/,
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  test('extension types, keys that reach into objects, and headers above 64 KiB are refused', () => {
    expect(() => decodeMsgpack(Buffer.from([0xd4, 0x01, 0x00]))).toThrow(ProtocolError);
    expect(() =>
      decodeMsgpack(
        Buffer.concat([Buffer.from([0x81, 0xa9]), Buffer.from('__proto__'), Buffer.from([0x01])]),
      ),
    ).toThrow(ProtocolError);
    const frame: SfmFrame = {
      type: 1,
      flags: 0,
      appId: 1,
      streamId: 1,
      sequence: 1,
      headers: { a: 'x'.repeat(70_000) },
      payload: Buffer.alloc(0),
    };
    expect(() => encodeFrame(frame)).toThrow(/headers/);
    expect(() =>
      encodeFrame({ ...frame, headers: undefined, payload: Buffer.alloc(limits.frameBytes) }),
    ).toThrow(/frame/);
  });

  test('a byte stream cut at any places gives the same frames', () => {
    const stream = Buffer.concat(allFrames.slice(0, 40).map(({ frame }) => bytesOf(frame)));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1 }), (sizes) => {
        const splitter = new Splitter(4, frameLength);
        const units: string[] = [];
        let at = 0;
        for (let index = 0; at < stream.length; index += 1) {
          const size = sizes[index % sizes.length]!;
          for (const unit of splitter.push(stream.subarray(at, at + size)))
            units.push(Buffer.from(unit).toString('hex'));
          at += size;
        }
        expect(units).toEqual(allFrames.slice(0, 40).map(({ frame }) => frame.hex));
      }),
      { numRuns: 60 },
    );
  });
});

test('no source of the service switches certificate checks off', () => {
  const folder = join(import.meta.dirname, '../../../../src-main/services/flare');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  expect(files.length).toBeGreaterThan(20);
  for (const file of files)
    expect(readFileSync(join(folder, file), 'utf8'), file).not.toMatch(/rejectUnauthorized/);
});
