/** The values of a policy's evaluation: what is not told, how they compare, what the built-in functions make of them. */

/** A value nobody can tell from here: a claim of the guest that was not given. */
export const untold: unique symbol = Symbol('untold');

/** What a request looks like to the policy. An object with a member `othersUntold` may carry more than are given. */
export type Told = string | number | boolean | null | typeof untold | Told[] | { [key: string]: Told };

/** A set has no literal form in JSON. */
export class Members {
  readonly items: Value[];
  constructor(items: Value[]) {
    this.items = items;
  }
}
export type Value = Told | undefined | Members;

/** Beyond what is told or evaluated here. */
export class Unknown extends Error {
  readonly line: number;
  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}
/** The engine itself would fail. */
export class Failure extends Error {
  readonly line: number;
  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

export function memberOf(value: Value, key: Value, line: number): Value {
  if (value instanceof Members) return isMember(key, value, line) ? key : undefined;
  if (Array.isArray(value)) return typeof key === 'number' ? value[key] : undefined;
  if (typeof value === 'object' && value !== null && typeof key === 'string') {
    if (Object.hasOwn(value, key)) return value[key];
    return Object.hasOwn(value, othersUntold) ? untold : undefined;
  }
  return undefined;
}

/** Member of an object whose other members are not known: `{[othersUntold]: true, measurement: '…'}`. */
export const othersUntold = '\u0000others';

export function isMember(one: Value, many: Value, line: number): boolean {
  const items = many instanceof Members ? many.items : Array.isArray(many) ? many : undefined;
  if (one === untold || many === untold)
    throw new Unknown(`line ${line} asks for a claim not known here`, line);
  return items?.some((item) => isSame(one, item, line)) ?? false;
}

export function isSame(one: Value, other: Value, line: number): boolean {
  if (one === untold || other === untold)
    throw new Unknown(`line ${line} compares a claim not known here`, line);
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, at) => isSame(item, other[at], line));
  }
  if (typeof one === 'object' && one !== null && typeof other === 'object' && other !== null) {
    throw new Unknown(`line ${line} compares whole objects`, line);
  }
  return one === other;
}

const textBuiltins: Record<string, (one: string, other: string) => Told> = {
  endswith: (one, other) => one.endsWith(other),
  startswith: (one, other) => one.startsWith(other),
  contains: (one, other) => one.includes(other),
  split: (one, other) => one.split(other),
  trim_prefix: (one, other) => (one.startsWith(other) ? one.slice(other.length) : one),
  trim_suffix: (one, other) => (one.endsWith(other) ? one.slice(0, one.length - other.length) : one),
};

export function callBuiltin(name: string, values: Value[], line: number): Value {
  if (values.includes(undefined)) return undefined;
  if (values.includes(untold)) throw new Unknown(`line ${line} uses a claim not known here`, line);
  const ofText = Object.hasOwn(textBuiltins, name) ? textBuiltins[name] : undefined;
  if (ofText) {
    const [one, other] = values;
    if (values.length !== 2 || typeof one !== 'string' || typeof other !== 'string') {
      throw new Failure(`${name} on line ${line} needs two texts`, line);
    }
    return ofText(one, other);
  }
  const [only] = values;
  if (name === 'lower' && typeof only === 'string' && values.length === 1) return only.toLowerCase();
  if (name === 'count' && values.length === 1) {
    if (Array.isArray(only)) return only.length;
    if (typeof only === 'string') return [...only].length;
  }
  throw new Unknown(`line ${line} calls ${name}, which is not evaluated here`, line);
}
