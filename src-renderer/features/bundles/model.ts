import type { TaskOutput } from '../../../src-main/contract/index.ts';
import type { ErrorAnswer } from '../../../src-main/contract/errors.ts';
import type { Translate } from '../../app/texts.ts';
import type { StateKind } from '../../components/state-badge.tsx';
import type { Place } from '../../state/pick.ts';

export type Inspection = TaskOutput<'bundles.inspect'>;
export type BundleFinding = Inspection['findings'][number];

/** A bundle to look at: where it lies, and whose it is when that is known. */
export interface ShownBundle {
  place: Place;
  participant?: string;
  /** Bytes of the archive; missing: not known, or a folder. */
  bytes?: number;
}

export const severityState: Record<BundleFinding['severity'], StateKind> = {
  problem: 'bad',
  warning: 'warn',
  unknown: 'unknown',
  note: 'unknown',
};

export const worstFirst = (findings: readonly BundleFinding[]): BundleFinding[] => {
  const order = ['problem', 'warning', 'unknown', 'note'];
  return findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
};

/** The one line that says how a bundle stands. Not checked is never shown as good. */
export function verdictOf(
  t: Translate,
  findings: readonly BundleFinding[],
): { state: StateKind; text: string }[] {
  const count = (severity: BundleFinding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length;
  const said: { state: StateKind; text: string }[] = [];
  if (count('problem') > 0)
    said.push({ state: 'bad', text: t('bundles.verdict.problem', { count: count('problem') }) });
  if (count('warning') > 0)
    said.push({ state: 'warn', text: t('bundles.verdict.warning', { count: count('warning') }) });
  if (count('unknown') > 0)
    said.push({ state: 'unknown', text: t('bundles.verdict.unknown', { count: count('unknown') }) });
  return said.length > 0 ? said : [{ state: 'ok', text: t('bundles.verdict.ok') }];
}

export const baseName = (label: string): string =>
  label.split(/[\\/]/).findLast((part) => part !== '') ?? label;

const steps = [
  'hash',
  'look',
  'fill',
  'read',
  'grow',
  'write',
  'check',
  'verify',
  'convert',
  'compare',
] as const;

export function stepText(t: Translate, step: string | undefined): string {
  const known = steps.find((one) => one === step);
  return known ? t(`bundles.steps.${known}`) : t('bundles.steps.other');
}

/** What an error says of one field. */
export const fieldError = (error: ErrorAnswer | undefined, ...paths: string[]): string | undefined =>
  error?.fields?.find(({ path }) => path !== undefined && paths.includes(path))?.message;

/** An error that no field of the form shows. */
export const unplaced = (error: ErrorAnswer | undefined, ...paths: string[]): ErrorAnswer | undefined =>
  fieldError(error, ...paths) === undefined ? error : undefined;

/** The `host:/path` of two fields; an IPv6 address stands in brackets. */
export function exportOf(server: string, path: string): string {
  const host = server.trim();
  return `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${path.trim()}`;
}

/** A text file as text; undefined for bytes that are none. */
export function textOf(base64: string): string | undefined {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

export const isFingerprint = (text: string): boolean =>
  /^[0-9A-Fa-f]{64}$/.test(text.replace(/^SHA256:/, '').replaceAll(/[:\s]/g, ''));

/** Which drive a task works on: one here by its token, or one on the site's host by its path. */
export type DriveWhere = { drive: string } | { file: string; site: string; host_path: string };
