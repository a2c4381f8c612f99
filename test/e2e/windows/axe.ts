/** What axe holds against the windows. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright';
import { themes, useTheme } from './browser.ts';

/** Everything serious or critical on the page as it stands, in both themes, one line per place; `where` begins each line. */
export async function seriousFaults(page: Page, where: string): Promise<string[]> {
  const found: string[] = [];
  for (const theme of themes) {
    await useTheme(page, theme);
    const { violations } = await new AxeBuilder({ page }).analyze();
    for (const { id, impact, nodes } of violations) {
      if (impact !== 'serious' && impact !== 'critical') continue;
      for (const node of nodes)
        found.push(
          `${where} ${theme}: ${impact} ${id}: ${node.html.slice(0, 120)} ${node.failureSummary ?? ''}`,
        );
    }
  }
  return found;
}
