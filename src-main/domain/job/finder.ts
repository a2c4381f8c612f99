import type { Finding } from '../../contract/finding.ts';
import type { FieldPath, PlacedDocument } from './json-places.ts';
import { isRecord } from '../record.ts';

/** Collects findings about one file, each with its line when the file's document is known. */
export interface Finder {
  readonly findings: Finding[];
  add(
    severity: Finding['severity'],
    code: string,
    message: string,
    details?: { hint?: string; path?: FieldPath },
  ): void;
}

export function finderFor(file?: string, document?: PlacedDocument): Finder {
  const findings: Finding[] = [];
  return {
    findings,
    add(severity, code, message, { hint, path } = {}) {
      const place = path === undefined ? undefined : document?.placeOf(path);
      findings.push({
        severity,
        code,
        message,
        ...(hint === undefined ? {} : { hint }),
        ...(file === undefined ? {} : { file }),
        ...(place === undefined ? {} : place),
        ...(path === undefined || path.length === 0 ? {} : { path: fieldName(path) }),
      });
    },
  };
}

/** `deploy_map.app[0]` */
function fieldName(path: FieldPath): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`))
    .join('');
}

/** Python's idea of true, for the values a configuration can hold. */
export function isTruthy(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isRecord(value) || Object.keys(value).length > 0;
}

/** A value in a message: its own text when it is short. */
export function shown(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value)) return 'a mapping';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

/** The candidate that is most likely meant, or undefined when none is near. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
