import type { Translate } from '../app/texts.ts';

/** Names as a sentence has them; of many the first ones, and how many there are besides. */
export function nameList(t: Translate, names: readonly string[], most = 8): string {
  if (names.length <= most) return names.join(', ');
  return t('common.andMore', { names: names.slice(0, most).join(', '), count: names.length - most });
}
