import type { StateValue } from '../../../src-main/contract/index.ts';
import type { Translate } from '../../app/texts.ts';
import { formatSeconds } from '../../components/format.ts';
import type { StateKind } from '../../components/state-badge.tsx';

export type Build = StateValue<'builds.board'>['builds'][number];

export const kinds: Record<Build['state'], StateKind> = {
  none: 'unknown',
  queued: 'unknown',
  checking: 'busy',
  waiting: 'warn',
  sending: 'busy',
  building: 'busy',
  fetching: 'busy',
  verifying: 'busy',
  built: 'ok',
  failed: 'bad',
  cancelled: 'unknown',
  interrupted: 'warn',
};

const stages = ['root_drive', 'user_config', 'encrypt', 'measure', 'policy', 'pack'] as const;
type Stage = (typeof stages)[number];
const isStage = (text: string | undefined): text is Stage => stages.some((stage) => stage === text);

/** What it is at, in words. */
export function stageText(t: Translate, build: Build): string {
  if (build.state === 'building' && isStage(build.stage)) return t(`builds.stage.${build.stage}`);
  return t(`builds.state.${build.state}`);
}

/** Seconds it has run or ran; undefined before it began. */
function elapsed(build: Build, now: number): number | undefined {
  if (build.started_at === undefined) return undefined;
  const end = build.ended_at === undefined ? now : Date.parse(build.ended_at);
  return Math.max(0, (end - Date.parse(build.started_at)) / 1000);
}

/** Share done in percent, by the expected time; never full before it is. */
export function share(build: Build, now: number): number {
  if (build.state === 'built') return 100;
  if (build.fetched && build.state === 'fetching')
    return 90 + (8 * build.fetched.done) / Math.max(1, build.fetched.total);
  if (build.state === 'verifying') return 98;
  const seconds = elapsed(build, now);
  if (seconds === undefined || build.expected === undefined) return 0;
  return Math.min(90, (90 * seconds) / Math.max(1, build.expected.seconds));
}

export function timeText(t: Translate, build: Build, now: number): string {
  const seconds = elapsed(build, now);
  if (seconds === undefined) return '';
  const time = formatSeconds(seconds);
  return build.expected === undefined || build.ended_at !== undefined
    ? t('builds.elapsedOnly', { time })
    : t('builds.elapsed', { time, expected: formatSeconds(build.expected.seconds) });
}
