/**
 * Changes a YAML text in place: what is not meant stays byte for byte, comments and order included. Every change is read
 * back and compared; a text for which that fails is not changed at all.
 */
import { isAlias, isCollection, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Node, Pair, YAMLMap, YAMLSeq } from 'yaml';
import { DeskError } from '../../../contract/errors.ts';
import { fieldPathText } from './path.ts';
import type { FieldPath } from './path.ts';
import { applyToPlain, sameValue } from './edit-plain.ts';
import type { YamlEdit } from './edit-plain.ts';
import { toPlain } from './node.ts';
import { isEmpty, keyText, pairOf, rangeOf, startOf, endOf, hasAnchor } from './node-places.ts';
import { readYaml } from './read.ts';
import { renderEntry, renderFlow, renderItem, renderScalar } from './write.ts';
import type { WritableValue } from './write.ts';

interface Splice {
  start: number;
  end: number;
  text: string;
}

/**
 * Applies edits one after the other. `file` is named in errors.
 * Throws `invalid_input` when the text is not valid YAML, `not_found` for a path that leads nowhere, `conflict` when the
 * place cannot be changed without touching something else (an alias, a merged or included value).
 */
export function editYaml(text: string, file: string, edits: readonly YamlEdit[]): string {
  return edits.reduce((current, edit) => applyEdit(current, file, edit), text);
}

function applyEdit(text: string, file: string, edit: YamlEdit): string {
  const before = plainOf(text, file);
  const document = parseDocument(text, { version: '1.1', schema: 'failsafe', uniqueKeys: false });
  const editor = new Editor(text, file, edit.path);
  const splice = editor.splice(document.contents, edit);
  const changed = text.slice(0, splice.start) + splice.text + text.slice(splice.end);
  const wanted = applyToPlain(before, edit);
  const { root, findings } = readYaml(changed, file);
  if (!root || findings.length > 0 || !sameValue(toPlain(root), wanted))
    throw editor.conflict('the text around it does not allow it');
  return changed;
}

function plainOf(text: string, file: string): unknown {
  const { root, findings } = readYaml(text, file);
  const [first] = findings;
  if (root && !first) return toPlain(root);
  throw new DeskError(
    'invalid_input',
    `${file} is not changed, because it does not read cleanly: ${first?.message ?? ''}`,
    {
      hint: first?.hint ?? 'Correct it in an editor first.',
      fields: findings.map(({ file: at, line, column, message, hint }) => ({
        file: at,
        line,
        column,
        message,
        hint,
      })),
    },
  );
}

class Editor {
  readonly #text: string;
  readonly #file: string;
  readonly #path: FieldPath;
  readonly #eol: string;

  constructor(text: string, file: string, path: FieldPath) {
    this.#text = text;
    this.#file = file;
    this.#path = path;
    this.#eol = text.includes('\r\n') ? '\r\n' : '\n';
  }

  conflict(reason: string): DeskError {
    return new DeskError(
      'conflict',
      `${fieldPathText(this.#path)} in ${this.#file} cannot be changed here: ${reason}.`,
      {
        hint: 'Change it in an editor.',
      },
    );
  }

  #missing(): DeskError {
    return new DeskError('not_found', `${this.#file} has no ${fieldPathText(this.#path)}.`);
  }

  splice(root: Node | null, edit: YamlEdit): Splice {
    if (edit.kind === 'append') {
      const list = this.#resolve(root, edit.path);
      if (list === undefined) return this.#setIn(root, edit.path, [edit.value]);
      if (isScalar(list) && isEmpty(list)) return this.#replace(list, [edit.value]);
      if (!isSeq(list)) throw this.conflict('it is not a list');
      if (list.flow && list.items.length === 0 && edit.path.length === 1 && isMap(root) && !root.flow)
        return this.#firstOf(list, edit.value);
      return list.flow
        ? this.#insertInFlow(list, renderFlow(edit.value))
        : this.#insertInBlock(list, renderItem(edit.value));
    }
    if (edit.kind === 'insert') {
      const list = this.#resolve(root, edit.path);
      if (!isSeq(list)) throw this.conflict('it is not a list');
      return this.#insertBefore(list, edit.index, edit.value);
    }
    if (edit.kind === 'rename') return this.#rename(root, edit.path, edit.to);
    if (edit.kind === 'set') return this.#setIn(root, edit.path, edit.value);
    return this.#remove(root, edit.path);
  }

  /** The first entry of an empty list at the top level: written as a block, as a person would. */
  #firstOf(list: YAMLSeq, value: WritableValue): Splice {
    const [start, end] = rangeOf(list);
    const from = this.#text.slice(0, start).trimEnd().length;
    const lines = renderItem(value).map((line) => `  ${line}`);
    return { start: from, end, text: `${this.#eol}${lines.join(this.#eol)}` };
  }

  #setIn(root: Node | null, path: FieldPath, value: WritableValue): Splice {
    const existing = this.#resolve(root, path);
    if (existing !== undefined) return this.#replace(existing, value);
    const parent = this.#resolve(root, path.slice(0, -1));
    const key = path.at(-1);
    if (typeof key !== 'string') throw this.#missing();
    if (parent !== undefined && isScalar(parent) && isEmpty(parent))
      return this.#replace(parent, { [key]: value });
    if (parent === undefined && path.length > 1)
      return this.#setIn(root, path.slice(0, -1), { [key]: value });
    if (!isMap(parent)) throw this.#missing();
    if (!parent.flow) return this.#insertInBlock(parent, renderEntry(key, value));
    return this.#insertInFlow(parent, renderFlow({ [key]: value }).slice(2, -2));
  }

  /** The node at a path; undefined when its last step is missing. */
  #resolve(root: Node | null, path: FieldPath): Node | undefined {
    let node: Node | null | undefined = root;
    for (const part of path) {
      if (isAlias(node)) throw this.conflict('the value is shared through an alias');
      if (isMap(node)) node = pairOf(node, part)?.value as Node | null | undefined;
      else if (isSeq(node) && typeof part === 'number') node = node.items[part] as Node | undefined;
      else return undefined;
      if (node === undefined || node === null) return undefined;
    }
    if (isAlias(node)) throw this.conflict('the value is shared through an alias');
    return node ?? undefined;
  }

  #replace(node: Node, value: WritableValue): Splice {
    const [start, end] = rangeOf(node);
    if (node.anchor) throw this.conflict('other places repeat it through an alias');
    const rendered = renderFlow(value);
    if (isScalar(node) && isEmpty(node)) {
      const needsBlank = !/[\s]$/.test(this.#text.slice(0, start));
      return { start, end, text: `${needsBlank ? ' ' : ''}${rendered}` };
    }
    if (isCollection(node) && !node.flow) {
      const from = this.#text.slice(0, start).trimEnd().length;
      return { start: from, end: endOf(node), text: ` ${rendered}` };
    }
    const isBlockText = isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED');
    return { start, end, text: isBlockText ? `${rendered}${this.#eol}` : rendered };
  }

  #insertInFlow(collection: YAMLMap | YAMLSeq, rendered: string): Splice {
    const [start, end] = rangeOf(collection);
    const last = collection.items.at(-1);
    if (last === undefined) {
      const inner = isMap(collection) ? `{ ${rendered} }` : `[${rendered}]`;
      return { start, end, text: inner };
    }
    const at = endOf(last as Node | Pair);
    return { start: at, end: at, text: `, ${rendered}` };
  }

  #insertInBlock(collection: YAMLMap | YAMLSeq, lines: string[]): Splice {
    const column = this.#columnOf(rangeOf(collection)[0]);
    const indent = ' '.repeat(column);
    const last = collection.items.at(-1) as Node | Pair;
    const at = this.#lineEnd(endOf(last));
    const text = lines.map((line) => indent + line).join(this.#eol);
    const startsLine = at === 0 || this.#text[at - 1] === '\n';
    return { start: at, end: at, text: startsLine ? text + this.#eol : this.#eol + text };
  }

  #insertBefore(list: YAMLSeq, index: number, value: WritableValue): Splice {
    const item = list.items[index] as Node | undefined;
    if (item === undefined) {
      return list.flow
        ? this.#insertInFlow(list, renderFlow(value))
        : this.#insertInBlock(list, renderItem(value));
    }
    const start = startOf(item);
    if (list.flow) return { start, end: start, text: `${renderFlow(value)}, ` };
    const lineStart = this.#lineStart(start);
    const column = this.#columnOf(rangeOf(list)[0]);
    if (!/^\s*-\s*$/.test(this.#text.slice(lineStart, start)) || !this.#startsAt(list, lineStart))
      throw this.conflict('it shares its line with the start of the list');
    const at = index === 0 ? lineStart : this.#commentsAbove(lineStart);
    const lines = renderItem(value).map((line) => ' '.repeat(column) + line + this.#eol);
    return { start: at, end: at, text: lines.join('') };
  }

  #rename(root: Node | null, path: FieldPath, to: string): Splice {
    const parent = this.#resolve(root, path.slice(0, -1));
    const part = path.at(-1);
    const pair = isMap(parent) && part !== undefined ? pairOf(parent, part) : undefined;
    if (!isMap(parent) || !pair) throw this.#missing();
    if (pairOf(parent, to)) throw this.conflict(`"${to}" is written there too`);
    const [start, end] = rangeOf(pair.key as Node);
    return { start, end, text: renderScalar(to) };
  }

  #remove(root: Node | null, path: FieldPath): Splice {
    const parent = this.#resolve(root, path.slice(0, -1));
    const part = path.at(-1);
    if (!isCollection(parent) || part === undefined) throw this.#missing();
    const index = isMap(parent)
      ? parent.items.findIndex((pair) => keyText(pair) === part)
      : typeof part === 'number'
        ? part
        : -1;
    const item = parent.items[index] as Node | Pair | undefined;
    if (item === undefined) throw this.#missing();
    if (hasAnchor(item)) throw this.conflict('other places repeat it through an alias');
    if (parent.items.length === 1) {
      const empty = isMap(parent) ? '{}' : '[]';
      if (parent === root) throw this.conflict('nothing would be left');
      return this.#replaceWhole(parent, empty);
    }
    return parent.flow ? this.#cutFromFlow(parent, index) : this.#cutFromBlock(parent, index);
  }

  #replaceWhole(collection: YAMLMap | YAMLSeq, text: string): Splice {
    const [start, end] = rangeOf(collection);
    if (collection.flow) return { start, end, text };
    return { start: this.#text.slice(0, start).trimEnd().length, end: endOf(collection), text: ` ${text}` };
  }

  #cutFromFlow(collection: YAMLMap | YAMLSeq, index: number): Splice {
    const items = collection.items as (Node | Pair)[];
    const previous = items[index - 1];
    const next = items[index + 1];
    const item = items[index] as Node | Pair;
    if (previous) return { start: endOf(previous), end: endOf(item), text: '' };
    return { start: startOf(item), end: startOf(next as Node | Pair), text: '' };
  }

  /** Whole lines, with the comment lines right above when they belong to this item and not to the whole list. */
  #cutFromBlock(collection: YAMLMap | YAMLSeq, index: number): Splice {
    const items = collection.items as (Node | Pair)[];
    const item = items[index] as Node | Pair;
    const lineStart = this.#lineStart(startOf(item));
    const isOwnLine =
      /^[\s-]*$/.test(this.#text.slice(lineStart, startOf(item))) && this.#startsAt(collection, lineStart);
    if (!isOwnLine) throw this.conflict('it shares its line with the start of the list');
    const start = index === 0 ? lineStart : this.#commentsAbove(lineStart);
    const end = this.#lineEnd(endOf(item));
    const past = this.#text[end] === '\r' ? end + 2 : end + 1;
    return {
      start,
      end: this.#text[end - 1] === '\n' && end > 0 ? end : Math.min(past, this.#text.length),
      text: '',
    };
  }

  /** False for the first key of `- name: x`, whose line also holds the dash of the outer list. */
  #startsAt(collection: YAMLMap | YAMLSeq, lineStart: number): boolean {
    const column = this.#columnOf(rangeOf(collection)[0]);
    return this.#text.slice(lineStart, lineStart + column).trim() === '';
  }

  #commentsAbove(lineStart: number): number {
    let start = lineStart;
    while (start > 0) {
      const above = this.#lineStart(start - 1);
      if (!/^\s*#/.test(this.#text.slice(above, start))) break;
      start = above;
    }
    return start;
  }

  #lineStart(offset: number): number {
    return this.#text.lastIndexOf('\n', offset - 1) + 1;
  }

  #columnOf(offset: number): number {
    return offset - this.#lineStart(offset);
  }

  /** Past a comment that follows on the same line; block text already ends at a line's start. */
  #lineEnd(offset: number): number {
    if (offset > 0 && this.#text[offset - 1] === '\n') return offset;
    const found = this.#text.indexOf('\n', offset);
    if (found < 0) return this.#text.length;
    return this.#text[found - 1] === '\r' ? found - 1 : found;
  }
}
