import { act, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { StateValue } from '../../src-main/contract/index.ts';
import { SubmitDialog } from '../../src-renderer/features/jobs/submit-dialog.tsx';
import { TaskDrawer } from '../../src-renderer/features/tasks/task-drawer.tsx';
import { tasksReplica } from '../../src-renderer/state/replicas.ts';
import { draw } from './render.tsx';

type Task = StateValue<'tasks.recent'>['tasks'][number];
const task = (id: string, status: Task['status'], more: Partial<Task> = {}): Task => ({
  id,
  kind: 'sites.run',
  title: `Task ${id}`,
  status,
  steps: [],
  actions: [],
  created_at: new Date(Date.now() - 60_000).toISOString(),
  ...more,
});

/** Ten hosts, nine of which could not be reached. */
const parts = () => ({
  ok: true as const,
  value: {
    task: task('1', 'partly_done'),
    children: Array.from({ length: 10 }, (_, index) =>
      task(`1.${index}`, index === 0 ? 'succeeded' : 'failed', {
        target: `site-${index}`,
        ...(index === 0
          ? {}
          : { error: { code: 'unreachable', message: `h${index} does not answer.`, retryable: true } }),
      }),
    ),
  },
});

function drawer(...tasks: Task[]) {
  tasksReplica.use.setState({ value: { tasks } });
  const done = vi.fn(() => ({ ok: true as const, value: {} }));
  const drawn = draw(<TaskDrawer opened onClose={() => undefined} />, {
    calls: { 'tasks.cancel': done, 'tasks.retry': done, 'tasks.get': parts },
    streams: {
      'tasks.log': (_input, emit) => {
        queueMicrotask(() => emit({ kind: 'item', item: { lines: ['first line', 'second line'] } }));
        return {};
      },
    },
  });
  return { user: userEvent.setup(), ...drawn };
}
const card = (id: string) => within(screen.getByRole('article', { name: `Task ${id}` }));
afterEach(() => tasksReplica.use.setState({ value: undefined }));

describe('the task drawer', () => {
  it('says what will be here when nothing was', () => {
    drawer();
    expect(screen.getByText('No task yet')).toBeDefined();
  });

  it('shows what runs with its step and how far it is, and cancels it', async () => {
    const { user, carrier } = drawer(
      task('1', 'running', {
        steps: [{ name: 'upload', state: 'running' }],
        progress: { step: 'upload', done: 500_000, total: 1_000_000, unit: 'bytes' },
        actions: ['cancel'],
      }),
    );
    expect(card('1').getByText('Running')).toBeDefined();
    expect(card('1').getByText('upload')).toBeDefined();
    expect(card('1').getByRole('progressbar').getAttribute('aria-valuenow')).toBe('50');
    await user.click(card('1').getByRole('button', { name: 'Cancel task' }));
    expect(carrier.sent).toEqual([{ name: 'tasks.cancel', payload: { id: '1' } }]);
  });

  it('leads to the task that is wanted', async () => {
    tasksReplica.use.setState({ value: { tasks: [task('1', 'succeeded'), task('2', 'failed')] } });
    draw(<TaskDrawer opened wanted="2" onClose={() => undefined} />);
    await waitFor(() => expect(document.activeElement).toBe(screen.getByRole('article', { name: 'Task 2' })));
  });

  it('shows a cancel on its way and offers no second one', () => {
    drawer(task('1', 'cancelling', { actions: ['cancel'] }));
    expect(card('1').getByRole('button', { name: 'Cancelling' })).toHaveProperty('disabled', true);
  });

  it('shows why one failed and tries it again', async () => {
    const { user, carrier } = drawer(
      task('1', 'failed', {
        error: {
          code: 'unreachable',
          message: 'h1 does not answer.',
          hint: 'Check the network.',
          retryable: true,
        },
        actions: ['retry'],
      }),
    );
    expect(card('1').getByRole('alert').textContent).toContain('h1 does not answer.');
    expect(card('1').getByRole('alert').textContent).toContain('Check the network.');
    await user.click(card('1').getByRole('button', { name: 'Try again' }));
    expect(carrier.sent).toEqual([{ name: 'tasks.retry', payload: { id: '1' } }]);
  });

  it('offers to resume what a crash interrupted', () => {
    drawer(task('1', 'interrupted', { actions: ['resume', 'retry'] }));
    expect(card('1').getByText('Interrupted')).toBeDefined();
    expect(card('1').getByRole('button', { name: 'Resume' })).toBeDefined();
  });

  it('shows each site below its task, none hidden by another that failed', () => {
    drawer(
      task('1', 'partly_done'),
      task('2', 'failed', { parent: '1', target: 'site-1' }),
      task('3', 'succeeded', { parent: '1', target: 'site-2' }),
    );
    expect(screen.getAllByRole('article')).toHaveLength(1);
    for (const text of ['Done with failures', 'site-1', 'Failed', 'site-2', 'Done']) {
      expect(card('1').getByText(text)).toBeDefined();
    }
  });

  it('says what a task done in part left undone: the first ones with their reasons, and how many', async () => {
    drawer(task('1', 'partly_done', { actions: ['retry'] }));
    expect(await card('1').findByText('9 of 10 failed')).toBeDefined();
    expect(card('1').getByText('h1 does not answer.')).toBeDefined();
    expect(card('1').queryByText('site-0')).toBeNull();
    expect(card('1').queryByText('site-6')).toBeNull();
    expect(card('1').getByText('and 4 more; the log names them all')).toBeDefined();
  });

  it('shows the log when asked', async () => {
    const { user } = drawer(task('1', 'running'));
    await user.click(card('1').getByRole('button', { name: 'Log' }));
    await waitFor(() => expect(card('1').getByText('second line')).toBeDefined());
    expect(card('1').getByRole('button', { name: 'Hide log' }).getAttribute('aria-expanded')).toBe('true');
  });
});

describe('the submit dialog', () => {
  const check = (blocking: number, findings: unknown[] = []) => ({
    ok: true as const,
    value: { blocking, findings },
  });
  async function dialog(answer: unknown, start: unknown = { ok: true, value: { id: 't' } }) {
    const onClose = vi.fn();
    const drawn = draw(
      <SubmitDialog kit="kit" chosen={{ name: 'hello', where: { job: 'hello' } }} onClose={onClose} />,
      { calls: { 'jobs.check': () => answer as never, 'jobs.submit': () => start as never } },
    );
    await act(() => Promise.resolve());
    return { user: userEvent.setup(), onClose, ...drawn };
  }
  const submit = () => screen.getByRole('button', { name: 'Submit' });

  it('submits a job that keeps the rules, with its result to be fetched', async () => {
    const { user, carrier, onClose } = await dialog(check(0));
    await user.click(submit());
    expect(carrier.sent.at(-1)).toEqual({
      name: 'jobs.submit',
      payload: { kit: 'kit', job: 'hello', follow: true, download: true },
    });
    expect(onClose).toHaveBeenCalled();
  });

  it('is blocked by errors, and shows them', async () => {
    const finding = { severity: 'error', code: 'x', message: 'No app for site-1.', hint: 'Add one.' };
    await dialog(check(1, [finding]));
    expect(screen.getByText('No app for site-1.')).toBeDefined();
    expect(submit()).toHaveProperty('disabled', true);
  });

  it('lets warnings pass', async () => {
    await dialog(check(0, [{ severity: 'warning', code: 'x', message: 'Large.' }]));
    expect(submit()).toHaveProperty('disabled', false);
  });

  it('is blocked when the check itself failed, which can be tried again', async () => {
    const error = { code: 'unreachable', message: 'No server.', retryable: true };
    const { user, carrier } = await dialog({ ok: false, error });
    expect(submit()).toHaveProperty('disabled', true);
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    expect(carrier.sent.filter(({ name }) => name === 'jobs.check')).toHaveLength(2);
  });

  it('stays open with the reason when the submission is refused', async () => {
    const error = { code: 'denied', message: 'Not your role.', retryable: false };
    const { user, onClose } = await dialog(check(0), { ok: false, error });
    await user.click(submit());
    expect(screen.getByText('Not your role.')).toBeDefined();
    expect(onClose).not.toHaveBeenCalled();
  });
});
