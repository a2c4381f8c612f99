/** What a site handed over as proof, told apart by its form (docs/reference/confidential-computing.md §1.3). */
import { bytesOfBase64, bytesOfHex } from './bytes.ts';
import { reportLength } from './report.ts';
import { isRecord } from '../record.ts';

export interface GpuClaims {
  /** The service's overall answer as it stands in the token. */
  overall?: boolean;
  nonce?: string;
  /** Of the signed token: algorithm and key id as it names them. */
  header?: Record<string, unknown>;
  /** One entry per GPU: what its claims say. */
  gpus: Record<string, unknown>[];
}

export type Evidence =
  | { kind: 'snp'; bytes: Uint8Array }
  /** A constant of the mock attester: proves nothing, whatever it says. */
  | { kind: 'mock'; message: string }
  /** The token's signature is not checked: its key is published by the service alone. */
  | { kind: 'gpu'; claims: GpuClaims }
  /** A token of another attester (TDX, Azure), shown only. */
  | { kind: 'token'; issuer?: string }
  | { kind: 'none'; message: string };

const latin = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};

/** Reads a token of the namespace it came under. Never throws. */
export function readToken(namespace: string, token: Uint8Array | string): Evidence {
  const text = (typeof token === 'string' ? token : latin(token)).trim();
  if (namespace === 'x-mock') {
    return { kind: 'mock', message: 'The site uses the mock attester, which proves nothing.' };
  }
  if (namespace === 'x-snp') return readSnpToken(token, text);
  if (namespace === 'x-nv-gpu') return readGpuToken(text);
  if (text === '') return { kind: 'none', message: `The token of ${namespace} is empty.` };
  const issuer = jwtClaims(text)?.['iss'];
  return typeof issuer === 'string' ? { kind: 'token', issuer } : { kind: 'token' };
}

function readSnpToken(token: Uint8Array | string, text: string): Evidence {
  if (text === '') return { kind: 'none', message: 'The site sent an empty report.' };
  if (jwtClaims(text) !== undefined) {
    return {
      kind: 'mock',
      message: 'The site sent a token in place of a hardware report: the form the mock attester uses.',
    };
  }
  const decoded = bytesOfBase64(text);
  if (decoded !== undefined) return { kind: 'snp', bytes: decoded };
  return typeof token === 'string'
    ? { kind: 'none', message: 'What the site sent as its report is not base64.' }
    : { kind: 'snp', bytes: token };
}

function readGpuToken(text: string): Evidence {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { kind: 'none', message: 'What the site sent as its GPU token is not JSON.' };
  }
  const head: unknown = Array.isArray(document) ? document[0] : undefined;
  const claims: unknown = Array.isArray(document) ? document[1] : undefined;
  if (!Array.isArray(head) || !isRecord(claims)) {
    return { kind: 'none', message: 'The GPU token does not have the form of the NVIDIA attester.' };
  }
  const remote = claims['REMOTE_GPU_CLAIMS'];
  if (head.length === 0 || !Array.isArray(remote)) {
    return { kind: 'none', message: 'The site could not produce a GPU token.' };
  }
  const pair: unknown = remote[0];
  const signed: unknown = Array.isArray(pair) ? pair[1] : undefined;
  const outer = typeof signed === 'string' ? jwtClaims(signed) : undefined;
  const header = typeof signed === 'string' ? jwtPart(signed, 0) : undefined;
  const nonce = outer?.['eat_nonce'];
  const overall = outer?.['x-nvidia-overall-att-result'];
  const details: unknown = remote[1];
  const gpus = isRecord(details)
    ? Object.values(details).flatMap((one) => {
        const gpu = typeof one === 'string' ? jwtClaims(one) : isRecord(one) ? one : undefined;
        return gpu === undefined ? [] : [gpu];
      })
    : [];
  return {
    kind: 'gpu',
    claims: {
      ...(typeof overall === 'boolean' ? { overall } : {}),
      ...(typeof nonce === 'string' ? { nonce } : {}),
      ...(header === undefined ? {} : { header }),
      gpus,
    },
  };
}

/** The claims of a JWT, unchecked; undefined when the text is none. */
const jwtClaims = (text: string): Record<string, unknown> | undefined => jwtPart(text, 1);

function jwtPart(text: string, index: 0 | 1): Record<string, unknown> | undefined {
  const parts = text.split('.');
  if (parts.length !== 3 || !text.startsWith('ey')) return undefined;
  const base64 = (parts[index] ?? '').replaceAll('-', '+').replaceAll('_', '/');
  const bytes = bytesOfBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, '='));
  if (bytes === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(latin(bytes));
    return isRecord(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}

/** The report in a file: raw bytes, hex or base64 text. What cannot be read as text is taken as raw bytes. */
export function readReportFile(content: Uint8Array): Evidence {
  if (content.length === reportLength && (content[1] ?? 1) === 0) return { kind: 'snp', bytes: content };
  const text = latin(content).trim();
  const hex = bytesOfHex(text.replaceAll(/\s+/g, ''));
  if (hex !== undefined && hex.length > 0) return { kind: 'snp', bytes: hex };
  if (/^[\x20-\x7e\r\n\t]+$/.test(text)) return readToken('x-snp', text.replaceAll(/\s+/g, ''));
  return { kind: 'snp', bytes: content };
}
