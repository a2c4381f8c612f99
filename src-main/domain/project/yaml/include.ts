/**
 * `include`: a mapping at any depth may name files whose keys are merged in at that place, later keys winning
 * (docs/reference/provisioning.md §2.1). Reading files is the caller's part.
 */
import type { Finding } from '../../../contract/finding.ts';
import type { FlareLine } from '../model.ts';
import { describe, positionOf, shorten } from './node.ts';
import type { YamlEntry, YamlKey, YamlMapping, YamlNode } from './node.ts';

/** What the caller found for one include item. */
export type IncludedFile =
  | { ok: true; identity: string; escapes: boolean; root: YamlNode | undefined; findings: Finding[] }
  | { ok: false; identity: string; escapes: boolean; message: string; hint?: string };

/** `item` as written; `from` = identity of the file that contains the include. */
export type ReadInclude = (item: string, from: string) => Promise<IncludedFile>;

const includeLimit = 500;

export interface IncludeOptions {
  /** Identity (real path) of the file that `root` came from. */
  identity: string;
  line: FlareLine;
  read: ReadInclude;
}

/** Replaces every include by what it names. Findings are added to `findings`. */
export async function expandIncludes(
  root: YamlNode,
  options: IncludeOptions,
  findings: Finding[],
): Promise<YamlNode> {
  if (!mentionsInclude(root, new Set())) return root;
  const expander = new Expander(options, findings);
  return expander.expand(root, [options.identity], new Map());
}

function mentionsInclude(node: YamlNode, seen: Set<YamlNode>): boolean {
  if (node.kind === 'scalar' || seen.has(node)) return false;
  seen.add(node);
  if (node.kind === 'sequence') return node.items.some((item) => mentionsInclude(item, seen));
  if (node.entries.has('include')) return true;
  for (const entry of node.entries.values()) if (mentionsInclude(entry.value, seen)) return true;
  return false;
}

class Expander {
  readonly #options: IncludeOptions;
  readonly #findings: Finding[];
  #count = 0;

  constructor(options: IncludeOptions, findings: Finding[]) {
    this.#options = options;
    this.#findings = findings;
  }

  async expand(node: YamlNode, chain: string[], done: Map<YamlNode, YamlNode>): Promise<YamlNode> {
    if (node.kind !== 'mapping') return node;
    const known = done.get(node);
    if (known) return known;
    const entries = new Map<YamlKey, YamlEntry>();
    for (const [id, entry] of node.entries) {
      if (id === 'include') await this.#include(entry, entries, chain);
      else entries.set(id, { ...entry, value: await this.#value(entry.value, chain, done) });
    }
    const expanded: YamlMapping = { ...node, entries };
    done.set(node, expanded);
    return expanded;
  }

  /** nvflare looks into mappings and into the mappings of a list, not into lists of lists. */
  async #value(node: YamlNode, chain: string[], done: Map<YamlNode, YamlNode>): Promise<YamlNode> {
    if (node.kind !== 'sequence') return this.expand(node, chain, done);
    const known = done.get(node);
    if (known) return known;
    const items: YamlNode[] = [];
    for (const item of node.items) items.push(await this.expand(item, chain, done));
    const expanded: YamlNode = { ...node, items };
    done.set(node, expanded);
    return expanded;
  }

  async #include(entry: YamlEntry, into: Map<YamlKey, YamlEntry>, chain: string[]): Promise<void> {
    const items = entry.value.kind === 'sequence' ? entry.value.items : [entry.value];
    for (const item of items) {
      if (item.kind !== 'scalar' || typeof item.value !== 'string' || item.value === '') {
        this.#fail(
          item,
          'include_invalid',
          `include takes a file name or a list of file names, not ${describe(item)}.`,
        );
        continue;
      }
      const included = await this.#one(item, item.value, chain);
      if (included) for (const [id, one] of included.entries) into.set(id, one);
    }
  }

  async #one(item: YamlNode, written: string, chain: string[]): Promise<YamlMapping | undefined> {
    this.#count += 1;
    if (this.#count > includeLimit) {
      if (this.#count === includeLimit + 1) {
        this.#fail(item, 'include_limit', `More than ${includeLimit} files are included.`);
      }
      return undefined;
    }
    const found = await this.#options.read(written, chain.at(-1) ?? '');
    if (found.escapes && !this.#mayEscape(item, written)) return undefined;
    if (!found.ok) {
      this.#fail(
        item,
        'include_unreadable',
        `The included file ${shorten(written)} ${found.message}`,
        found.hint,
      );
      return undefined;
    }
    if (chain.includes(found.identity)) {
      const path = [...chain, found.identity].join(' → ');
      this.#fail(
        item,
        'include_cycle',
        `The files include each other in a circle: ${path}.`,
        'Remove one of these includes.',
      );
      return undefined;
    }
    this.#findings.push(...found.findings);
    if (!found.root) return undefined;
    if (found.root.kind !== 'mapping') {
      this.#fail(
        item,
        'include_invalid',
        `The included file ${shorten(written)} holds ${describe(found.root)}; it must hold "key: value" entries.`,
      );
      return undefined;
    }
    const expanded = await this.expand(found.root, [...chain, found.identity], new Map());
    return expanded.kind === 'mapping' ? expanded : undefined;
  }

  #mayEscape(item: YamlNode, written: string): boolean {
    const message = `The included file ${shorten(written)} lies outside the folder of the file that includes it; FLARE 2.8 refuses that.`;
    const hint = 'Move the file into that folder or below it.';
    if (this.#options.line === '2.8.1') {
      this.#fail(item, 'include_escapes', message, hint);
      return false;
    }
    this.#findings.push({ severity: 'warning', code: 'include_escapes', message, hint, ...positionOf(item) });
    return true;
  }

  #fail(node: YamlNode, code: string, message: string, hint?: string): void {
    this.#findings.push({
      severity: 'error',
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...positionOf(node),
    });
  }
}
