/** What the system is told of long work and alarms, through stand-ins for the window and the notifications. */
import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it, vi } from 'vitest';

class FakeNotification extends EventEmitter {
  static all: FakeNotification[] = [];
  static supported = true;
  static isSupported = (): boolean => FakeNotification.supported;
  shown = false;
  readonly title: string;
  readonly body: string;
  constructor({ title, body }: { title: string; body: string }) {
    super();
    this.title = title;
    this.body = body;
    FakeNotification.all.push(this);
  }
  show(): void {
    this.shown = true;
  }
}
vi.mock('electron', () => ({ Notification: FakeNotification }));
const { createNotifier } = await import('../../../src-main/electron/adapters/notifier.ts');
const { showAlarms } = await import('../../../src-main/electron/adapters/alarms.ts');
const { showProgress } = await import('../../../src-main/electron/adapters/progress.ts');
const { routeToTask } = await import('../../../src-main/electron/deep-link.ts');

type Told = (snapshot: { value: unknown }) => void;

/** A client of one state. */
function stateOf() {
  const listeners = new Map<string, Told>();
  const client = {
    subscribe(name: string, listener: Told) {
      listeners.set(name, listener);
      return () => void listeners.delete(name);
    },
  };
  return {
    client: client as never,
    tell: (name: string, value: unknown): void => listeners.get(name)?.({ value }),
  };
}

const notices = (): { title: string; body: string }[] =>
  FakeNotification.all.filter(({ shown }) => shown).map(({ title, body }) => ({ title, body }));

beforeEach(() => {
  FakeNotification.all = [];
  FakeNotification.supported = true;
});

describe('long work', () => {
  let focused: boolean;
  let wanted: boolean;
  const bars: number[] = [];
  const openTask = vi.fn();
  let state: ReturnType<typeof stateOf>;
  const tell = (...tasks: object[]): void => state.tell('tasks.recent', { tasks });
  const task = (status: string, more: object = {}): object => ({
    id: '7',
    title: 'deliver',
    status,
    ...more,
  });

  beforeEach(() => {
    focused = false;
    wanted = true;
    bars.length = 0;
    openTask.mockClear();
    state = stateOf();
    showProgress(state.client, {
      window: () => ({ isFocused: () => focused, setProgressBar: (value) => void bars.push(value) }),
      notify: createNotifier(() => wanted),
      openTask,
    });
  });

  it('says nothing while the window is in front', () => {
    focused = true;
    tell(task('running'));
    tell(task('succeeded'));
    expect(notices()).toEqual([]);
  });

  it.each([
    ['succeeded', 'Done: deliver'],
    ['partly_done', 'Done with failures: deliver'],
    ['failed', 'Failed: deliver'],
    ['interrupted', 'Interrupted: deliver'],
  ])('tells name, place and result of one that %s unseen, once', (status, title) => {
    tell(task('running', { target: 'site-1' }));
    tell(task(status, { target: 'site-1' }));
    tell(task(status, { target: 'site-1' }));
    expect(notices()).toEqual([{ title, body: 'site-1' }]);
  });

  it('says why one failed, and nothing of what it was given or made', () => {
    const secret = 'hunter2-hunter2';
    const inside = {
      input: { passphrase: secret },
      result: { token: secret },
      progress: { message: secret },
    };
    tell(task('running', inside));
    tell(task('failed', { ...inside, error: { message: 'h1 does not answer.', hint: secret } }));
    expect(notices()).toEqual([{ title: 'Failed: deliver', body: 'h1 does not answer.' }]);
    expect(JSON.stringify(FakeNotification.all)).not.toContain(secret);
  });

  it.each([
    ['was cancelled by the person', [task('running'), task('cancelled')]],
    ['had ended before', [task('succeeded'), task('succeeded')]],
    ['is part of another', [task('running', { parent: '1' }), task('failed', { parent: '1' })]],
    ['goes on', [task('queued'), task('running')]],
  ])('says nothing of one that %s', (_what, steps) => {
    for (const step of steps) tell(step);
    expect(notices()).toEqual([]);
  });

  it('opens the task when the notice is clicked', () => {
    tell(task('running'));
    tell(task('succeeded'));
    FakeNotification.all[0]?.emit('click');
    expect(openTask).toHaveBeenCalledWith('7');
  });

  it('stays silent when the person wants it, or the system knows no notifications', () => {
    wanted = false;
    tell(task('running'));
    tell(task('succeeded'));
    wanted = true;
    FakeNotification.supported = false;
    tell(task('running'));
    tell(task('succeeded'));
    expect(FakeNotification.all).toEqual([]);
  });

  it('moves the bar of the system, focused or not, and takes it away at the end', () => {
    tell(task('running', { progress: { done: 1, total: 4 } }));
    focused = true;
    tell(task('running', { progress: { done: 3, total: 4 } }));
    tell(task('running'));
    tell(task('succeeded'));
    expect(bars).toEqual([0.25, 0.75, 2, -1]);
  });
});

describe('alarms of attestation', () => {
  it('are told once each, again when they came back, and lead to their site', () => {
    const state = stateOf();
    const open = vi.fn();
    showAlarms(
      state.client,
      createNotifier(() => true),
      open,
    );
    const failing = { key: 'failing a', message: 'a: refused', hint: 'Look at it.', site: 'site a' };
    const stopped = { key: 'federation_stopped', message: 'The federation stopped' };
    const tell = (...alarms: object[]): void => state.tell('attestation.board', { alarms });
    tell();
    tell(failing);
    tell(failing, stopped);
    tell(stopped);
    tell(failing, stopped);
    expect(notices().map(({ body }) => body)).toEqual([
      'a: refused\nLook at it.',
      'The federation stopped',
      'a: refused\nLook at it.',
    ]);
    FakeNotification.all[0]?.emit('click');
    FakeNotification.all[1]?.emit('click');
    expect(open.mock.calls).toEqual([['/attestation/site/site%20a'], ['/attestation']]);
  });
});

it.each([
  ['app://desk/index.html#/jobs/a?x=1', '/jobs/a?task=7%2F8'],
  ['app://desk/index.html', '/overview?task=7%2F8'],
  ['', '/overview?task=7%2F8'],
])('a task is opened over the page at %j', (address, route) => {
  expect(routeToTask(address, '7/8')).toBe(route);
});
