/** Every name of the contract: declared once, listed, answered, and closed against everything but its own input. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { findDeclaration } from '../../../src-main/contract/index.ts';
import type { Declaration } from '../../../src-main/contract/kernel.ts';
import {
  callNames,
  promptNames,
  stateNames,
  streamNames,
  taskNames,
} from '../../../src-main/contract/names.ts';
import { findHandler } from '../../../src-main/core/handlers.ts';
import { nullable, refusedInputs, validInputs } from './fixtures.ts';

const withInput = [
  ...callNames.map((name) => ({ kind: 'call', name }) as const),
  ...taskNames.map((name) => ({ kind: 'task', name }) as const),
  ...streamNames.map((name) => ({ kind: 'stream', name }) as const),
];
const listed = [
  ...withInput,
  ...stateNames.map((name) => ({ kind: 'state', name }) as const),
  ...promptNames.map((name) => ({ kind: 'prompt', name }) as const),
];

async function inputOf(name: string): Promise<z.ZodType> {
  for (const kind of ['call', 'task', 'stream'] as const) {
    const declaration = await findDeclaration(kind, name);
    if (declaration) return declaration.input;
  }
  throw new Error(`${name} takes no input`);
}

/** Every declaration there is, whatever names.ts says. */
async function allDeclarations(): Promise<Declaration[]> {
  const modules = await Promise.all([
    import('../../../src-main/contract/projects.ts'),
    import('../../../src-main/contract/kits.ts'),
    import('../../../src-main/contract/provisioning.ts'),
    import('../../../src-main/contract/sites.ts'),
    import('../../../src-main/contract/session.ts'),
    import('../../../src-main/contract/jobs.ts'),
    import('../../../src-main/contract/kbs.ts'),
    import('../../../src-main/contract/tasks.ts'),
    import('../../../src-main/contract/settings.ts'),
    import('../../../src-main/contract/diagnostics.ts'),
    import('../../../src-main/contract/prompts.ts'),
    import('../../../src-main/contract/places.ts'),
    import('../../../src-main/contract/hosts.ts'),
    import('../../../src-main/contract/attestation.ts'),
    import('../../../src-main/contract/builds.ts'),
    import('../../../src-main/contract/bundles.ts'),
    import('../../../src-main/contract/user-data.ts'),
    import('../../../src-main/contract/images.ts'),
    import('../../../src-main/contract/workspace.ts'),
    import('../../../src-main/contract/drafts.ts'),
    import('../../../src-main/contract/custody.ts'),
  ]);
  const isDeclaration = (value: unknown): value is Declaration =>
    typeof value === 'object' && value !== null && 'kind' in value && 'name' in value;
  return modules
    .flatMap((module) => Object.values(module as Record<string, unknown>))
    .filter((group) => typeof group === 'object' && group !== null && !(group instanceof z.ZodType))
    .flatMap((group) => Object.values(group as Record<string, unknown>))
    .filter(isDeclaration);
}

/** Whether a place in a schema lets through text, lists or records without a limit. */
function uncapped(schema: unknown, path: string): string[] {
  const json = z.toJSONSchema(schema as z.ZodType, { unrepresentable: 'any', io: 'input' });
  const walk = (node: unknown, at: string): string[] => {
    if (typeof node !== 'object' || node === null) return [];
    const here = node as Record<string, unknown>;
    const own =
      here['type'] === 'string' &&
      !here['maxLength'] &&
      !here['enum'] &&
      !here['const'] &&
      !capped(here['pattern'])
        ? [`${at}: text`]
        : here['type'] === 'array' && !here['maxItems']
          ? [`${at}: list`]
          : [];
    const children = ['properties', 'items', 'anyOf', 'oneOf', 'allOf'].flatMap((key) =>
      Object.entries(here[key] ?? {}).flatMap(([name, child]) =>
        key === 'items' && name !== '0' ? [] : walk(child, `${at}.${name}`),
      ),
    );
    const items = here['items'] && !Array.isArray(here['items']) ? walk(here['items'], `${at}[]`) : [];
    return [...own, ...children, ...items];
  };
  return walk(json, path);
}

/** A pattern that ends and repeats nothing without limit is a cap of its own. */
const capped = (pattern: unknown): boolean =>
  typeof pattern === 'string' &&
  pattern.startsWith('^') &&
  pattern.endsWith('$') &&
  !/[^\\][+*]|\{\d+,\}/.test(pattern.replace(/\[[^\]]*\]/g, 'x'));

describe('the contract', () => {
  it('lists exactly the declared names', async () => {
    const declared = (await allDeclarations()).map(({ kind, name }) => `${kind} ${name}`).sort();
    expect(listed.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual(declared);
    expect(new Set(declared).size).toBe(declared.length);
  });

  it.each(withInput)('answers $kind $name', async ({ name }) => {
    expect(await findHandler(name)).toBeDefined();
  });

  it.each(withInput)('takes a valid input of $name', async ({ name }) => {
    expect((await inputOf(name)).safeParse(validInputs[name]).error).toBeUndefined();
  });

  it.each(withInput)('refuses an unknown key in $name', async ({ name }) => {
    const input = await inputOf(name);
    expect(input.safeParse({ ...(validInputs[name] as object), surprise: 1 }).success).toBe(false);
  });

  it.each(withInput)('refuses what is no object in $name', async ({ name }) => {
    const input = await inputOf(name);
    for (const wrong of [undefined, null, 7, 'text', [], [validInputs[name]], () => 1]) {
      expect(input.safeParse(wrong).success).toBe(false);
    }
  });

  it.each(withInput)('refuses a wrong type in every field of $name', async ({ name }) => {
    const input = await inputOf(name);
    const valid = validInputs[name] as Record<string, unknown>;
    for (const key of Object.keys(valid)) {
      expect(input.safeParse({ ...valid, [key]: { nested: true } }).success, key).toBe(false);
      expect(input.safeParse({ ...valid, [key]: null }).success, key).toBe(nullable.has(`${name} ${key}`));
    }
  });

  it.each(withInput)('refuses an oversize text or list in every field of $name', async ({ name }) => {
    const input = await inputOf(name);
    const valid = validInputs[name] as Record<string, unknown>;
    for (const [key, value] of Object.entries(valid)) {
      if (typeof value === 'string') {
        expect(input.safeParse({ ...valid, [key]: 'a'.repeat(5_000_001) }).success, key).toBe(false);
      } else if (Array.isArray(value)) {
        const many = Array.from({ length: 100_000 }, (_, index) => `name-${index}`);
        expect(input.safeParse({ ...valid, [key]: many }).success, key).toBe(false);
      }
    }
  });

  it.each(withInput)('has a cap on every text and list of $name', async ({ name }) => {
    expect(uncapped(await inputOf(name), name)).toEqual([]);
  });

  it.each(refusedInputs)('%s refuses %s', async (name, _wrong, input) => {
    expect((await inputOf(name)).safeParse(input).success).toBe(false);
  });

  it('finds nothing under names that are not declared, nor under another kind', async () => {
    for (const name of [
      '',
      'projects',
      'projects.',
      'toString',
      '__proto__.x',
      'constructor.name',
      'projects.check ',
    ]) {
      expect(await findDeclaration('call', name), name).toBeUndefined();
    }
    expect(await findDeclaration('task', 'projects.check')).toBeUndefined();
    expect(await findDeclaration('call', 'provisioning.run')).toBeUndefined();
  });

  it('names as places only fields that exist', async () => {
    for (const declaration of await allDeclarations()) {
      if (!('places' in declaration)) continue;
      const valid = validInputs[declaration.name] as object;
      for (const place of declaration.places ?? []) {
        const probe = declaration.input.safeParse({ ...valid, [place]: { nested: true } });
        const issue = probe.error?.issues.find(({ path }) => path[0] === place);
        expect(issue, `${declaration.name} ${place}`).toBeDefined();
      }
    }
  });
});
