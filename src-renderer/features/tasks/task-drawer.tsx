import { Button, Drawer, Group, Progress, ScrollArea } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { formatAmount, formatBytes, formatSeconds } from '../../components/format.ts';
import { useLogLines } from '../../components/log-lines.ts';
import { LogViewer } from '../../components/log-viewer.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import { StateBadge, type StateKind } from '../../components/state-badge.tsx';
import { taskTitle } from '../../components/task-title.ts';
import { tasksReplica } from '../../state/replicas.ts';
import { FailedParts } from './failed-parts.tsx';
import classes from './task-drawer.module.css';

type Task = StateValue<'tasks.recent'>['tasks'][number];

const states: Record<Task['status'], StateKind> = {
  queued: 'unknown',
  running: 'busy',
  waiting_for_user: 'warn',
  cancelling: 'busy',
  succeeded: 'ok',
  partly_done: 'warn',
  failed: 'bad',
  cancelled: 'unknown',
  interrupted: 'warn',
};

/** Every task, newest first, from any page: step, progress, speed, time left, log, cancel, retry, resume. */
export function TaskDrawer({
  opened,
  wanted,
  onClose,
}: {
  opened: boolean;
  /** The task to look at first. */
  wanted?: string | undefined;
  onClose: () => void;
}) {
  const t = useTexts();
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size={520}
      title={t('tasks.title')}
      scrollAreaComponent={ScrollArea.Autosize}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <TaskList wanted={wanted} />
    </Drawer>
  );
}

/** Drawn only in the open drawer: the progress of tasks costs nothing while nobody looks at it. */
function TaskList({ wanted }: { wanted: string | undefined }) {
  const t = useTexts();
  const tasks = tasksReplica.use((replica) => replica.value?.tasks) ?? [];
  const roots = tasks.filter((task) => task.parent === undefined);
  if (roots.length === 0) return <EmptyState title={t('tasks.none')} reason={t('tasks.noneReason')} />;
  return (
    <ul className={classes.list}>
      {roots.map((task) => (
        <li key={task.id}>
          <TaskCard
            task={task}
            isWanted={task.id === wanted}
            childTasks={tasks.filter((child) => child.parent === task.id)}
          />
        </li>
      ))}
    </ul>
  );
}

function TaskCard({ task, childTasks, isWanted }: { task: Task; childTasks: Task[]; isWanted: boolean }) {
  const t = useTexts();
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!isWanted) return;
    // The drawer takes the focus when it opens; the card is where the person wants to be.
    const timer = setTimeout(() => card.current?.focus(), 250);
    return () => clearTimeout(timer);
  }, [isWanted]);
  const client = useClient();
  const [logOpen, setLogOpen] = useState(false);
  const step = task.steps.findLast((item) => item.state === 'running' || item.state === 'failed');
  const took = task.ended_at ? (Date.parse(task.ended_at) - Date.parse(task.created_at)) / 1000 : undefined;
  return (
    <article ref={card} tabIndex={-1} className={classes.task} aria-label={taskTitle(t, task)}>
      <Group justify="space-between" wrap="nowrap">
        <strong className={classes.title}>{taskTitle(t, task)}</strong>
        <StateBadge state={states[task.status]}>{t(`tasks.status.${task.status}`)}</StateBadge>
      </Group>
      <Group gap="md" className="muted">
        <RelativeTime at={task.created_at} />
        {took === undefined ? null : <span>{t('tasks.took', { time: formatSeconds(took) })}</span>}
        {step ? <span>{step.name}</span> : null}
      </Group>
      <TaskProgress task={task} />
      {childTasks.map((child) => (
        <Group key={child.id} justify="space-between" wrap="nowrap" className={classes.child}>
          <span>{child.target ?? taskTitle(t, child)}</span>
          <span className="muted">{child.progress?.message ?? child.progress?.step}</span>
          <StateBadge state={states[child.status]}>{t(`tasks.status.${child.status}`)}</StateBadge>
        </Group>
      ))}
      {task.status === 'partly_done' ? <FailedParts id={task.id} /> : null}
      {task.error ? <ErrorNotice error={task.error} /> : null}
      <Group gap="sm" mt={4}>
        {task.actions.includes('cancel') ? (
          <Button
            variant="default"
            disabled={task.status === 'cancelling'}
            onClick={() => void client.call('tasks.cancel', { id: task.id })}
          >
            {task.status === 'cancelling' ? t('tasks.cancelling') : t('tasks.cancel')}
          </Button>
        ) : null}
        {task.actions.includes('resume') || task.actions.includes('retry') ? (
          <Button variant="default" onClick={() => void client.call('tasks.retry', { id: task.id })}>
            {task.actions.includes('resume') ? t('tasks.resume') : t('tasks.retry')}
          </Button>
        ) : null}
        <Button
          variant="subtle"
          color="gray"
          onClick={() => setLogOpen((was) => !was)}
          aria-expanded={logOpen}
        >
          {logOpen ? t('tasks.hideLog') : t('tasks.log')}
        </Button>
      </Group>
      {logOpen ? <TaskLog id={task.id} /> : null}
    </article>
  );
}

/** Speed and time left come from the last seconds, not from the start: a stalled transfer says so. */
function TaskProgress({ task }: { task: Task }) {
  const t = useTexts();
  const samples = useRef<{ at: number; done: number }[]>([]);
  const { done, total, unit } = task.progress ?? {};
  const running = task.status === 'running';
  useEffect(() => {
    if (done === undefined) return;
    const now = Date.now();
    samples.current = [
      ...samples.current.filter((sample) => now - sample.at < 8000 && sample.done <= done),
      { at: now, done },
    ];
  }, [done]);
  if (!running || done === undefined)
    return task.progress?.message && running ? <div>{task.progress.message}</div> : null;
  const first = samples.current[0];
  const seconds = first ? (Date.now() - first.at) / 1000 : 0;
  const rate = first && seconds > 0.5 ? (done - first.done) / seconds : undefined;
  return (
    <div>
      {total ? (
        <Progress value={(100 * done) / total} size={6} aria-label={taskTitle(t, task)} mt={4} />
      ) : null}
      <Group gap="md" className="muted">
        <span className="numeric">
          {total ? `${formatAmount(done, unit)} / ${formatAmount(total, unit)}` : formatAmount(done, unit)}
        </span>
        {rate !== undefined && unit === 'bytes' ? (
          <span>{t('tasks.speed', { rate: formatBytes(rate) })}</span>
        ) : null}
        {rate && total ? (
          <span>{t('tasks.left', { time: formatSeconds((total - done) / rate) })}</span>
        ) : null}
      </Group>
    </div>
  );
}

function TaskLog({ id }: { id: string }) {
  const t = useTexts();
  const client = useClient();
  const { lines, add, clear } = useLogLines();
  useEffect(() => {
    clear();
    const stream = client.open(
      'tasks.log',
      { id },
      { onItem: (item) => add(item.lines), onEnd: () => undefined },
    );
    return () => stream.close();
  }, [client, id, add, clear]);
  return (
    <div className={classes.log}>
      <LogViewer lines={lines} name={`task-${id}.log`} label={t('tasks.log')} height={240} />
    </div>
  );
}
