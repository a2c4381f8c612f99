import type { Client } from '../../bridge/client.ts';
import { confine } from './confine.ts';
import { commonPrefix, complete, type LineState } from './line-editor.ts';

/** Most candidates that are listed. */
const mostListed = 200;

/** What a Tab leads to: the line with what is certain put in, or the texts that all fit. */
export type Completion = { kind: 'line'; line: LineState } | { kind: 'choice'; texts: string[] };

/** Asks what may stand at the cursor; undefined when nobody knows, or nothing fits. */
export async function completionOf(
  client: Client,
  kit: string,
  line: LineState,
): Promise<Completion | undefined> {
  const answer = await client.call('session.complete', { kit, line: line.text, cursor: line.cursor });
  if (!answer.ok) return undefined;
  const { from } = answer.value;
  // Names the server made up may hold anything; one that a terminal would obey is none to complete.
  const candidates = answer.value.candidates.filter((item) => confine(item.text) === item.text);
  const [first] = candidates;
  if (first === undefined) return undefined;
  const prefix = commonPrefix(candidates.map((item) => item.text));
  const only = candidates.length === 1;
  if (!only && prefix.length <= line.cursor - from) {
    return { kind: 'choice', texts: candidates.slice(0, mostListed).map((item) => item.text) };
  }
  const ends = only && first.kind !== 'file' && first.kind !== 'folder' ? `${prefix} ` : prefix;
  return { kind: 'line', line: complete(line, from, ends) };
}

/** Texts in as many aligned columns as fit. */
export function inColumns(texts: readonly string[], columns: number): string[] {
  const width = Math.max(...texts.map((text) => text.length)) + 2;
  const perLine = Math.max(1, Math.floor(columns / width));
  return Array.from({ length: Math.ceil(texts.length / perLine) }, (_, row) =>
    texts
      .slice(row * perLine, (row + 1) * perLine)
      .map((text) => text.padEnd(width))
      .join('')
      .trimEnd(),
  );
}
