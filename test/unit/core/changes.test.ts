/** A large state is told by its changes: what the page makes of them is what main told, whatever it was. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { DeskClient } from '../../../src-main/contract/index.ts';
import { changesBetween } from '../../../src-main/core/changes.ts';
import { createWire } from '../../../src-main/core/wire.ts';
import { withChanges } from '../../../src-renderer/bridge/changes.ts';
import { createClient } from '../../../src-renderer/bridge/client.ts';
import type { Carrier, ChannelMessage } from '../../../src-renderer/bridge/carrier.ts';

const sent = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

/** A project whose sites have a part that stands still and one that moves. */
const picture = (count: number, moved: Record<number, string> = {}) => ({
  open: {
    attention: [] as { message: string }[],
    participants: Array.from({ length: count }, (_, index) => ({
      name: `site-${index + 1}`,
      host: { ssh: 'h', user: 'u', directory: `/srv/site-${index + 1}`, path: ['/opt/nvflare/bin'] },
      kit: { state: 'ok', text: 'prod_00' },
      ...(moved[index] === undefined ? {} : { delivered: { state: 'busy', text: moved[index] } }),
    })),
  },
});

describe('the changes between two values', () => {
  it('are the parts that differ, and leave the others the objects they were', () => {
    const before = picture(500, { 0: '10 %', 7: '20 %' });
    const next = picture(500, { 0: '10 %', 7: '30 %', 9: '1 %' });
    const changes = changesBetween(before, next);
    expect(changes).toEqual([
      [['open', 'participants', 7, 'delivered', 'text'], '30 %'],
      [['open', 'participants', 9, 'delivered'], { state: 'busy', text: '1 %' }],
    ]);
    const made = withChanges(before, changes ?? []) as typeof before;
    expect(made).toEqual(next);
    expect(made.open.participants[8]).toBe(before.open.participants[8]);
    expect(made.open.participants[7]?.host).toBe(before.open.participants[7]?.host);
    expect(before).toEqual(picture(500, { 0: '10 %', 7: '20 %' }));
  });

  it('take the whole part where something is gone, and the whole list where its length is another', () => {
    const before = picture(500, { 3: '5 %' });
    const next = { open: { ...picture(500).open, attention: [{ message: 'x' }] } };
    expect(changesBetween(before, next)).toEqual([
      [['open', 'attention'], [{ message: 'x' }]],
      [['open', 'participants', 3], next.open.participants[3]],
    ]);
  });

  it('are few: where too much differs a list is told whole', () => {
    const all = (text: string) =>
      Object.fromEntries(Array.from({ length: 600 }, (_, index) => [index, text]));
    const next = picture(600, all('2 %'));
    expect(changesBetween(picture(600, all('1 %')), next)).toEqual([
      [['open', 'participants'], next.open.participants],
    ]);
  });

  it.each([
    ['a small value', picture(3), picture(3, { 1: '1 %' })],
    ['another kind of thing', picture(500), { open: null }.open],
    ['nothing before', undefined, picture(500)],
  ])('are not told of %s', (_what, before, next) => {
    expect(changesBetween(before, next)).toBeUndefined();
  });

  it('make the one into the other, whatever they are', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.array(fc.jsonValue()),
      fc.dictionary(fc.string(), fc.jsonValue()),
    );
    fc.assert(
      fc.property(value, value, fc.boolean(), (one, other, isNear) => {
        const before = sent({ list: [one, other, 1], 'a key': one });
        const next = sent({ list: [isNear ? one : other, other, 2], 'a key': one, more: other });
        const held = structuredClone(before);
        expect(withChanges(before, sent(changesBetween(before, next, 0) ?? []))).toStrictEqual(next);
        expect(before).toStrictEqual(held);
      }),
    );
  });

  it('do not reach beyond own keys', () => {
    const before = sent({ a: 1 });
    const next = JSON.parse('{"a":1,"__proto__":{"b":2}}') as object;
    const made = withChanges(before, changesBetween(before, next, 0) ?? []) as object;
    expect(Object.keys(made)).toEqual(['a', '__proto__']);
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
    expect(() => withChanges({ a: 1 }, [[['a', 'b'], 1]])).toThrow('No place');
  });
});

/** A page behind a wire whose messages go through JSON, as over a socket. */
function pageOf(state: string, kept: (value: object) => object = (value) => value) {
  let set: (snapshot: { version: number; value: unknown }) => void = () => undefined;
  const subscribe = (_name: string, listener: typeof set) => {
    set = listener;
    return () => undefined;
  };
  const messages: ChannelMessage[] = [];
  const listeners: ((message: ChannelMessage) => void)[] = [];
  const wire = createWire({ subscribe } as unknown as DeskClient, (message) => {
    const channel = sent(message as { message: ChannelMessage }).message;
    messages.push(channel);
    listeners[0]?.(channel);
  });
  const carrier = {
    open: (name: string, payload: unknown, onMessage: (message: ChannelMessage) => void) => {
      listeners.push(onMessage);
      wire.receive({ kind: 'open', id: 1, name, payload });
      return { send: () => undefined, credit: () => undefined, close: () => undefined };
    },
  } as unknown as Carrier;
  const seen = vi.fn(kept);
  createClient(carrier).watch(state as 'workspace.current', seen as never);
  return {
    tell: (version: number, value: unknown) => set({ version, value }),
    push: (message: ChannelMessage) => listeners[0]?.(message),
    messages,
    seen,
  };
}

describe('a large state over the wire', () => {
  it('is told whole once, then by what changed, and the page has it whole each time', () => {
    const page = pageOf('workspace.current');
    page.tell(1, picture(500));
    page.tell(2, picture(500, { 4: '10 %' }));
    page.tell(4, picture(500, { 4: '20 %' }));
    expect(page.messages.map(({ kind }) => kind)).toEqual(['snapshot', 'changes', 'changes']);
    expect(JSON.stringify(page.messages[2]).length).toBeLessThan(200);
    expect(page.seen.mock.lastCall?.[0]).toEqual(picture(500, { 4: '20 %' }));
    page.tell(5, { open: null });
    page.tell(6, picture(500));
    expect(page.messages.slice(3).map(({ kind }) => kind)).toEqual(['snapshot', 'snapshot']);
    expect(page.seen.mock.lastCall?.[0]).toEqual(picture(500));
  });

  it('is changed as the page keeps it: what did not change is the same object the next time', () => {
    const page = pageOf('workspace.current', (value) => structuredClone(value));
    page.tell(1, picture(500));
    page.tell(2, picture(500, { 4: '10 %' }));
    page.tell(3, picture(500, { 4: '10 %', 5: '10 %' }));
    const sitesOf = (value: unknown) => (value as ReturnType<typeof picture>).open.participants;
    const kept = sitesOf(page.seen.mock.results[1]?.value);
    const told = sitesOf(page.seen.mock.lastCall?.[0]);
    expect(told[4]).toBe(kept[4]);
    expect(told[5]).not.toBe(kept[5]);
  });

  it('drops changes of a snapshot that the page does not have', () => {
    const page = pageOf('workspace.current');
    page.tell(1, picture(500));
    page.push({ kind: 'snapshot', first: false, version: 100, value: 'newer' });
    page.tell(2, picture(500, { 4: '10 %' }));
    expect(page.messages.at(-1)?.kind).toBe('changes');
    expect(page.seen.mock.calls.map(([value]) => typeof value)).toEqual(['object', 'string']);
  });

  it('is told whole when its parts may change under it', () => {
    const page = pageOf('jobs.board');
    page.tell(1, picture(500));
    page.tell(2, picture(500, { 4: '10 %' }));
    expect(page.messages.map(({ kind }) => kind)).toEqual(['snapshot', 'snapshot']);
  });
});
