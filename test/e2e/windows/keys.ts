/** Hands that have a keyboard alone: they reach a control with Tab, and only what Tab reaches. */
import type { Locator, Page } from 'playwright';

/** Tab presses after which a control counts as out of reach. */
const farthest = 60;

/** What the functions below use of the page they run in. */
interface Drawn {
  matches(selector: string): boolean;
  nextElementSibling: Drawn | null;
  querySelector(selector: string): Drawn | null;
}
interface PageGlobals {
  document: { activeElement: unknown };
  getComputedStyle(element: unknown): { outlineStyle: string; outlineWidth: string };
}

export const hasFocus = (target: Locator): Promise<boolean> =>
  target.evaluate((element) => element === (globalThis as unknown as PageGlobals).document.activeElement);

/**
 * A field shows the focus by its border; a choice of several hides its inputs and draws the ring around the words; a table
 * draws it around its row.
 */
const showsFocus = (target: Locator): Promise<boolean> =>
  target.evaluate((node) => {
    const element = node as unknown as Drawn;
    if (element.matches('input:not([type="radio"]):not([type="checkbox"]), textarea')) return true;
    const row = element.querySelector('[role="row"][data-active]');
    const drawn = element.matches('input[type="radio"]') ? element.nextElementSibling : (row ?? element);
    const style = (globalThis as unknown as PageGlobals).getComputedStyle(drawn);
    return style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) > 0;
  });

export class Keys {
  readonly page: Page;
  constructor(page: Page) {
    this.page = page;
  }

  /** Watches for what a mouse does; `mouseUsed` tells. Call it before the first key. */
  async watch(): Promise<void> {
    await this.page.evaluate(`addEventListener('pointerdown', () => (window.mouseUsed = true), true)`);
  }

  async mouseUsed(): Promise<boolean> {
    return (await this.page.evaluate('window.mouseUsed')) === true;
  }

  key(name: string): Promise<void> {
    return this.page.keyboard.press(name);
  }

  type(text: string): Promise<void> {
    return this.page.keyboard.type(text);
  }

  /** Presses Tab until the control has the focus, and looks whether the focus can be seen. */
  async to(target: Locator): Promise<void> {
    await target.waitFor({ state: 'attached' });
    for (let presses = 0; presses < farthest; presses += 1) {
      if (await hasFocus(target)) return this.seen(target);
      await this.key('Tab');
    }
    throw new Error(`Tab does not reach ${String(target)} in ${farthest} presses.`);
  }

  private async seen(target: Locator): Promise<void> {
    if (!(await showsFocus(target))) throw new Error(`The focus on ${String(target)} cannot be seen.`);
  }

  button(name: string | RegExp, within: Page | Locator = this.page): Locator {
    return within.getByRole('button', { name, exact: true });
  }

  async press(name: string | RegExp, within: Page | Locator = this.page): Promise<void> {
    await this.to(this.button(name, within));
    await this.key('Enter');
  }

  async fill(name: string | undefined, text: string, within: Page | Locator = this.page): Promise<void> {
    await this.to(within.getByRole('textbox', name === undefined ? {} : { name, exact: true }));
    await this.key('Control+a');
    await this.type(text);
  }
}
