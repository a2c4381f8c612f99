import type { ITheme } from '@xterm/xterm';

/** The terminal's colours from the page's own, so that it follows light, dark and high contrast. */
export function terminalTheme(): ITheme {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  const dark = document.documentElement.dataset.mantineColorScheme === 'dark';
  return {
    background: dark ? '#191c20' : '#ffffff',
    foreground: dark ? '#d7dade' : '#1d2126',
    cursor: dark ? '#d7dade' : '#1d2126',
    selectionBackground: dark ? '#2f5657' : '#bfe0e0',
    red: value('--bad'),
    yellow: value('--warn'),
    green: value('--ok'),
    blue: value('--busy'),
  };
}
