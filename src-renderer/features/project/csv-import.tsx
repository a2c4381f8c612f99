import { Button, Group, Modal, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { useReturnFocus } from '../../components/use-return-focus.ts';
import { useAction } from '../../state/action.ts';
import type { Draft } from './draft.ts';
import classes from './project.module.css';

const states = { add: 'ok', change: 'warn', same: 'unknown', refused: 'bad' } as const;

/** Sites from CSV: checked row by row before anything changes. */
export function CsvImport({ draft, onClose }: { draft: Draft; onClose: () => void }) {
  useReturnFocus();
  const t = useTexts();
  const client = useClient();
  const [text, setText] = useState('');
  const check = useAction(() =>
    client.call('drafts.import_csv', { revision: draft.revision, text, apply: false }),
  );
  const apply = useAction(async () => {
    const answer = await client.call('drafts.import_csv', { revision: draft.revision, text, apply: true });
    if (answer.ok) onClose();
    return answer;
  });
  const rows = check.value?.rows ?? [];
  const useful = rows.filter((row) => row.action === 'add' || row.action === 'change').length;
  return (
    <Modal opened onClose={onClose} title={t('project.csvTitle')} size="xl">
      <Textarea
        data-autofocus
        label={t('project.csvLabel')}
        description={t('project.csvAbout')}
        classNames={{ input: 'mono' }}
        rows={8}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          check.reset();
        }}
      />
      {check.error ? <ErrorNotice error={check.error} /> : null}
      {apply.error ? <ErrorNotice error={apply.error} /> : null}
      {rows.length > 0 ? (
        <div className={classes.csvRows} tabIndex={0}>
          {rows.map((row) => (
            <div key={row.line} className={classes.csvRow}>
              <span className="muted">
                {t('project.csvLine')} {row.line}
              </span>
              <StateBadge state={states[row.action]}>{t(`project.csvActions.${row.action}`)}</StateBadge>
              <strong>{row.name}</strong>
              <span className="muted">{row.message}</span>
            </div>
          ))}
        </div>
      ) : null}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        <Button
          variant="default"
          disabled={text.trim() === ''}
          loading={check.status === 'running'}
          onClick={() => void check.run(undefined)}
        >
          {t('project.csvCheck')}
        </Button>
        <Button
          disabled={useful === 0}
          loading={apply.status === 'running'}
          onClick={() => void apply.run(undefined)}
        >
          {t('project.csvApply', { count: useful })}
        </Button>
      </Group>
    </Modal>
  );
}
