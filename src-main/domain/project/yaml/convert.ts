/** The parser's nodes -> ours: scalars as PyYAML means them, aliases, merge keys, duplicate keys. */
import { isAlias, isMap, isScalar, isSeq, Scalar } from 'yaml';
import type { ParsedNode, YAMLMap } from 'yaml';
import type { Finding } from '../../../contract/finding.ts';
import { yamlLimits } from './limits.ts';
import { positionAt, shorten } from './node.ts';
import type { YamlEntry, YamlKey, YamlMapping, YamlNode, YamlScalar, YamlSource } from './node.ts';
import { resolvePlain, resolveTagged, ScalarError } from './scalar.ts';
import type { ResolvedScalar } from './scalar.ts';

export function yamlFinding(
  source: YamlSource,
  offset: number,
  code: string,
  message: string,
  hint?: string,
): Finding {
  return {
    severity: 'error',
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...positionAt(source, offset),
  };
}

export function tooDeep(source: YamlSource, offset: number): Finding {
  return yamlFinding(
    source,
    offset,
    'yaml_too_deep',
    `The file nests deeper than ${yamlLimits.depth} levels.`,
    'A project needs about eight levels; check the indentation and the brackets here.',
  );
}

export class Converter {
  readonly findings: Finding[] = [];
  /** False after a problem that leaves the meaning of the file open. */
  usable = true;
  readonly #source: YamlSource;
  readonly #text: string;
  readonly #anchors = new Map<string, YamlNode | 'open'>();
  readonly #weights = new Map<YamlNode, number>();

  constructor(source: YamlSource, text: string) {
    this.#source = source;
    this.#text = text;
  }

  /** `<<` and `=` have a meaning as keys only; as values PyYAML refuses them. */
  convert(node: ParsedNode | null | undefined, depth: number): YamlNode {
    const converted = this.#convertKey(node, depth);
    if (converted.kind === 'scalar' && (converted.type === 'merge' || converted.type === 'value')) {
      this.#fail(
        converted.offset,
        'yaml_value',
        `"${String(converted.value)}" has a special meaning in YAML and cannot be a value.`,
        'Put it in quotes.',
      );
    }
    return converted;
  }

  #convertKey(node: ParsedNode | null | undefined, depth: number): YamlNode {
    const offset = node?.range?.[0] ?? 0;
    if (depth > yamlLimits.depth) {
      if (this.usable) this.findings.push(tooDeep(this.#source, offset));
      this.usable = false;
      return this.#nothing(offset);
    }
    if (!node) return this.#nothing(offset);
    if (isAlias(node)) return this.#alias(node.source, offset);
    if (node.anchor) this.#openAnchor(node.anchor, offset);
    const converted = this.#withoutAlias(node, offset, depth);
    if (node.anchor) this.#anchors.set(node.anchor, converted);
    return converted;
  }

  #openAnchor(name: string, offset: number): void {
    if (this.#anchors.has(name)) {
      this.#fail(
        offset,
        'yaml_alias',
        `The anchor &${shorten(name)} is set twice.`,
        'Give one of them another name.',
      );
    }
    this.#anchors.set(name, 'open');
  }

  #withoutAlias(node: ParsedNode, offset: number, depth: number): YamlNode {
    if (isScalar(node)) return this.#scalar(node, offset);
    if (isSeq(node)) {
      this.#checkCollectionTag(node.tag, ['seq'], offset);
      const items = node.items.map((item) => this.convert(item, depth + 1));
      return this.#weighed({ kind: 'sequence', items, source: this.#source, offset }, items);
    }
    if (isMap(node)) {
      this.#checkCollectionTag(node.tag, ['map', 'set'], offset);
      return this.#mapping(node, offset, depth);
    }
    return this.#nothing(offset);
  }

  #nothing(offset: number): YamlScalar {
    return { kind: 'scalar', type: 'null', value: null, source: this.#source, offset };
  }

  #fail(offset: number, code: string, message: string, hint?: string): void {
    this.usable = false;
    this.findings.push(yamlFinding(this.#source, offset, code, message, hint));
  }

  #alias(name: string, offset: number): YamlNode {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      this.#fail(
        offset,
        'yaml_alias',
        `The alias *${shorten(name)} names no anchor above it.`,
        `Write &${shorten(name)} at the value that is meant.`,
      );
      return this.#nothing(offset);
    }
    if (target === 'open') {
      this.#fail(
        offset,
        'yaml_cycle',
        `The alias *${shorten(name)} contains itself.`,
        'An alias can only repeat a finished value.',
      );
      return this.#nothing(offset);
    }
    return target;
  }

  /** Counts nodes as if every alias were written out, so that a file of nested aliases is refused before it is walked. */
  #weighed<Node extends YamlNode>(node: Node, children: Iterable<YamlNode>): Node {
    let weight = 1;
    for (const one of children) weight += this.#weights.get(one) ?? 1;
    this.#weights.set(node, weight);
    if (weight > yamlLimits.nodes && this.usable) {
      this.#fail(
        node.offset,
        'yaml_too_large',
        `Written out, this value has more than ${yamlLimits.nodes} parts.`,
        'Remove the aliases that repeat each other, or split the project.',
      );
    }
    return node;
  }

  #checkCollectionTag(tag: string | undefined, known: string[], offset: number): void {
    if (tag === undefined || tag === '!' || known.some((one) => tag === `tag:yaml.org,2002:${one}`)) return;
    this.#unknownTag(tag, offset);
  }

  #unknownTag(tag: string, offset: number): void {
    this.#fail(
      offset,
      'yaml_tag',
      `The tag ${shorten(tag)} is not known to NVFlare.`,
      'Remove the tag; write the value alone.',
    );
  }

  #scalar(node: Scalar.Parsed, offset: number): YamlScalar {
    const text = typeof node.value === 'string' ? node.value : node.source;
    let resolved: ResolvedScalar | undefined;
    try {
      if (node.tag !== undefined && node.tag !== '!') {
        resolved = resolveTagged(node.tag, text);
        if (!resolved) this.#unknownTag(node.tag, offset);
      } else if (node.type === Scalar.PLAIN) resolved = resolvePlain(text);
      else resolved = { type: 'str', value: text };
    } catch (error) {
      if (!(error instanceof ScalarError)) throw error;
      this.#fail(
        offset,
        'yaml_value',
        `${error.message}.`,
        'Put the value in quotes if it is meant as text.',
      );
    }
    return { kind: 'scalar', ...(resolved ?? { type: 'str', value: text }), source: this.#source, offset };
  }

  #mapping(node: YAMLMap.Parsed, offset: number, depth: number): YamlMapping {
    const merged: Map<YamlKey, YamlEntry> = new Map();
    const own: Map<YamlKey, YamlEntry> = new Map();
    for (const pair of node.items) {
      const key = this.#convertKey(pair.key, depth + 1);
      if (isScalar(pair.key) && pair.key.source === '' && pair.key.type === Scalar.PLAIN) {
        this.#fail(key.offset, 'yaml_syntax', 'A key is missing before the colon.', 'Write "key: value".');
      }
      this.#checkKeyLine(pair.key);
      const value = this.convert(pair.value ?? undefined, depth + 1);
      if (!pair.value?.range) value.offset = key.offset;
      if (key.kind === 'scalar' && key.type === 'merge') this.#merge(value, merged);
      else this.#add(own, key, value);
    }
    for (const [id, entry] of own) merged.set(id, entry);
    const mapping: YamlMapping = { kind: 'mapping', entries: merged, source: this.#source, offset };
    return this.#weighed(
      mapping,
      Array.from(merged.values(), (entry) => entry.value),
    );
  }

  /** The parser takes a key over two lines inside brackets; PyYAML does not. */
  #checkKeyLine(key: ParsedNode): void {
    const [start, end] = isScalar(key) ? key.range : [0, 0];
    if (end - start < 2) return;
    if (!this.#text.slice(start, end).includes('\n')) return;
    this.#fail(
      start,
      'yaml_syntax',
      'A key goes over two lines.',
      'Check for a missing comma, quote or bracket before it.',
    );
  }

  #add(own: Map<YamlKey, YamlEntry>, key: YamlNode, value: YamlNode): void {
    if (key.kind !== 'scalar') {
      this.#fail(
        key.offset,
        'yaml_key',
        'A list or mapping cannot be a key.',
        'Put text containing [ or { in quotes.',
      );
      return;
    }
    if (key.type === 'value') key.type = 'str';
    const id = keyOf(key);
    const name = typeof id === 'string' ? id : String(id);
    const earlier = own.get(id);
    if (earlier) {
      const first = positionAt(earlier.key.source, earlier.key.offset);
      this.findings.push(
        yamlFinding(
          this.#source,
          key.offset,
          'duplicate_key',
          `The key "${shorten(name)}" is written twice (first in line ${first.line}); nvflare would silently take the last.`,
          'Keep one of the two.',
        ),
      );
    }
    own.set(id, { name, key, value });
  }

  /** `<<` fills in what the mapping itself does not say; of several sources in one list the first wins. */
  #merge(value: YamlNode, merged: Map<YamlKey, YamlEntry>): void {
    const sources = value.kind === 'sequence' ? value.items.toReversed() : [value];
    for (const source of sources) {
      if (source.kind !== 'mapping') {
        this.#fail(
          value.offset,
          'yaml_merge',
          'The merge key << takes a mapping or a list of mappings.',
          'Point it at an anchored mapping: <<: *name',
        );
        return;
      }
      for (const [id, entry] of source.entries) merged.set(id, entry);
    }
  }
}

function keyOf(key: YamlScalar): YamlKey {
  if (key.value instanceof Date) return key.value.toISOString();
  if (key.value instanceof Uint8Array) return `binary ${Array.from(key.value).join(' ')}`;
  return key.value;
}
