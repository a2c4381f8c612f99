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
  /** Of the archive as it was built. */
  sha256?: string;
}

/** Another build at the same place is another bundle. */
export const bundleId = ({ place, sha256 }: ShownBundle): string => `${place.token} ${sha256 ?? ''}`;

/** Worst first. */
export const severityState = {
  problem: 'bad',
  warning: 'warn',
  unknown: 'unknown',
  note: 'unknown',
  ok: 'ok',
} as const satisfies Record<BundleFinding['severity'] | 'ok', StateKind>;

const worst = Object.keys(severityState);
export const worstFirst = (findings: readonly BundleFinding[]): BundleFinding[] =>
  findings.toSorted((a, b) => worst.indexOf(a.severity) - worst.indexOf(b.severity));

/** The one line that says how a bundle stands. Not checked is never shown as good. */
export function verdictOf(
  t: Translate,
  findings: readonly BundleFinding[],
): { state: StateKind; text: string }[] {
  const said = (['problem', 'warning', 'unknown'] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count > 0
      ? [{ state: severityState[severity], text: t(`bundles.verdict.${severity}`, { count }) }]
      : [];
  });
  return said.length > 0 ? said : [{ state: 'ok', text: t('bundles.verdict.ok') }];
}

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
