/** Takes secrets out of anything that is written down: by the name of the key, and by the look of the text. */

const gone = '[redacted]';

/** Key names whose value is never written, whatever it looks like. */
const secretKey =
  /^(key|pem|content)$|pass(word|phrase|wd)?$|secret|token|private_?key|credential|authorization|cookie|signature|nonce$/i;

const patterns: readonly [RegExp, string][] = [
  // PEM blocks, also cut short at the end, also with \n written out (JSON inside text).
  [/-----BEGIN [A-Z0-9 ]*(?:PRIVATE KEY|CERTIFICATE)-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|$)/g, gone],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${gone}`],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*/g, gone],
  // A passphrase may hold blanks: in quotes all up to their end, else all up to the end of the field or line.
  [
    /\b(pass(?:word|phrase|wd)|secret)(\\*["']?\s*[:=]\s*)(\\*["'])(?:(?!\3)(?:\\.|[^\r\n]))*/gi,
    `$1$2$3${gone}`,
  ],
  [
    /\b(pass(?:word|phrase|wd)|secret)(\\*["']?\s*[:=]\s*)(?!\\*["'\s]|\[redacted\])(?:(?!\\*["']\s*[,}\]]|,\s*[\w-]+["']?\s*[:=]|[;&\r\n]|\\n).)+/gi,
    `$1$2${gone}`,
  ],
  [
    /\b(pass(?:word|phrase|wd)?|token|ssid|secret|private_?key|api_?key)(["']?\s*[:=]\s*["']?)(?!\[redacted\])[^\s"',;&]{3,}/gi,
    `$1$2${gone}`,
  ],
  // A long unbroken base64 run is key, kit or signature bytes; names, paths and hex fingerprints are shorter or differ.
  [/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{120,}={0,2}/g, gone],
];

/** The text without PEM blocks, tokens, passphrases and long key-like runs. */
export function redactText(text: string): string {
  return patterns.reduce((left, [pattern, replacement]) => left.replace(pattern, replacement), text);
}

/** A deep copy without secrets, fit to be written as JSON. Bytes become their length, errors their message. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? undefined : value;
  if (depth > 12) return '[deep]';
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Error) {
    return {
      name: value.name,
      message: redactText(value.message),
      stack: redactText(value.stack ?? ''),
      ...(value.cause === undefined ? {} : { cause: redact(value.cause, depth + 1) }),
    };
  }
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      secretKey.test(key) && item !== undefined && item !== null && typeof item !== 'boolean'
        ? gone
        : redact(item, depth + 1),
    ]),
  );
}
