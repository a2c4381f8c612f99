import { Button, Checkbox, Group, Modal, Skeleton } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useEffect, useState } from 'react';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { FindingList } from '../../components/finding-list.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { useReturnFocus } from '../../components/use-return-focus.ts';
import { useAction } from '../../state/action.ts';
import type { ChosenJob } from './job-model.ts';
import classes from './jobs-page.module.css';

/** The check before anything is sent: the server's rules, the live sites, the allow lists. Then submit and follow. */
export function SubmitDialog({
  kit,
  chosen,
  onClose,
}: {
  kit: string;
  chosen: ChosenJob;
  onClose: () => void;
}) {
  useReturnFocus();
  const t = useTexts();
  const client = useClient();
  const [fetchResult, setFetchResult] = useState(true);
  const check = useAction(() => client.call('jobs.check', { kit, ...chosen.where }));
  const { run } = check;
  useEffect(() => void run(undefined), [run]);
  const submit = useAction(async () => {
    const started = await client.start('jobs.submit', {
      kit,
      ...chosen.where,
      follow: true,
      download: fetchResult,
    });
    if (started.ok) {
      notifications.show({ message: t('jobs.started') });
      onClose();
    }
    return started;
  });
  const findings = check.value?.findings ?? [];
  const errors = check.value?.blocking ?? 0;
  return (
    <Modal opened onClose={onClose} title={t('jobs.checkTitle', { name: chosen.name })} size="xl">
      {check.status === 'running' ? (
        <>
          <StateBadge state="busy">{t('jobs.checking')}</StateBadge>
          <Skeleton height={80} mt="sm" />
        </>
      ) : null}
      {check.error ? (
        <ErrorNotice error={check.error}>
          <Button variant="default" mt="sm" onClick={() => void run(undefined)}>
            {t('common.retry')}
          </Button>
        </ErrorNotice>
      ) : null}
      {check.value ? (
        <>
          <h3 className={classes.section}>{t('jobs.findings')}</h3>
          {findings.length === 0 ? (
            <StateBadge state="ok">{t('jobs.nothingFound')}</StateBadge>
          ) : (
            <FindingList findings={findings} />
          )}
          <Checkbox
            mt="md"
            label={t('jobs.fetchResult')}
            description={t('jobs.intoFolder')}
            checked={fetchResult}
            onChange={(event) => setFetchResult(event.currentTarget.checked)}
          />
          {errors > 0 ? <p className="muted">{t('jobs.cannotSubmit')}</p> : null}
        </>
      ) : null}
      {submit.error ? <ErrorNotice error={submit.error} /> : null}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        <Button
          disabled={!check.value || errors > 0}
          loading={submit.status === 'running'}
          onClick={() => void submit.run(undefined)}
        >
          {t('jobs.submit')}
        </Button>
      </Group>
    </Modal>
  );
}
