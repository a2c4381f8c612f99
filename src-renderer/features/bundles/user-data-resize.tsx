import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../../app/texts.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { TaskRun } from '../../components/task-run.tsx';
import { useTask } from '../../state/task.ts';
import { type DriveWhere, fieldError, stepText, unplaced } from './model.ts';
import { SizeField } from './size-field.tsx';
import classes from './bundles.module.css';

/** A drive made larger; its files stay. */
export function ResizeDrive({ where }: { where: DriveWhere }) {
  const t = useTexts();
  const [size, setSize] = useState(5);
  const [grownTo, setGrownTo] = useState(0);
  const resize = useTask('user_data.resize');
  const begin = async (): Promise<void> => {
    const answer = await resize.run({ ...where, size });
    if (answer.ok) setGrownTo(size);
  };
  const left = unplaced(resize.error, 'size');
  return (
    <form
      className={classes.column}
      onSubmit={(event) => {
        event.preventDefault();
        void begin();
      }}
    >
      <div className="muted">{t('bundles.data.growAbout')}</div>
      <SizeField
        label={t('bundles.data.growTo')}
        value={size}
        error={fieldError(resize.error, 'size')}
        onChange={setSize}
      />
      <Group gap="sm">
        <Button type="submit" disabled={resize.status === 'running'}>
          {t('bundles.data.grow')}
        </Button>
      </Group>
      <TaskRun task={resize} label={stepText(t, resize.step)} />
      {left ? <ErrorNotice error={left} /> : null}
      {resize.value ? (
        <StateBadge state="ok">
          {t('bundles.data.grown', { name: resize.value.drive, size: grownTo })}
        </StateBadge>
      ) : null}
    </form>
  );
}
