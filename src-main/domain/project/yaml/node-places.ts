/** Where the nodes of a parsed YAML text begin and end in it. */
import { isAlias, isCollection, isScalar } from 'yaml';
import type { Node, Pair, ParsedNode, YAMLMap } from 'yaml';

export function isEmpty(node: Node): boolean {
  return isScalar(node) && node.source === '' && node.type === 'PLAIN';
}

export function keyText(pair: Pair): unknown {
  return isScalar(pair.key) ? pair.key.value : undefined;
}

export function pairOf(map: YAMLMap, part: string | number): Pair | undefined {
  return map.items.find((pair) => keyText(pair) === part);
}

export function rangeOf(node: Node): [number, number] {
  const range = (node as ParsedNode).range;
  return [range[0], range[1]];
}

function isPair(item: Node | Pair): item is Pair {
  return !('range' in item) && 'key' in item;
}

export function startOf(item: Node | Pair): number {
  return isPair(item) ? rangeOf(item.key as Node)[0] : rangeOf(item)[0];
}

/** Where the value itself ends, without the comments and blank lines that follow. */
export function endOf(item: Node | Pair): number {
  if (isPair(item)) {
    const value = item.value as Node | null;
    return value ? endOf(value) : rangeOf(item.key as Node)[1];
  }
  if (!isCollection(item) || item.flow) return rangeOf(item)[1];
  const last = item.items.at(-1) as Node | Pair | undefined;
  return last ? endOf(last) : rangeOf(item)[1];
}

export function hasAnchor(item: Node | Pair): boolean {
  if (isPair(item)) return Boolean(item.value && hasAnchor(item.value as Node));
  if (isAlias(item)) return false;
  if (item.anchor) return true;
  return isCollection(item) && item.items.some((one) => hasAnchor(one as Node | Pair));
}
