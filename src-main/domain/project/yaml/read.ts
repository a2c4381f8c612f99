/** Reads one YAML text the way PyYAML's safe loader does, keeping positions and finding every problem it can. */
import { isAlias, isMap, isScalar, isSeq, parseDocument, Scalar } from 'yaml';
import type { ParsedNode, YAMLMap, YAMLParseError } from 'yaml';
import type { Finding } from '../../../contract/finding.ts';
import { lineStartsOf, positionAt, shorten } from './node.ts';
import type { YamlEntry, YamlKey, YamlMapping, YamlNode, YamlScalar, YamlSource } from './node.ts';
import { resolvePlain, resolveTagged, ScalarError } from './scalar.ts';
import type { ResolvedScalar } from './scalar.ts';
import { syntaxFinding } from './syntax-messages.ts';

/** A project of 5000 sites with comments is about 1 MB; these limits are far above and keep a hostile file cheap. */
export const yamlLimits = { characters: 8 * 1024 * 1024, depth: 64, nodes: 400_000 };

export interface YamlRead {
  /** Missing when the text could not be understood; the findings say why. */
  root?: YamlNode;
  findings: Finding[];
}

/** Reads a YAML text. `file` is the path shown in findings. Never throws for any text. */
export function readYaml(text: string, file: string): YamlRead {
  const source: YamlSource = { file, lineStarts: lineStartsOf(text) };
  const refused = refuseText(text, source);
  if (refused) return { findings: [refused] };
  try {
    return compose(text, source);
  } catch (error) {
    if (error instanceof RangeError) return { findings: [tooDeep(source, 0)] };
    throw error;
  }
}

function finding(source: YamlSource, offset: number, code: string, message: string, hint?: string): Finding {
  return {
    severity: 'error',
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...positionAt(source, offset),
  };
}

function tooDeep(source: YamlSource, offset: number): Finding {
  return finding(
    source,
    offset,
    'yaml_too_deep',
    `The file nests deeper than ${yamlLimits.depth} levels.`,
    'A project needs about eight levels; check the indentation and the brackets here.',
  );
}

/** Characters YAML forbids (docs of YAML 1.1 §5.1); PyYAML refuses the same ones. */

const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u0080-\u0084\u0086-\u009f\ufffe\uffff]/;

function refuseText(text: string, source: YamlSource): Finding | undefined {
  if (text.length > yamlLimits.characters) {
    return finding(
      source,
      0,
      'yaml_too_large',
      `The file has ${text.length} characters; the limit is ${yamlLimits.characters}.`,
      'A project file of 1000 sites has about 100 kB; check that this is the right file.',
    );
  }
  const control = forbidden.exec(text);
  if (control) {
    const code = text.charCodeAt(control.index).toString(16).padStart(4, '0');
    return finding(
      source,
      control.index,
      'yaml_binary',
      `The file holds the control character U+${code.toUpperCase()}: it is not a YAML text.`,
      'Check that this is the right file and that it is saved as UTF-8 text.',
    );
  }
  return undefined;
}

function compose(text: string, source: YamlSource): YamlRead {
  const document = parseDocument(text, {
    version: '1.1',
    schema: 'failsafe',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  if (document.errors.length > 0) return { findings: syntaxFindings(document.errors, source, text) };
  if (!document.contents) {
    return {
      findings: [
        finding(
          source,
          0,
          'yaml_empty',
          'The file is empty.',
          'Write a project, or start from `flaredesk project new`.',
        ),
      ],
    };
  }
  const converter = new Converter(source);
  const root = converter.convert(document.contents, 1);
  return converter.findings.some((one) => one.severity === 'error') && !converter.usable
    ? { findings: converter.findings }
    : { root, findings: converter.findings };
}

/** After the first few the parser only echoes the first mistake. */
function syntaxFindings(errors: YAMLParseError[], source: YamlSource, text: string): Finding[] {
  const findings: Finding[] = [];
  const lines = new Set<number>();
  for (const error of errors) {
    const position = positionAt(source, error.pos[0]);
    if (lines.has(position.line)) continue;
    lines.add(position.line);
    const { message, hint } = syntaxFinding(error.code, error.message, text, error.pos[0]);
    findings.push({
      severity: 'error',
      code: 'yaml_syntax',
      message,
      ...(hint ? { hint } : {}),
      ...position,
    });
    if (findings.length === 5) break;
  }
  return findings;
}

class Converter {
  readonly findings: Finding[] = [];
  /** False after a problem that leaves the meaning of the file open. */
  usable = true;
  readonly #source: YamlSource;
  readonly #anchors = new Map<string, YamlNode | 'open'>();
  readonly #weights = new Map<YamlNode, number>();

  constructor(source: YamlSource) {
    this.#source = source;
  }

  convert(node: ParsedNode | null | undefined, depth: number): YamlNode {
    const offset = node?.range?.[0] ?? 0;
    if (depth > yamlLimits.depth) {
      if (this.usable) this.findings.push(tooDeep(this.#source, offset));
      this.usable = false;
      return this.#nothing(offset);
    }
    if (!node) return this.#nothing(offset);
    if (isAlias(node)) return this.#alias(node.source, offset);
    if (node.anchor) this.#anchors.set(node.anchor, 'open');
    const converted = this.#withoutAlias(node, offset, depth);
    if (node.anchor) this.#anchors.set(node.anchor, converted);
    return converted;
  }

  #withoutAlias(node: ParsedNode, offset: number, depth: number): YamlNode {
    if (isScalar(node)) return this.#scalar(node, offset);
    if (isSeq(node)) {
      this.#checkCollectionTag(node.tag, ['seq', 'omap', 'pairs'], offset);
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
    this.findings.push(finding(this.#source, offset, code, message, hint));
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
      } else if (node.type === Scalar.PLAIN && node.tag !== '!') resolved = resolvePlain(text);
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
      const key = this.convert(pair.key, depth + 1);
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
    const id = keyOf(key);
    const name = typeof id === 'string' ? id : String(id);
    const earlier = own.get(id);
    if (earlier) {
      const first = positionAt(earlier.key.source, earlier.key.offset);
      this.findings.push(
        finding(
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
