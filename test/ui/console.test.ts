import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Translate } from '../../src-renderer/app/texts.ts';
import type { Client } from '../../src-renderer/bridge/client.ts';
import { completionOf, inColumns } from '../../src-renderer/features/console/completion.ts';
import { confine } from '../../src-renderer/features/console/confine.ts';
import { HeldKeys } from '../../src-renderer/features/console/held-keys.ts';
import { helpText } from '../../src-renderer/features/console/help-text.ts';
import { type ConsoleKey, keyOf } from '../../src-renderer/features/console/keys.ts';
import {
  commonPrefix,
  complete,
  edit,
  type EditKey,
  emptyLine,
  type LineState,
  longestLine,
  searchHit,
  splitRedirect,
} from '../../src-renderer/features/console/line-editor.ts';
import { pastedLines } from '../../src-renderer/features/console/pasted-lines.ts';
import { tableText } from '../../src-renderer/features/console/table-text.ts';

const history = ['list_jobs', 'check_status server', 'abort_job 1234', 'list_jobs -d'];
const press = (keys: EditKey[], start: LineState = emptyLine(history)): LineState =>
  keys.reduce((state, key) => edit(state, key, history), start);
const typed = (text: string): EditKey => ({ type: 'insert', text });
const plainKeys = [
  'left',
  'right',
  'word-left',
  'word-right',
  'home',
  'end',
  'backspace',
  'delete',
  'cut-to-end',
  'cut-to-start',
  'cut-word',
  'paste-cut',
  'up',
  'down',
  'search',
  'leave-search',
] as const;
const anyKey: fc.Arbitrary<EditKey> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 6 }).map(typed),
  fc.constantFrom(...plainKeys).map((type) => ({ type })),
);

describe('the line editor', () => {
  it('keeps the cursor within the line, whatever is pressed', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 60 }), (keys) => {
        let state = emptyLine(history);
        for (const key of keys) {
          state = edit(state, key, history);
          expect(state.cursor).toBeGreaterThanOrEqual(0);
          expect(state.cursor).toBeLessThanOrEqual(state.text.length);
          expect(state.historyIndex).toBeGreaterThanOrEqual(0);
          expect(state.historyIndex).toBeLessThanOrEqual(history.length);
        }
      }),
    );
  });

  it('never leaves half a character', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 40 }), (keys) => {
        const state = press(keys);
        expect(state.text.isWellFormed()).toBe(true);
        expect(state.text.slice(0, state.cursor).isWellFormed()).toBe(true);
      }),
    );
  });

  it('edits as a shell does', () => {
    expect(press([typed('abort_job x'), { type: 'cut-word' }, typed('y')]).text).toBe('abort_job y');
    expect(press([typed('ab'), { type: 'left' }, typed('-')])).toMatchObject({ text: 'a-b', cursor: 2 });
    expect(
      press([typed('one two'), { type: 'cut-to-start' }, { type: 'paste-cut' }, { type: 'paste-cut' }]).text,
    ).toBe('one twoone two');
    expect(
      press([typed('one two'), { type: 'home' }, { type: 'word-right' }, { type: 'cut-to-end' }]),
    ).toMatchObject({
      text: 'one',
      cut: ' two',
    });
    expect(press([typed('a😀'), { type: 'backspace' }]).text).toBe('a');
  });

  it('walks the history and comes back to what was being typed', () => {
    const up = press([typed('half'), { type: 'up' }, { type: 'up' }]);
    expect(up.text).toBe('abort_job 1234');
    expect(press([{ type: 'down' }, { type: 'down' }, { type: 'down' }], up).text).toBe('half');
    expect(press(Array.from({ length: 9 }, () => ({ type: 'up' as const }))).text).toBe('list_jobs');
  });

  it('searches backward, takes the hit with the next key and leaves without it', () => {
    const searching = press([{ type: 'search' }, typed('list')]);
    expect(searchHit(searching, history)).toBe('list_jobs -d');
    const older = press([{ type: 'search' }], searching);
    expect(searchHit(older, history)).toBe('list_jobs');
    expect(press([{ type: 'end' }], older)).toMatchObject({ text: 'list_jobs', cursor: 9 });
    expect(press([{ type: 'leave-search' }], searching)).toMatchObject({ text: '' });
    expect(searchHit(press([{ type: 'search' }, typed('nothing like it')]), history)).toBeUndefined();
  });

  it('takes no more than the longest line', () => {
    expect(press([typed('x'.repeat(longestLine + 10)), typed('y')]).text).toHaveLength(longestLine);
  });

  it('puts a completion in at its place', () => {
    const state = press([
      typed('abort_job 12 client'),
      { type: 'home' },
      { type: 'word-right' },
      { type: 'word-right' },
    ]);
    expect(complete(state, 10, '1234')).toMatchObject({ text: 'abort_job 1234 client', cursor: 14 });
    expect(commonPrefix(['site-1', 'site-12', 'site-2'])).toBe('site-');
    expect(commonPrefix([])).toBe('');
  });

  it.each([
    ['list_jobs > jobs.txt', { command: 'list_jobs', file: 'jobs.txt', append: false }],
    ['list_jobs >> jobs.txt', { command: 'list_jobs', file: 'jobs.txt', append: true }],
    ['grep server "a > b" log.txt', { command: 'grep server "a > b" log.txt', append: false }],
    ["grep server 'x' log.txt >out", { command: "grep server 'x' log.txt", file: 'out', append: false }],
    ['list_jobs >', { command: 'list_jobs', append: false }],
  ])('reads the redirection of %s', (line, wanted) => {
    expect(splitRedirect(line)).toEqual(wanted);
  });
});

describe('keys of a terminal', () => {
  it.each([
    ['\r', 'enter'],
    ['\t', 'complete'],
    ['\x03', 'interrupt'],
    ['\x12', 'search'],
    ['\x1b[A', 'up'],
    ['\x1bOA', 'up'],
    ['\x1b[1;5D', 'word-left'],
    ['\x7f', 'backspace'],
  ])('%j is %s', (data, type) => {
    expect(keyOf(data)).toEqual({ type });
  });

  it('lets text through and drops sequences that mean nothing', () => {
    expect(keyOf('é')).toEqual({ type: 'insert', text: 'é' });
    for (const data of ['\x1b[15~', '\x1b]0;title\x07', '\x1c', '\x00']) expect(keyOf(data)).toBeUndefined();
  });
});

describe('text of the server', () => {
  const dangerous = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

  it('carries no control character, whatever it was', () => {
    const hostile = fc.constantFrom(
      '\x1b]52;c;',
      '\x1b[31m',
      '\x9b',
      '\x07',
      '\r',
      '\u202e',
      '\x1b]8;;http://x',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), hostile)), (parts) => {
        expect(confine(parts.join(''))).not.toMatch(dangerous);
      }),
    );
  });

  it('shows what was taken out, and keeps lines and tabs', () => {
    expect(confine('a\x1b]0;owned\x07b')).toBe('a␛]0;owned␇b');
    expect(confine('one\r\ntwo\tthree')).toBe('one\ntwo\tthree');
  });
});

describe('a table as text', () => {
  it('is never wider than asked while its columns can give way, and never shows an escape', () => {
    const cell = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constant('\x1b[31mred'));
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 40, max: 200 }),
        (rows, columns) => {
          for (const line of tableText(rows, columns)) {
            expect(line.length).toBeLessThanOrEqual(columns);
            expect(line.isWellFormed()).toBe(true);
            expect(line).not.toContain('\x1b');
          }
        },
      ),
    );
  });

  it('aligns columns and cuts the widest first', () => {
    expect(
      tableText(
        [
          ['NAME', 'STATUS'],
          ['a', 'RUNNING'],
        ],
        80,
      ),
    ).toEqual(['NAME  STATUS', 'a     RUNNING']);
    expect(tableText([['short', 'x'.repeat(60)]], 40)[0]).toBe(`short  ${'x'.repeat(32)}…`);
  });
});

describe('a completion', () => {
  const client = (texts: string[], kind = 'file'): Client =>
    ({
      call: () =>
        Promise.resolve({
          ok: true,
          value: { from: 4, candidates: texts.map((text) => ({ text, kind })) },
        }),
    }) as unknown as Client;
  const line = { ...emptyLine([]), text: 'cat lo', cursor: 6 };

  it('puts in what is certain, and offers what is not', async () => {
    expect(await completionOf(client(['log.txt']), 'kit', line)).toMatchObject({
      line: { text: 'cat log.txt' },
    });
    expect(await completionOf(client(['log'], 'site'), 'kit', line)).toMatchObject({
      line: { text: 'cat log ' },
    });
    expect(await completionOf(client(['log.txt', 'log.json']), 'kit', line)).toMatchObject({
      line: { text: 'cat log.' },
    });
    expect(await completionOf(client(['lo1', 'lo2']), 'kit', line)).toEqual({
      kind: 'choice',
      texts: ['lo1', 'lo2'],
    });
    expect(await completionOf(client([]), 'kit', line)).toBeUndefined();
  });

  it('never puts a name into the line that a terminal would obey', async () => {
    for (const evil of ['lo\x1b]0;owned\x07', 'lo\x9b31m', 'lo\rx', 'lo\u202e']) {
      expect(await completionOf(client([evil]), 'kit', line), JSON.stringify(evil)).toBeUndefined();
      expect(await completionOf(client([evil, 'log']), 'kit', line)).toMatchObject({
        line: { text: 'cat log' },
      });
    }
  });

  it('is listed in columns that fit', () => {
    expect(inColumns(['a', 'bbb', 'cc'], 11)).toEqual(['a    bbb', 'cc']);
    expect(inColumns(['a very long one'], 5)).toEqual(['a very long one']);
  });
});

describe('help', () => {
  const t = ((key: string) => key) as unknown as Translate;
  const command = (name: string, usage: string) => ({
    scope: 's',
    name,
    description: 'does\x1b[31m it',
    usage,
    confirm: 'none',
  });

  it('confines what the server says of its commands', () => {
    const commands = [command('list', 'list\x1b]52;c;x\x07'), command('e\x1b[2Jvil', '')];
    for (const name of [undefined, 'list', 'e\x1b[2Jvil']) {
      for (const { text } of helpText(commands, name, 80, t)) expect(text).not.toContain('\x1b');
    }
    expect(helpText(commands, 'nothing', 80, t)).toEqual([{ text: 'console.unknownCommand', style: '31' }]);
  });
});

describe('a paste', () => {
  it('is lines that say something, confined; a huge one is refused', () => {
    expect(pastedLines('one\r\n\r\n two\x1b[31m \rthree\n')).toEqual({
      kind: 'lines',
      lines: ['one', ' two␛[31m', 'three'],
    });
    expect(pastedLines('x'.repeat(5_000_000))).toMatchObject({ kind: 'too-long', most: '256 KiB' });
  });
});

describe('keys held during a completion', () => {
  it('follow its answer in order, or the end of the patience', async () => {
    const held = new HeldKeys();
    const released: string[] = [];
    const release = (key: ConsoleKey) => void released.push(key.type);
    let end = (): void => undefined;
    held.during(() => new Promise<void>((resolve) => (end = resolve)), 5000, release);
    expect(held.take(typed('a'))).toBe(true);
    expect(held.take({ type: 'enter' })).toBe(true);
    end();
    await new Promise((resolve) => setTimeout(resolve));
    expect(released).toEqual(['insert', 'enter']);
    held.during(() => new Promise(() => undefined), 10, release);
    held.take({ type: 'up' });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(released.at(-1)).toBe('up');
    held.during(() => new Promise(() => undefined), 10, release);
    held.take({ type: 'down' });
    expect(held.take({ type: 'interrupt' })).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(released).not.toContain('down');
  });
});
