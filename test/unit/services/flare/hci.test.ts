import { describe, expect, test } from 'vitest';
import {
  commandsOf,
  parseReply,
  quoteArgument,
  replyOf,
  requestText,
} from '../../../../src-main/services/flare/hci.ts';
import { profilesFor } from '../../../../src-main/services/flare/profiles.ts';
import { readVectors } from './support/vectors.ts';

interface Replies {
  replies: { command: string; reply: unknown }[];
}

const repliesOf = (version: string) =>
  readVectors<Replies>(`replies-${version}.json`).replies.map(({ command, reply }) => ({
    command,
    reply: replyOf(command, parseReply(JSON.stringify(reply))),
  }));

describe.each(['2.7.2', '2.8.1'])('replies of a real %s server', (version) => {
  const replies = repliesOf(version);
  const of = (command: string) =>
    replies.filter((found) => found.command === command).map(({ reply }) => reply);

  test('every one is read, failures have a status and words', () => {
    expect(replies.length).toBeGreaterThan(80);
    for (const { command, reply } of replies) {
      if (reply.ok) expect(reply.status, command).toBe('ok');
      else {
        expect(reply.status, command).not.toBe('ok');
        expect(reply.message, command).toMatch(/\w/);
      }
    }
  });

  test('failures are failures, whatever the reference client makes of them', () => {
    const failed = new Map(
      replies.filter(({ reply }) => !reply.ok).map(({ command, reply }) => [command, reply.status]),
    );
    expect(failed.get('check_status bogus')).toBe('invalid_target');
    expect(failed.get('check_status client nosuch')).toBe('invalid_target');
    expect(failed.get('cat server /etc/passwd')).toBe('error');
    expect(failed.get('get_job_meta abc')).toBe('invalid_job_id');
    expect(failed.size).toBeGreaterThan(10);
  });

  test('successes are successes', () => {
    for (const command of [
      'check_status server',
      'list_jobs',
      'pwd server',
      'list_sessions',
      'cells',
      'show_scopes all',
    ]) {
      for (const reply of of(command)) expect(reply.ok, command).toBe(true);
    }
    expect(Array.isArray(of('list_jobs')[0]!.meta['jobs'])).toBe(true);
  });
});

test('a study command that fails says so only in its dictionary', () => {
  const reply = repliesOf('2.8.1').find(({ command }) => command === 'show_study st1')!.reply;
  expect(reply).toMatchObject({
    ok: false,
    status: 'STUDY_NOT_FOUND',
    message: expect.stringContaining("Study 'st1' not found") as string,
  });
});

describe('the outcome', () => {
  const outcome = (document: unknown) => replyOf('x', parseReply(JSON.stringify(document)));
  test.each([
    [
      { data: [{ type: 'error', data: 'no' }], meta: {} },
      { ok: false, status: 'error', message: 'no' },
    ],
    [
      { data: [{ type: 'error', data: 'no' }], meta: { status: 'ok' } },
      { ok: false, status: 'error' },
    ],
    [
      { data: [{ type: 'error', data: 'no' }], meta: { status: 'job_running' } },
      { ok: false, status: 'job_running' },
    ],
    [
      {
        data: [
          { type: 'error', data: 'session_inactive' },
          { type: 'string', data: 'x' },
        ],
        meta: {},
      },
      { ok: false, status: 'session_inactive' },
    ],
    [
      { data: [{ type: 'string', data: 'No such' }], meta: { status: 'no_jobs', info: 'i' } },
      { ok: false, status: 'no_jobs', message: 'i' },
    ],
    [
      { data: [{ type: 'string', data: 'No such' }], meta: { status: 'no_jobs' } },
      { ok: false, message: 'No such' },
    ],
    [
      { data: [{ type: 'string', data: 'not authorized, wrong server, invalid client' }], meta: {} },
      { ok: true, status: 'ok' },
    ],
    [{ data: [], meta: { status: 'ok' } }, { ok: true }],
    [null, { ok: true, items: [] }],
  ])('%j', (document, expected) => {
    expect(outcome(document)).toMatchObject(expected);
  });

  test('items after an error or a shutdown are not read; unknown ones are skipped; tokens are kept apart', () => {
    const text = (data: string) => ({ type: 'string', data });
    expect(
      outcome({ data: [text('a'), { type: 'novelty', x: 1 }, { type: 'error', data: 'e' }, text('b')] })
        .items,
    ).toEqual([text('a'), { type: 'error', data: 'e' }]);
    const login = parseReply(JSON.stringify({ data: [text('OK'), { type: 'token', data: 'secret' }] }));
    expect(login.token).toBe('secret');
    expect(login.items).toEqual([text('OK')]);
  });

  test.each(['', 'x', '5', '[]', '{"data": 5}', '{"data": [5]}', '{"data": [{"type": "table", "rows": 3}]}'])(
    '%s is no reply',
    (text) => {
      expect(() => parseReply(text)).toThrow(/the reply/);
    },
  );
});

describe('the list of commands', () => {
  test.each(['2.7', '2.8'])('of %s', (line) => {
    const rows = readVectors<Record<string, string[][]>>('commands.json')[line]!;
    const { items } = parseReply(JSON.stringify({ data: [{ type: 'table', rows }] }));
    const commands = commandsOf(items);
    expect(commands.length).toBe(rows.length - 1);
    const by = (name: string) => commands.find((command) => command.name === name);
    expect(by('check_status')).toMatchObject({ scope: 'training', confirm: 'none', visible: true });
    expect(by('check_status')).not.toHaveProperty('clientCommand');
    expect(by('submit_job')?.clientCommand).toBe('file_transfer.push_folder');
    expect(by('download_job')?.clientCommand).toBe('file_transfer.pull_folder');
    expect(by('delete_job')?.confirm).toBe('auth');
    expect(by('abort_job')?.confirm).toBe('yesno');
    expect(by('cells')?.visible).toBe(false);
  });

  test('a way to confirm that is not known is the strictest', () => {
    const rows = [
      ['SCOPE', 'COMMAND', 'CONFIRM'],
      ['a', 'b', 'thrice'],
      ['', 'x', 'none'],
    ];
    expect(commandsOf([{ type: 'table', rows }])).toMatchObject([{ name: 'b', confirm: 'auth' }]);
    expect(() => commandsOf([])).toThrow(/did not list/);
  });
});

test('a request document', () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  expect(JSON.parse(requestText('a "b"', 'T', { cmd_timeout: 3 }, now))).toEqual({
    time: '2026-01-02 03:04:05.678000',
    data: [
      { type: 'command', data: 'a "b"' },
      { type: 'token', data: 'T' },
    ],
    meta: { cmd_timeout: 3 },
  });
  expect(JSON.parse(requestText('a', undefined, {}, now))).toMatchObject({ data: [{ type: 'command' }] });
});

test.each([
  ['plain', 'plain'],
  ['two words', '"two words"'],
  ["it's", '"it\'s"'],
  ['say "no"', '"say \\"no\\""'],
  ['back\\slash', '"back\\\\slash"'],
  ['', '""'],
])('%s is quoted', (argument, quoted) => {
  expect(quoteArgument(argument)).toBe(quoted);
});

test('profiles by what the token shows, newest first', () => {
  expect(profilesFor({ study: false, certificateEnd: false }).map(({ name }) => name)).toEqual([
    '2.7.2',
    '2.7.0 and 2.7.1',
  ]);
  expect(profilesFor({ study: true, certificateEnd: false }).map(({ name }) => name)).toEqual(['2.8']);
  expect(profilesFor({ study: true, certificateEnd: true }).map(({ name }) => name)).toEqual(['2.9']);
});
