/** Field paths and where they stand. */
import type { YamlNode } from './node.ts';

export type FieldPath = readonly (string | number)[];

/** `a.b[0].c` -> ['a', 'b', 0, 'c']. */
export function parseFieldPath(path: string): (string | number)[] {
  return path
    .split('.')
    .flatMap((part) =>
      Array.from(part.matchAll(/\[(\d+)\]|[^[\]]+/g), (found) =>
        found[1] === undefined ? found[0] : Number(found[1]),
      ),
    );
}

export function fieldPathText(path: FieldPath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

/** The node a path leads to, or the last one on the way that exists. With `atKey`, the key instead of its value. */
export function nodeAt(root: YamlNode, path: FieldPath, atKey = false): YamlNode {
  let node = root;
  let key: YamlNode | undefined;
  for (const part of path) {
    if (node.kind === 'scalar') break;
    const entry = node.kind === 'mapping' ? node.entries.get(part) : undefined;
    const next = node.kind === 'sequence' && typeof part === 'number' ? node.items[part] : entry?.value;
    if (!next) break;
    key = entry?.key;
    node = next;
  }
  return atKey && key ? key : node;
}
