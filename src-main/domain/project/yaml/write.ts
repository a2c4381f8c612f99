/** Renders new values as YAML that NVFlare reads back as they are. */
import { resolvePlain } from './scalar.ts';

export type WritableValue =
  | string
  | number
  | boolean
  | null
  | WritableValue[]
  | { [key: string]: WritableValue | undefined };

/** Plain words that need no quotes anywhere, also inside brackets. */
const plainForm = /^[A-Za-z0-9_./][A-Za-z0-9_./@+=-]*(?: [A-Za-z0-9_./@+=-]+)*$/;

export function renderScalar(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return String(value);
  // JSON's escapes are YAML's; an unwritable character never gets here, PyYAML would refuse it.
  return plainForm.test(value) && resolvePlain(value).type === 'str' ? value : JSON.stringify(value);
}

function isMapping(value: WritableValue): value is { [key: string]: WritableValue | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function entriesOf(value: { [key: string]: WritableValue | undefined }): [string, WritableValue][] {
  return Object.entries(value).filter((entry): entry is [string, WritableValue] => entry[1] !== undefined);
}

/** One line: `{ ssh: a, path: [b, c] }`. */
export function renderFlow(value: WritableValue): string {
  if (Array.isArray(value)) return `[${value.map(renderFlow).join(', ')}]`;
  if (!isMapping(value)) return renderScalar(value);
  const entries = entriesOf(value).map(([key, one]) => `${renderScalar(key)}: ${renderFlow(one)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

/** Lines of a mapping in block form, without indentation of the first level. */
function renderEntries(value: { [key: string]: WritableValue | undefined }): string[] {
  return entriesOf(value).flatMap(([key, one]) => renderEntry(key, one));
}

export function renderEntry(key: string, value: WritableValue): string[] {
  const name = renderScalar(key);
  const isFlat =
    !isMapping(value) || entriesOf(value).every(([, one]) => typeof one !== 'object' || one === null);
  if (isFlat || !isMapping(value)) return [`${name}: ${renderFlow(value)}`];
  return [`${name}:`, ...renderEntries(value).map((line) => `  ${line}`)];
}

/** Lines of a list item: the first starts with `- `. */
export function renderItem(value: WritableValue): string[] {
  const lines = isMapping(value) && entriesOf(value).length > 0 ? renderEntries(value) : [renderFlow(value)];
  return lines.map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`));
}
