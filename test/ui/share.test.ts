import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { share } from '../../src-renderer/state/share.ts';

const site = (name: string, text: string) => ({ name, running: { state: 'ok', text } });

describe('a new snapshot', () => {
  it('keeps every part that says the same, and takes each that does not', () => {
    const before = { open: { sites: [site('a', 'x'), site('b', 'x')], name: 'p' }, recent: [1, 2] };
    const next = { open: { sites: [site('a', 'x'), site('b', 'y')], name: 'p' }, recent: [1, 2] };
    const shared = share(before, next);
    expect(shared).toEqual(next);
    expect(shared.open.sites[0]).toBe(before.open.sites[0]);
    expect(shared.open.sites[1]).not.toBe(before.open.sites[1]);
    expect(shared.recent).toBe(before.recent);
    expect(share(before, structuredClone(before))).toBe(before);
  });

  it.each([
    [{ a: undefined }, {}],
    [{}, { a: undefined }],
    [[1, 2], [1]],
    [[1], [1, 2]],
    [[], {}],
    [{}, []],
    [null, {}],
    [{}, null],
    [{ a: 1 }, { b: 1 }],
  ])('is not taken for the one before: %j, %j', (before, next) => {
    expect(share(before, next)).toStrictEqual(next);
  });

  it('is always what was told, and never touches what was there', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, next) => {
        const held = structuredClone(before);
        expect(share(before, next)).toStrictEqual(next);
        expect(before).toStrictEqual(held);
        expect(share(before, structuredClone(before))).toBe(before);
      }),
    );
  });
});
