/** Where the keyboard is: the regions of the window, and the way from one to the next. */

const controls =
  'a[href]:not([aria-disabled="true"]), button:not([disabled]), input:not([disabled]), textarea:not([disabled])';

export const focusContent = (): void => document.getElementById('content')?.focus();

/** From the side bar to the page to the status bar, and round. An open dialog keeps the focus. */
export function focusNextRegion(step: 1 | -1): void {
  if (document.activeElement?.closest('[role="dialog"]')) return;
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')];
  const now = regions.findIndex((region) => region.contains(document.activeElement));
  const next = regions.at(now === -1 ? 0 : (now + step) % regions.length);
  (next?.hasAttribute('tabindex') ? next : next?.querySelector<HTMLElement>(controls))?.focus();
}
