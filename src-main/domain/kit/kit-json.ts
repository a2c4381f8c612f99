import type { KitFile } from './kit-file.ts';

/** `JSON.rawJSON` is part of the runtime; the language library does not declare it yet. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** A number that Python reads as float although it is whole: `10.0`. */
export function float(value: number): unknown {
  return Number.isInteger(value) ? rawJSON(`${value}.0`) : value;
}

/**
 * A JSON file of a kit: 2-space indent, final newline, everything beyond ASCII escaped, because the runtime reads
 * `fed_*.json` as ASCII (docs/reference/provisioning.md §4).
 */
export function jsonFile(path: string, value: unknown): KitFile {
  return { path, mode: 0o644, content: `${asciiJson(value)}\n` };
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
