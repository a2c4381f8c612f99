import { confine } from './confine.ts';

/** A paste larger than this is refused: it is no command. In characters. */
const mostPasted = 256 * 1024;

export type Pasted = { kind: 'lines'; lines: string[] } | { kind: 'too-long'; size: string; most: string };

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1024)} KiB`;

/** The lines of a paste that say something, as a terminal may see them. */
export function pastedLines(text: string): Pasted {
  if (text.length > mostPasted) {
    return { kind: 'too-long', size: kilobytes(text.length), most: kilobytes(mostPasted) };
  }
  const lines = text
    .split(/\r\n|\r|\n/)
    .map((line) => confine(line).trimEnd())
    .filter((line) => line !== '');
  return { kind: 'lines', lines };
}
