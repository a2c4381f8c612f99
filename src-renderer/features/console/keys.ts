import type { EditKey } from './line-editor.ts';

export type ConsoleKey = EditKey | { type: 'enter' | 'interrupt' | 'end-of-input' | 'complete' | 'clear' };

const named: Record<string, ConsoleKey['type']> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'complete',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x01': 'home',
  '\x02': 'left',
  '\x03': 'interrupt',
  '\x04': 'end-of-input',
  '\x05': 'end',
  '\x06': 'right',
  '\x07': 'leave-search',
  '\x0b': 'cut-to-end',
  '\x0c': 'clear',
  '\x0e': 'down',
  '\x10': 'up',
  '\x12': 'search',
  '\x15': 'cut-to-start',
  '\x17': 'cut-word',
  '\x19': 'paste-cut',
  '\x1b[A': 'up',
  '\x1b[B': 'down',
  '\x1b[C': 'right',
  '\x1b[D': 'left',
  '\x1bOA': 'up',
  '\x1bOB': 'down',
  '\x1bOC': 'right',
  '\x1bOD': 'left',
  '\x1b[H': 'home',
  '\x1b[F': 'end',
  '\x1b[1~': 'home',
  '\x1b[4~': 'end',
  '\x1b[3~': 'delete',
  '\x1b[1;5C': 'word-right',
  '\x1b[1;5D': 'word-left',
  '\x1b[1;3C': 'word-right',
  '\x1b[1;3D': 'word-left',
  '\x1bf': 'word-right',
  '\x1bb': 'word-left',
  '\x1b\x7f': 'cut-word',
  '\x1b': 'leave-search',
};

/** What a terminal sent for one key; undefined for a sequence that means nothing here. */
export function keyOf(data: string): ConsoleKey | undefined {
  const type = named[data];
  if (type !== undefined) return { type } as ConsoleKey;
  if (data.startsWith('\x1b') || data < ' ') return undefined;
  return { type: 'insert', text: data };
}

/**
 * Keys a terminal leaves to the window: without them nobody would get out of it without a mouse, and Ctrl+V would send a
 * control character instead of pasting.
 */
export const isOfTheWindow = (event: {
  key: string;
  shiftKey: boolean;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
}): boolean =>
  event.key === 'F6' ||
  (event.key === 'Tab' && event.shiftKey) ||
  (event.altKey && /^[1-9]$/.test(event.key)) ||
  (event.ctrlKey && !event.altKey && event.key.toLowerCase() === 'v') ||
  event.metaKey;
