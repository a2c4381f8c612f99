/** The captured sessions in test/fixtures/vectors/admin (docs/reference/admin-protocol.md §10). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../../../fixtures/vectors/admin');

export interface CapturedFrame {
  n: number;
  dir: 'client->server' | 'server->client';
  phase?: string;
  hex: string;
  decoded: {
    prefix: {
      length: number;
      header_len: number;
      type: number;
      flags: number;
      app_id: number;
      stream_id: number;
      sequence: number;
    };
    headers?: Record<string, unknown>;
    payload_len: number;
    payload_msgpack?: unknown;
    payload_fobs?: { marker: number; dot: number; size: number; json?: unknown; msgpack?: unknown }[];
  };
}

export interface CapturedSession {
  nvflare: string;
  pki: { rootCA_pem: string; server_cert_pem: string; admin_cert_pem: string };
  frames: CapturedFrame[];
  reassembled_streams?: Record<
    string,
    { frames: number[]; size: number; channel: string; topic: string; payload_fobs: unknown[] }
  >;
}

export function readVectors<Content>(file: string): Content {
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Content;
}

export const sessionFiles = [
  'session-2.7.2.json',
  'session-2.8.1.json',
  'session-2.9dev.json',
  'session-expired-2.7.2.json',
  'chunked-2.7.2.json',
];

export const bytesOf = (frame: { hex: string }): Buffer => Buffer.from(frame.hex, 'hex');
