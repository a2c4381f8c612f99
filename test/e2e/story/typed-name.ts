/** What is asked for by name: a button opens a dialog, which wants the project's name before its button of the same words. */
import type { Locator, Page } from 'playwright';

/** Presses `button` within `place`, types `name`, presses it in the dialog, and waits until that is gone. */
export async function pressAndTypeName(
  page: Page,
  button: string,
  name: string,
  place: Page | Locator = page,
): Promise<void> {
  await place.getByRole('button', { name: button, exact: true }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox').fill(name);
  await dialog.getByRole('button', { name: button, exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
}
