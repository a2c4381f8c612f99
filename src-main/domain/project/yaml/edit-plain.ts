import type { FieldPath } from './path.ts';
import type { WritableValue } from './write.ts';

export type YamlEdit =
  | { kind: 'set'; path: FieldPath; value: WritableValue }
  | { kind: 'append'; path: FieldPath; value: WritableValue }
  | { kind: 'insert'; path: FieldPath; index: number; value: WritableValue }
  | { kind: 'rename'; path: FieldPath; to: string }
  | { kind: 'remove'; path: FieldPath };

/** The same change on plain values: what the edited text must read back as. */
export function applyToPlain(value: unknown, edit: YamlEdit): unknown {
  const holder: { root: unknown } = { root: copyOf(value) };
  const steps: FieldPath = ['root', ...edit.path];
  let parent = holder as unknown as Record<string | number, unknown>;
  for (const step of steps.slice(0, -1)) {
    const missing = parent[step] === undefined || parent[step] === null;
    if (missing) parent[step] = {};
    parent = parent[step] as Record<string | number, unknown>;
  }
  const last = steps.at(-1) ?? 'root';
  if (edit.kind === 'set') parent[last] = withoutUndefined(edit.value);
  else if (edit.kind === 'append')
    parent[last] = [...((parent[last] as unknown[] | null | undefined) ?? []), withoutUndefined(edit.value)];
  else if (edit.kind === 'insert')
    parent[last] = ((parent[last] as unknown[] | null | undefined) ?? []).toSpliced(
      edit.index,
      0,
      withoutUndefined(edit.value),
    );
  else if (edit.kind === 'rename') {
    parent[edit.to] = parent[last];
    delete parent[last];
  } else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
  return holder.root;
}

function withoutUndefined(value: WritableValue): unknown {
  return JSON.parse(JSON.stringify(value));
}

export function sameValue(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (left instanceof Date || right instanceof Date)
    return left instanceof Date && right instanceof Date && left.getTime() === right.getTime();
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(right, key) &&
      sameValue((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]),
  );
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copyOf(one)]));
}
