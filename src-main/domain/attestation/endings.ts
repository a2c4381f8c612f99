/** When certificates end, and how near that is. Pure. */

/** Warned 90, 30 and 7 days before the end, and after it. */
export const endingLevels = ['ended', 'within_7_days', 'within_30_days', 'within_90_days', 'later'] as const;
export type EndingLevel = (typeof endingLevels)[number];

const day = 86_400_000;

/** Whole days; negative after the end. */
export const daysUntil = (notAfter: number, now: number): number => Math.floor((notAfter - now) / day);

export function endingLevel(notAfter: number, now: number): EndingLevel {
  if (notAfter <= now) return 'ended';
  const days = daysUntil(notAfter, now);
  return days < 7 ? 'within_7_days' : days < 30 ? 'within_30_days' : days < 90 ? 'within_90_days' : 'later';
}
