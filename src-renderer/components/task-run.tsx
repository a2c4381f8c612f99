import { Button, Group, Progress } from '@mantine/core';
import { useTexts } from '../app/texts.ts';
import type { FollowedTask } from '../state/task.ts';
import { formatAmount } from './format.ts';
import { StateBadge } from './state-badge.tsx';

/** A task of this page while it runs: what it is at, how far it is, and the way to end it. */
export function TaskRun({
  task,
  label,
}: {
  task: Pick<FollowedTask<never, unknown>, 'status' | 'progress' | 'cancel'>;
  /** What it is at, in words. */
  label: string;
}) {
  const t = useTexts();
  if (task.status === 'cancelled')
    return <StateBadge state="unknown">{t('common.task.cancelled')}</StateBadge>;
  if (task.status !== 'running') return null;
  const { done, total, unit } = task.progress ?? {};
  return (
    <div role="status">
      <Group gap="md">
        <StateBadge state="busy">{label}</StateBadge>
        {done !== undefined && total ? (
          <span className="muted">{`${formatAmount(done, unit)} / ${formatAmount(total, unit)}`}</span>
        ) : null}
        <Button variant="subtle" color="gray" onClick={task.cancel}>
          {t('common.cancel')}
        </Button>
      </Group>
      {done !== undefined && total ? (
        <Progress value={(100 * done) / total} size={6} aria-label={label} mt={4} maw={480} />
      ) : null}
    </div>
  );
}
