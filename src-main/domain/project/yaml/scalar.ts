/**
 * What a YAML scalar means to NVFlare, which reads with PyYAML's safe loader: YAML 1.1 with PyYAML's own habits
 * (a bare `y` stays text, `1e3` is text, `010` is octal, `12:30` is a number to the base 60; docs/reference/provisioning.md §2.1).
 */

export type ScalarType =
  | 'str'
  | 'int'
  | 'float'
  | 'bool'
  | 'null'
  | 'timestamp'
  | 'binary'
  | 'merge'
  | 'value';

export type ScalarValue = string | number | bigint | boolean | null | Date | Uint8Array;

export interface ResolvedScalar {
  type: ScalarType;
  value: ScalarValue;
}

/** A scalar that matches its type's form but has no value, such as `0x_` or 2024-02-31. PyYAML stops there too. */
export class ScalarError extends Error {}

const boolForm = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/;
const nullForm = /^(?:~|null|Null|NULL|)$/;
const intForm =
  /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/;
const floatForm =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const timestampForm =
  /^([0-9]{4})-([0-9][0-9]?)-([0-9][0-9]?)(?:(?:[Tt]|[ \t]+)([0-9][0-9]?):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?(?:[ \t]*(Z|([-+])([0-9][0-9]?)(?::([0-9]{2}))?))?)?$/;
const dateOnlyForm = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;

/** What a plain (unquoted, untagged) scalar means. */
export function resolvePlain(text: string): ResolvedScalar {
  const first = text.charCodeAt(0);
  const isNumeric = (first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46;
  if (isNumeric) {
    if (floatForm.test(text)) return { type: 'float', value: constructFloat(text) };
    if (first !== 46 && intForm.test(text)) return { type: 'int', value: constructInt(text) };
    if (isTimestamp(text)) return { type: 'timestamp', value: constructTimestamp(text) };
    return { type: 'str', value: text };
  }
  if (text === '<<') return { type: 'merge', value: text };
  if (text === '=') return { type: 'value', value: text };
  if (nullForm.test(text)) return { type: 'null', value: null };
  if (boolForm.test(text)) return { type: 'bool', value: constructBool(text) };
  return { type: 'str', value: text };
}

/** What a scalar with an explicit core tag (`!!int "7"`) means; undefined for a tag the safe loader does not know. */
export function resolveTagged(tag: string, text: string): ResolvedScalar | undefined {
  switch (tag) {
    case 'tag:yaml.org,2002:str':
      return { type: 'str', value: text };
    case 'tag:yaml.org,2002:null':
      return { type: 'null', value: null };
    case 'tag:yaml.org,2002:bool':
      return { type: 'bool', value: constructBool(text) };
    case 'tag:yaml.org,2002:int':
      return { type: 'int', value: constructInt(text) };
    case 'tag:yaml.org,2002:float':
      return { type: 'float', value: constructFloat(text) };
    case 'tag:yaml.org,2002:timestamp':
      return { type: 'timestamp', value: constructTimestamp(text) };
    case 'tag:yaml.org,2002:binary':
      return { type: 'binary', value: constructBinary(text) };
    default:
      return undefined;
  }
}

function constructBool(text: string): boolean {
  const lower = text.toLowerCase();
  if (lower === 'yes' || lower === 'true' || lower === 'on') return true;
  if (lower === 'no' || lower === 'false' || lower === 'off') return false;
  throw new ScalarError(`"${text}" is neither true nor false`);
}

function splitSign(text: string): { sign: 1 | -1; rest: string } {
  const rest = text.replaceAll('_', '');
  if (rest.startsWith('-')) return { sign: -1, rest: rest.slice(1) };
  return { sign: 1, rest: rest.startsWith('+') ? rest.slice(1) : rest };
}

/** A number where it is exact, a bigint beyond. */
function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function digits(prefix: '0b' | '0o' | '0x' | '', text: string, original: string): bigint {
  try {
    if (text === '' || /^[-+\s]/.test(text)) throw new SyntaxError();
    return BigInt(prefix + text);
  } catch {
    throw new ScalarError(`"${original}" is not a whole number`);
  }
}

function constructInt(text: string): number | bigint {
  const { sign, rest } = splitSign(text);
  if (rest === '0') return 0;
  let value: bigint;
  if (rest.startsWith('0b')) value = digits('0b', rest.slice(2), text);
  else if (rest.startsWith('0x')) value = digits('0x', rest.slice(2), text);
  else if (rest.startsWith('0')) value = digits('0o', rest, text);
  else if (rest.includes(':')) {
    value = 0n;
    for (const part of rest.split(':')) value = value * 60n + digits('', part, text);
  } else value = digits('', rest, text);
  return exact(sign === -1 ? -value : value);
}

function constructFloat(text: string): number {
  const { sign, rest } = splitSign(text.toLowerCase());
  if (rest === '.inf') return sign * Number.POSITIVE_INFINITY;
  if (rest === '.nan') return Number.NaN;
  let value: number;
  if (rest.includes(':')) {
    value = 0;
    for (const part of rest.split(':')) value = value * 60 + Number(part);
  } else value = rest === '' ? Number.NaN : Number(rest);
  if (Number.isNaN(value)) throw new ScalarError(`"${text}" is not a number`);
  return sign * value;
}

/** A date alone needs two digits for month and day; with a time, one is enough. */
function isTimestamp(text: string): boolean {
  return dateOnlyForm.test(text) || (text.length > 10 && timestampForm.exec(text)?.[4] !== undefined);
}

function constructTimestamp(text: string): Date {
  const found = timestampForm.exec(text);
  if (!found) throw new ScalarError(`"${text}" is not a date`);
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const milliseconds = Math.floor(Number((found[7] ?? '').slice(0, 6).padEnd(6, '0')) / 1000);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, milliseconds);
  const real =
    year > 0 &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  if (!real) throw new ScalarError(`"${text}" is not a date of the calendar`);
  if (found[9] !== undefined) {
    const offset = (Number(found[10]) * 60 + Number(found[11] ?? 0)) * (found[9] === '-' ? -1 : 1);
    date.setTime(date.getTime() - offset * 60_000);
  }
  return date;
}

const base64Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 with white space and foreign characters skipped, as Python's decoder does. */
function constructBinary(text: string): Uint8Array {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  let symbols = 0;
  let padding = 0;
  for (const character of text) {
    if (character === '=') {
      padding += 1;
      continue;
    }
    const index = base64Alphabet.indexOf(character);
    if (index < 0) continue;
    symbols += 1;
    held = ((held << 6) | index) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
    }
  }
  const missing = (4 - (symbols % 4)) % 4;
  if (missing === 3 || padding < missing) throw new ScalarError('the base64 text is cut short');
  return Uint8Array.from(bytes);
}
