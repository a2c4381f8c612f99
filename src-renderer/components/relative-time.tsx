import { Tooltip } from '@mantine/core';
import { type Translate, useTexts } from '../app/texts.ts';
import { useNow } from './now.ts';

/** How long ago, in the largest whole unit. */
function ago(t: Translate, at: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  if (seconds < 5) return t('common.justNow');
  if (seconds < 60) return t('common.secondsAgo', { count: seconds });
  if (seconds < 3600) return t('common.minutesAgo', { count: Math.floor(seconds / 60) });
  if (seconds < 86_400) return t('common.hoursAgo', { count: Math.floor(seconds / 3600) });
  return t('common.daysAgo', { count: Math.floor(seconds / 86_400) });
}

/** The age alone, for narrow cells: `36 s`, `3 h`. */
export function age(t: Translate, at: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  if (seconds < 60) return t('common.seconds', { count: seconds });
  if (seconds < 3600) return t('common.minutes', { count: Math.floor(seconds / 60) });
  if (seconds < 86_400) return t('common.hours', { count: Math.floor(seconds / 3600) });
  return t('common.days', { count: Math.floor(seconds / 86_400) });
}

/** A time as an age; the exact time on hover. */
export function RelativeTime({ at }: { at: string | number | undefined }) {
  const t = useTexts();
  const now = useNow();
  if (at === undefined) return <span className="muted">{t('common.never')}</span>;
  const date = new Date(at);
  return (
    <Tooltip label={date.toLocaleString()}>
      <time dateTime={date.toISOString()} className="muted">
        {ago(t, date.getTime(), Math.max(now, Date.now()))}
      </time>
    </Tooltip>
  );
}
