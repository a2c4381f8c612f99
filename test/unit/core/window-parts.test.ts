import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { argumentAt } from '../../../src-main/core/command-arguments.ts';
import { listedFiles, wordAt } from '../../../src-main/core/complete-line.ts';
import { appCommandOf } from '../../../src-main/core/console-line.ts';
import { boardJobOf, secondsOf } from '../../../src-main/core/job-board.ts';
import { createPlaceBook } from '../../../src-main/core/place-book.ts';
import { attentionOf } from '../../../src-main/core/workspace/attention.ts';
import { learn, type SiteFacts } from '../../../src-main/core/workspace/facts.ts';
import { recognisePlace } from '../../../src-main/core/workspace/open-place.ts';
import type { CommandInfo } from '../../../src-main/services/flare/index.ts';
import type { JobRow } from '../../../src-main/services/jobs/index.ts';
import type { SiteResult, SiteStep } from '../../../src-main/services/sites/index.ts';

describe('the place book', () => {
  it('gives a path one token that says nothing of it, and takes no other', () => {
    const book = createPlaceBook();
    const token = book.tokenOf('/secret/place');
    expect(book.tokenOf('/secret/place')).toBe(token);
    expect(book.tokenOf('/other')).not.toBe(token);
    expect(token).not.toContain('secret');
    expect(book.pathOf(token)).toBe('/secret/place');
    for (const other of ['/secret/place', `${token}x`, '', '__proto__'])
      expect(book.pathOf(other)).toBeUndefined();
    expect(createPlaceBook().pathOf(token)).toBeUndefined();
  });
});

describe('the word at the cursor', () => {
  it.each([
    ['', 0, { from: 0, word: '', index: 0 }],
    ['lis', 3, { from: 0, word: 'lis', index: 0 }],
    ['abort_job 12', 12, { from: 10, word: '12', index: 1 }],
    ['abort_job 12', 5, { from: 0, word: 'abort', index: 0 }],
    ['cat server  ', 12, { from: 12, word: '', index: 2 }],
    ['  cat s', 7, { from: 6, word: 's', index: 1 }],
  ])('of %j at %i', (line, cursor, wanted) => {
    expect(wordAt(line, cursor)).toEqual(wanted);
  });
});

describe('the arguments of a command', () => {
  it.each([
    ['abort_job', 0, 'job'],
    ['abort_job', 5, 'job'],
    ['configure_job_log', 1, 'target'],
    ['configure_job_log', 4, 'site'],
    ['grep', 1, 'new'],
    ['show_study', 0, 'study'],
    ['list_studies', 0, undefined],
    ['toString', 0, undefined],
    ['no_such_command', 0, undefined],
  ])('%s at %i: %s', (command, position, wanted) => {
    expect(argumentAt(command, position)).toBe(wanted);
  });

  it('takes what follows # as data of an app_command, and of nothing else', () => {
    const named = (name: string) => ({ name }) as CommandInfo;
    expect(appCommandOf('app_command j topic # {"a": "# b"}', named('app_command'))).toEqual({
      text: 'app_command j topic',
      data: '{"a": "# b"}',
    });
    expect(appCommandOf('app_command j topic', named('app_command'))).toEqual({
      text: 'app_command j topic',
    });
    expect(appCommandOf('grep server # log.txt', named('grep'))).toEqual({ text: 'grep server # log.txt' });
    expect(appCommandOf('app_command j # x', undefined)).toEqual({ text: 'app_command j # x' });
  });
});

describe('a row of the job board', () => {
  it.each([
    ['0:00:01.500000', 1.5],
    ['1:02:03', 3723],
    ['1 day, 0:00:01', 86_401],
    ['2 days, 1:00:00.000001', 176_400.000001],
    ['N/A', undefined],
    ['', undefined],
    [undefined, undefined],
    ['-1 day, 23:59:59', undefined],
  ])('reads the duration %j', (text, seconds) => {
    expect(secondsOf(text)).toBe(seconds);
  });

  it('shows what the server knows, and an unknown phase as unknown', () => {
    const row = {
      job_id: 'j',
      name: 'n',
      status: 'FINISHED:COMPLETED',
      phase: 'completed',
      submit_time: '2026-01-01T00:00:00.000000+00:00',
      duration: '0:00:02',
    } as unknown as JobRow;
    expect(boardJobOf(row)).toEqual({
      job_id: 'j',
      name: 'n',
      status: 'FINISHED:COMPLETED',
      phase: 'done',
      submitted_at: '2026-01-01T00:00:00.000Z',
      duration: 2,
    });
    const odd = { ...row, phase: 'odd', submit_time: 'soon', duration: 'N/A' } as unknown as JobRow;
    expect(boardJobOf(odd)).toEqual({
      job_id: 'j',
      name: 'n',
      status: 'FINISHED:COMPLETED',
      phase: 'unknown',
    });
  });
});

const at = '2026-01-02T00:00:00.000Z';
const before = '2026-01-01T00:00:00.000Z';
const known: SiteFacts = {
  reachable: { state: 'ok', text: 'reachable', at: before },
  delivered: { state: 'ok', text: 'delivered', at: before },
  running: { state: 'ok', text: 'running', at: before },
};
const result = (state: string, more: object = {}): SiteResult =>
  ({ name: 's', state, steps: [], ...more }) as unknown as SiteResult;
const error = (code: string) => ({
  error: { code, message: `because ${code}`, hint: 'do', retryable: false },
});

describe('what a step teaches of a site', () => {
  it.each<[SiteStep, SiteResult, object]>([
    ['check', result('ready'), { reachable: { state: 'ok', at }, running: { state: 'ok', at: before } }],
    [
      'check',
      result('ready', { steps: [{ name: 'x', state: 'warning', message: 'slow clock', seconds: 0 }] }),
      { reachable: { state: 'warn', message: 'slow clock' } },
    ],
    [
      'check',
      result('failed', error('invalid_input')),
      { reachable: { state: 'bad', text: 'not ready', hint: 'do' } },
    ],
    [
      'start',
      result('failed', error('unreachable')),
      { reachable: { state: 'bad', text: 'unreachable', at }, running: { state: 'unknown', at: before } },
    ],
    ['status', result('failed', error('host_key_changed')), { reachable: { text: 'host key changed' } }],
    ['distribute', result('delivered'), { delivered: { state: 'ok', at } }],
    [
      'distribute',
      result('failed', error('denied')),
      { delivered: { state: 'bad', message: 'because denied' } },
    ],
    [
      'start',
      result('running', { status: { process: 'running', since: before } }),
      { running: { state: 'ok', since: before, at } },
    ],
    ['start', result('already_running'), { running: { state: 'ok', at } }],
    ['start', result('failed', error('timeout')), { reachable: { text: 'unreachable' } }],
    ['start', result('failed', error('invalid_input')), { running: { state: 'bad', text: 'start failed' } }],
    ['stop', result('stopped'), { running: { state: 'unknown', text: 'stopped' } }],
    [
      'status',
      result('stale', { status: { process: 'stale' } }),
      { running: { state: 'warn', text: 'left-overs' } },
    ],
    [
      'status',
      result('not_delivered', { status: { process: 'stopped' } }),
      { delivered: undefined, running: { text: 'stopped' } },
    ],
    [
      'status',
      result('running', { status: { process: 'running', log: '/l', currentKit: 'k' } }),
      { log: '/l', delivered: { at: before } },
    ],
    ['distribute', result('cancelled'), known],
  ])('%s: %o', (step, seen, wanted) => {
    const copy = structuredClone(known);
    expect(learn(known, step, seen, at)).toMatchObject(wanted);
    expect(known).toEqual(copy);
  });

  it('claims nothing of a process at a host it cannot reach and never saw', () => {
    expect(learn({}, 'start', result('failed', error('auth_failed')), at)).toEqual({
      reachable: { state: 'bad', text: 'auth failed', at, message: 'because auth_failed', hint: 'do' },
    });
  });
});

type Open = Parameters<typeof attentionOf>[0];
type Site = Open['participants'][number];
const site = (name: string, more: Partial<Site> = {}): Site => ({
  name,
  type: 'client',
  org: 'o',
  problems: 0,
  ...more,
});
const picture = (more: Partial<Open> = {}): Open => ({
  kind: 'project',
  name: 'north',
  label: '/p',
  flare: '2.8.1',
  state: 'ok',
  errors: 0,
  warnings: 0,
  participants: [],
  prod: 'prod_00',
  ...more,
});

describe('what needs attention', () => {
  it('is nothing when all is well', () => {
    expect(
      attentionOf(picture({ participants: [site('a', { running: { state: 'ok', text: 'running' } })] })),
    ).toEqual([]);
  });

  it('stands worst first, with its object and its action', () => {
    const kit = { state: 'ok' as const, text: 'prod_00' };
    const items = attentionOf(
      picture({
        errors: 2,
        participants: [
          site('a', { kit, host: { ssh: 'h' } }),
          site('b', { certificate_days_left: 1 }),
          site('c', { running: { state: 'bad', text: 'start failed', message: 'No python.', task: 't' } }),
          site('d', { certificate_days_left: -1 }),
        ],
      }),
    );
    expect(items.map(({ severity, target, action }) => [severity, target, action])).toEqual([
      ['bad', undefined, 'edit_project'],
      ['bad', 'c', 'start'],
      ['bad', 'd', 'reissue'],
      ['warn', 'b', 'reissue'],
      ['info', undefined, 'deliver'],
    ]);
    expect(items[1]).toMatchObject({ message: 'No python.', task: 't' });
    expect(items[3]?.message).toBe('The certificate ends in a day.');
  });

  it('says that nothing was provisioned yet, and that the project cannot be read', () => {
    const { prod: _, ...fresh } = picture({ participants: [site('a')] });
    expect(attentionOf(fresh)).toMatchObject([{ severity: 'info', action: 'provision' }]);
    expect(attentionOf(picture({ state: 'missing', message: 'Gone.' }))).toMatchObject([
      { severity: 'bad', message: 'Gone.', action: 'reload' },
    ]);
  });

  it('names three sites and counts the others', () => {
    const waiting = (name: string) =>
      site(name, { host: { ssh: 'h' }, kit: { state: 'ok', text: 'prod_00' } });
    const [item] = attentionOf(picture({ participants: ['a', 'b', 'c', 'd', 'e'].map(waiting) }));
    expect(item?.message).toBe('prod_00 was not delivered to a, b, c and 2 more.');
    expect(item?.targets).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('has one line for a trouble that many share, whatever their number', () => {
    const unreachable = (count: number) =>
      attentionOf(
        picture({
          prod: 'prod_00',
          participants: Array.from({ length: count }, (_, index) =>
            site(`s${index}`, { reachable: { state: 'bad', text: 'unreachable', message: 'No answer.' } }),
          ),
        }),
      ).filter(({ severity }) => severity === 'bad');
    expect(unreachable(2).map(({ target, message }) => [target, message])).toEqual([
      ['s0', 'No answer.'],
      ['s1', 'No answer.'],
    ]);
    const [many, ...others] = unreachable(500);
    expect(others).toEqual([]);
    expect(many).toMatchObject({
      message: 'The check of these hosts failed: s0, s1, s2 and 497 more.',
      action: 'check',
    });
    expect(many?.targets).toHaveLength(500);
  });

  it('tells the next step: hosts, deliver, start, and then nothing', () => {
    const ok = (text: string) => ({ state: 'ok' as const, text });
    const next = (more: Partial<Site>) =>
      attentionOf(picture({ participants: [site('a', more)] }))[0]?.action;
    const kit = ok('prod_00');
    const host = { ssh: 'h' };
    expect(next({ kit })).toBe('edit_project');
    expect(next({ kit, host })).toBe('deliver');
    expect(next({ kit, host, delivered: ok('delivered') })).toBe('start');
    expect(next({ kit, host, delivered: ok('delivered'), running: ok('running') })).toBeUndefined();
  });
});

describe('what a place is', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'places-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const write = async (...names: string[]) => {
    for (const name of names) {
      await mkdir(join(folder, name, '..'), { recursive: true });
      await writeFile(join(folder, name), '');
    }
  };

  it('knows a project by its file, its folder, its desk.yml and by another name', async () => {
    await write('project.yml', 'desk.yml', 'other.yaml', 'notes.txt');
    const project = { kind: 'project', file: join(folder, 'project.yml') };
    expect(await recognisePlace(folder)).toEqual(project);
    expect(await recognisePlace(join(folder, 'project.yml'))).toEqual(project);
    expect(await recognisePlace(join(folder, 'desk.yml'))).toEqual(project);
    expect(await recognisePlace(join(folder, 'other.yaml'))).toMatchObject({
      file: join(folder, 'other.yaml'),
    });
    await expect(recognisePlace(join(folder, 'notes.txt'))).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('knows a workspace from the folder or the one above, and a kit from its folder or its startup', async () => {
    await write('ws/north/prod_00/x', 'kit/startup/fed_admin.json');
    const workspace = { kind: 'workspace', folder: join(folder, 'ws/north') };
    expect(await recognisePlace(join(folder, 'ws/north'))).toEqual(workspace);
    expect(await recognisePlace(join(folder, 'ws'))).toEqual(workspace);
    const kit = { kind: 'kit', folder: join(folder, 'kit') };
    expect(await recognisePlace(join(folder, 'kit'))).toEqual(kit);
    expect(await recognisePlace(join(folder, 'kit/startup'))).toEqual(kit);
  });

  it('refuses any other folder and one that is not there', async () => {
    await expect(recognisePlace(folder)).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(recognisePlace(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a listing of the server', () => {
  it('tells folders from files and leaves out what cannot be typed as one word', () => {
    const text = [
      'total 12',
      'drwxr-xr-x 2 ada staff 4096 Nov 24 14:00 local',
      '-rw-r--r-- 1 ada staff  120 Nov 24  2025 log.txt',
      'lrwxrwxrwx 1 ada staff    9 Nov 24 14:00 newest -> log.txt',
      '-rw-r--r-- 1 ada staff  120 Nov 24  2025 two words.txt',
    ].join('\n');
    expect(listedFiles(text)).toEqual([
      { name: 'local', isFolder: true },
      { name: 'log.txt', isFolder: false },
      { name: 'newest', isFolder: false },
    ]);
  });
});
