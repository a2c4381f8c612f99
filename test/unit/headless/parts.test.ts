import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../../src-main/contract/errors.ts';
import type { StreamItem } from '../../../src-main/contract/index.ts';
import { confine } from '../../../src-main/headless/confine.ts';
import { complete, namesIn } from '../../../src-main/headless/console/complete.ts';
import { renderReply } from '../../../src-main/headless/console/render-reply.ts';
import { exitCodeOf } from '../../../src-main/headless/exit-codes.ts';
import { renderError } from '../../../src-main/headless/printer.ts';
import { createProgressView } from '../../../src-main/headless/progress.ts';
import { createPrompter } from '../../../src-main/headless/prompter.ts';
import { table } from '../../../src-main/headless/table.ts';
import { fakeTerminal } from './fake-terminal.ts';

const escape = '\u001b';
const signal = new AbortController().signal;

describe('text of others', () => {
  it.each([
    ['a title', `a${escape}]0;owned\u0007b`, 'ab'],
    ['the clipboard', `a${escape}]52;c;aGk=${escape}\\b`, 'ab'],
    ['a link', `${escape}]8;;http://evil${escape}\\click${escape}]8;;${escape}\\`, 'click'],
    ['colours and moves', `${escape}[31mred${escape}[0m${escape}[2J${escape}[5A`, 'red'],
    ['a device control string', `x${escape}Pq#0${escape}\\y`, 'xy'],
    ['a lone escape', `x${escape}`, 'x'],
    ['C1 controls', 'x\u009b31my', 'x31my'],
    ['a carriage return that hides', 'good\rbad', 'goodbad'],
    ['reversed reading', 'a\u202eb', 'ab'],
    ['line ends and tabs, which stay', 'a\tb\r\nc\n', 'a\tb\nc\n'],
  ])('loses %s', (_what, text, shown) => {
    expect(confine(text)).toBe(shown);
  });

  it('never holds a control character but line end and tab afterwards', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(confine(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      }),
    );
  });
});

describe('exit codes', () => {
  const expected: Record<string, number> = {
    bad_usage: 2,
    invalid_input: 2,
    not_found: 2,
    needs_confirmation: 2,
    unsupported: 2,
    too_large: 2,
    cancelled: 130,
  };
  it.each(errorCodes)('of %s', (code) => {
    expect(exitCodeOf({ code })).toBe(expected[code] ?? 1);
  });
});

describe('a table', () => {
  it('lines up and confines', () => {
    expect(
      table(
        [
          ['a', `b${escape}[2J`],
          ['longer', 'c\nd'],
        ],
        ['NAME', 'X'],
      ),
    ).toBe('NAME    X\na       b\nlonger  c d\n');
  });
});

describe('an error for people', () => {
  it('has fields, hint and no colours without a terminal', () => {
    const text = renderError(
      {
        code: 'invalid_input',
        message: 'Two problems.',
        hint: 'Fix them.',
        retryable: false,
        fields: [{ file: 'p.yml', line: 3, column: 5, path: 'a.b', message: `wrong${escape}[2J` }],
      },
      fakeTerminal(),
    );
    expect(text).toBe('error: Two problems. [invalid_input]\n  p.yml:3:5 a.b: wrong\nhint: Fix them.\n');
  });

  it('has colours at a terminal, unless NO_COLOR', () => {
    const error = { code: 'conflict', message: 'No.', retryable: false } as const;
    expect(renderError(error, fakeTerminal({ tty: true }))).toContain(`${escape}[31m`);
    expect(renderError(error, fakeTerminal({ tty: true, environment: { NO_COLOR: '1' } }))).not.toContain(
      escape,
    );
  });
});

const progress = (done: number, target?: string): StreamItem<'tasks.watch'> => ({
  kind: 'progress',
  id: 't',
  progress: { step: 'upload', done, total: 100, unit: 'bytes', ...(target ? { target } : {}) },
});
const site = (target: string, status: 'running' | 'succeeded' | 'failed'): StreamItem<'tasks.watch'> => ({
  kind: 'task',
  task: {
    id: target,
    kind: 'k',
    title: 't',
    target,
    parent: 't',
    status,
    steps: [{ name: 'connect', state: 'running' }],
    actions: [],
    created_at: '2026-01-01T00:00:00.000Z',
    ...(status === 'failed'
      ? { error: { code: 'unreachable' as const, message: 'no route', retryable: true } }
      : {}),
  },
});

describe('progress', () => {
  it('is at most one plain line a second without a terminal, the last one never lost', async () => {
    const terminal = fakeTerminal();
    const view = createProgressView(terminal);
    for (let done = 1; done <= 100; done += 1) {
      view.show(progress(done));
      await pause(3);
    }
    view.end();
    const lines = terminal.err().trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(3);
    expect(lines.at(-1)).toBe('upload 100 B of 100 B (100 %)');
    expect(terminal.err()).not.toContain(escape);
  });

  it('is a line per site at a terminal, and gone at the end', async () => {
    const terminal = fakeTerminal({ tty: true, environment: { NO_COLOR: '1' } });
    const view = createProgressView(terminal);
    view.show(site('site-1', 'running'));
    view.show(progress(50, 'site-2'));
    view.show(site('site-3', 'failed'));
    await pause(200);
    expect(terminal.err()).toContain('site-1  connect');
    expect(terminal.err()).toContain('site-2  upload 50 B of 100 B (50 %)');
    expect(terminal.err()).toContain('✗ site-3  no route');
    view.end();
    await pause(5);
    expect(terminal.err().endsWith(`${escape}[3A${escape}[0J`)).toBe(true);
  });

  it('counts when there are more sites than rows', async () => {
    const terminal = fakeTerminal({ tty: true });
    const view = createProgressView(terminal);
    for (let index = 0; index < 500; index += 1)
      view.show(site(`site-${index}`, index < 490 ? 'succeeded' : 'running'));
    await pause(200);
    expect(terminal.err()).toContain('490 done, 0 failed, 10 at work');
    expect(terminal.err().split('\n').length).toBeLessThan(24);
    view.end();
  });
});

describe('questions at the terminal', () => {
  const passphrase = { what: '/home/me/key', attempt: 1 };
  const hostKey = {
    host: 'h',
    port: 22,
    key_type: 'ssh-ed25519',
    fingerprint: 'SHA256:abc',
    notes: ['Compare it.'],
  };

  it('need an option when there is none', async () => {
    const prompter = createPrompter(fakeTerminal(), {});
    await expect(prompter('prompts.passphrase', passphrase, signal)).rejects.toMatchObject({
      code: 'needs_confirmation',
      hint: expect.stringContaining('--passphrase-fd') as string,
    });
    await expect(prompter('prompts.host_key', hostKey, signal)).rejects.toMatchObject({
      code: 'needs_confirmation',
      hint: expect.stringContaining('--accept-host-key') as string,
    });
    await expect(prompter('prompts.confirm', { question: 'Sure?' }, signal)).rejects.toMatchObject({
      hint: expect.stringContaining('--yes') as string,
    });
  });

  it('take a passphrase from a file descriptor, once', async () => {
    const terminal = fakeTerminal();
    const file = join(terminal.currentFolder, 'secret');
    writeFileSync(file, 'open sesame\nsecond line\n');
    const prompter = createPrompter(terminal, { passphraseFd: openSync(file, 'r') });
    expect(await prompter('prompts.passphrase', passphrase, signal)).toEqual({ passphrase: 'open sesame' });
    expect(await prompter('prompts.passphrase', { ...passphrase, what: 'other' }, signal)).toEqual({
      passphrase: 'open sesame',
    });
    expect(await prompter('prompts.passphrase', { ...passphrase, attempt: 2 }, signal)).toEqual({
      passphrase: null,
    });
  });

  it('say which descriptor cannot be read', async () => {
    const prompter = createPrompter(fakeTerminal(), { passphraseFd: 977 });
    await expect(async () => prompter('prompts.passphrase', passphrase, signal)).rejects.toMatchObject({
      code: 'bad_usage',
      message: expect.stringContaining('977') as string,
    });
  });

  it('do not show a passphrase while it is typed', async () => {
    const terminal = fakeTerminal({ tty: true });
    const prompter = createPrompter(terminal, {});
    const asked = prompter('prompts.passphrase', passphrase, signal);
    setTimeout(() => terminal.type('hunter2\r'), 10);
    expect(await asked).toEqual({ passphrase: 'hunter2' });
    await pause(5);
    expect(terminal.err()).toContain('Passphrase for /home/me/key: ');
    expect(terminal.err() + terminal.out()).not.toContain('hunter2');
  });

  it.each([
    ['yes\r', true],
    ['YES\r', true],
    ['y\r', false],
    ['\r', false],
    ['\u0003', false],
    ['\u0004', false],
  ])('connect to an unknown host only after a written yes (%j)', async (typed, accept) => {
    const terminal = fakeTerminal({ tty: true });
    const asked = createPrompter(terminal, {})('prompts.host_key', hostKey, signal);
    setTimeout(() => terminal.type(typed), 10);
    expect(await asked).toEqual({ accept });
    expect(terminal.err()).toContain('SHA256:abc');
    expect(terminal.err()).toContain('Compare it.');
  });

  it('want the very text for far-reaching acts', async () => {
    for (const [typed, yes] of [
      ['study\r', true],
      ['y\r', false],
    ] as const) {
      const terminal = fakeTerminal({ tty: true });
      const asked = createPrompter(terminal, {})(
        'prompts.confirm',
        { question: 'Sure?', typed: 'study' },
        signal,
      );
      setTimeout(() => terminal.type(typed), 10);
      expect(await asked).toEqual({ yes });
    }
  });

  it('end when the work is cancelled', async () => {
    const stop = new AbortController();
    const asked = createPrompter(fakeTerminal({ tty: true }), {})(
      'prompts.passphrase',
      passphrase,
      stop.signal,
    );
    setTimeout(() => stop.abort(), 10);
    expect(await asked).toEqual({ passphrase: null });
  });
});

describe('the console', () => {
  const command = (name: string, usage = name) => ({
    scope: 's',
    name,
    usage,
    description: '',
    confirm: 'none',
  });
  const opened = {
    commands: [
      command('check_status', 'check_status server|client|all [<client>]'),
      command('cat'),
      command('abort_job'),
    ],
  };

  it.each([
    ['ch', ['check_status '], 'ch'],
    ['', ['?', 'abort_job', 'bye', 'cat', 'check_status', 'exit', 'help'].map((name) => `${name} `), ''],
    ['check_status s', ['server ', 'site-1'].slice(0, 1), 's'],
    ['check_status client si', ['site-1 '], 'si'],
    ['abort_job 8', ['8ae1 '], '8'],
    ['zz', [], 'zz'],
  ])('completes %j', (line, fitting, word) => {
    const seen = line.includes('client') || line.includes('abort') ? ['site-1', '8ae1'] : [];
    expect(complete(line, opened, seen)).toEqual([fitting, word]);
  });

  it('remembers the names a reply told', () => {
    expect(
      namesIn({ jobs: [{ job_id: 'j1' }], clients: [{ client_name: 'site-1' }], job_id: 'j2', other: 'x' }),
    ).toEqual(['j1', 'site-1', 'j2']);
    expect(namesIn({ jobs: 'none', clients: [null, 3] })).toEqual([]);
  });

  it('shows tables, text and the reason of a failure, confined', () => {
    const reply = {
      line: 'x',
      ok: false,
      status: 'error',
      message: 'not today',
      items: [
        {
          type: 'table',
          rows: [
            ['A', 'B'],
            ['1', `2${escape}[2J`],
          ],
        },
        { type: 'string', data: `hello${escape}]0;t\u0007` },
        { type: 'dict', data: { a: 1 } },
        { type: 'string', data: '' },
      ],
      meta: {},
    };
    expect(renderReply(reply)).toBe('A  B\n1  2\nhello\n{\n  "a": 1\n}\nnot today\n');
  });
});
