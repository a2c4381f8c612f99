/** What a CVM says on its serial console while it boots (docs/reference/confidential-computing.md §3.2, §3.3). Pure. */
import type { ExpectedMeasurement } from './bundle.ts';

export type SerialStage = 'silent' | 'booting' | 'attesting' | 'unlocked' | 'failed';

export interface SerialFacts {
  stage: SerialStage;
  vmId?: string;
  /** 96 hex digits, as the guest printed it. */
  measurement?: string;
  /** How it stands to the measurement computed for the image; missing when either is not known. */
  expected?: 'equal' | 'equal_with_debug_swap' | 'differs';
  /** The line that tells of a failure. */
  reason?: string;
}

/** A measurement has 96 hex digits; whatever is longer may be a disk key. */
const keyLike = /[0-9a-f]{100,}/gi;
const redacted = '[a key, not shown]';

/** Takes every run of hex digits that could be a disk key out of captured text. */
export function redactKeys(text: string): string {
  return text.replace(keyLike, redacted);
}

const failures: readonly (readonly [RegExp, string])[] = [
  [/kernel panic/i, 'the kernel of the VM stopped'],
  [
    /policy ?deny|\b401\b|unauthori[sz]ed|\b403\b/i,
    'the key broker refused the key: it has no rule for this image',
  ],
  [
    /could not resolve|name or service not known|failure in name resolution/i,
    'a name does not resolve inside the VM',
  ],
  [
    /certificate verify failed|unknown ca|self.signed certificate/i,
    'the key broker’s certificate is not trusted',
  ],
  [
    /connection refused|connection timed out|no route to host/i,
    'the key broker is not reachable from inside the VM',
  ],
];

/** Reads captured serial text. What the unpublished builder prints may differ: unknown text is `booting`, never a success. */
export function readSerial(text: string, expected?: ExpectedMeasurement): SerialFacts {
  if (text.trim() === '') return { stage: 'silent' };
  const vmId = /\bVM_ID:\s*([A-Za-z0-9_-]+)/.exec(text)?.[1];
  const printed = /\bMeasurement:\s*([A-Za-z0-9+/=]{64,96})(?=\s|$)/.exec(text)?.[1];
  const measurement = printed === undefined ? undefined : measurementOf(printed);
  const comparison = measurement === undefined ? undefined : compare(measurement, expected);
  const facts = {
    ...(vmId === undefined ? {} : { vmId }),
    ...(measurement === undefined ? {} : { measurement }),
    ...(comparison === undefined ? {} : { expected: comparison }),
  };
  const unlockedAt = text.search(/\bRetrieved key\b/);
  for (const line of text.split('\n').reverse()) {
    const found = failures.find(([pattern]) => pattern.test(line));
    if (!found) continue;
    // A refusal before the key came was overcome; a stopped kernel is not.
    if (unlockedAt >= 0 && found[1] !== failures[0]?.[1]) continue;
    return { stage: 'failed', ...facts, reason: `${found[1]}: ${redactKeys(line.trim()).slice(0, 300)}` };
  }
  if (unlockedAt >= 0) return { stage: 'unlocked', ...facts };
  return { stage: measurement === undefined ? 'booting' : 'attesting', ...facts };
}

function compare(measurement: string, expected: ExpectedMeasurement | undefined): SerialFacts['expected'] {
  if (!expected?.computed) return undefined;
  if (measurement === expected.plain.toLowerCase()) return 'equal';
  if (measurement === expected.withDebugSwap.toLowerCase()) return 'equal_with_debug_swap';
  return 'differs';
}

/** Base64 of 48 bytes, or 96 hex digits, as hex. */
function measurementOf(printed: string): string | undefined {
  if (/^[0-9a-f]{96}$/i.test(printed)) return printed.toLowerCase();
  if (!/^[A-Za-z0-9+/]{64}$/.test(printed)) return undefined;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  let hex = '';
  for (let at = 0; at < printed.length; at += 2) {
    const bits = alphabet.indexOf(printed[at] ?? '') * 64 + alphabet.indexOf(printed[at + 1] ?? '');
    hex += bits.toString(16).padStart(3, '0');
  }
  return hex;
}
