import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconFolderOpen, IconRefresh } from '@tabler/icons-react';
import { useEffect } from 'react';
import type { Envelope } from '../../../src-main/contract/kernel.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { baseName, formatBytes } from '../../components/format.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';
import type { ChosenJob } from './job-model.ts';
import classes from './jobs-page.module.css';

/** The job folders of the kit's transfer folder, each with its check, and the way to a folder elsewhere. */
export function TransferFolder({ kit, onSubmit }: { kit: string; onSubmit: (job: ChosenJob) => void }) {
  const t = useTexts();
  const client = useClient();
  const list = useAction(() => client.call('jobs.transfer', { kit }));
  const { run } = list;
  useEffect(() => void run(undefined), [run]);
  const choose = useAction(async (): Promise<Envelope<unknown>> => {
    const picked = await client.call('places.pick', { purpose: 'job_folder' });
    if (picked.ok && picked.value.place) {
      const { token, label } = picked.value.place;
      onSubmit({ name: baseName(label), where: { folder: token } });
    }
    return picked;
  });
  const folders = list.value?.jobs ?? [];
  return (
    <section className={classes.transfer} aria-labelledby="transfer-title">
      <div className={classes.transferHeader}>
        <h2 id="transfer-title">{t('jobs.transfer')}</h2>
        <Tooltip label={t('jobs.chooseFolder')}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('jobs.chooseFolder')}
            onClick={() => void choose.run(undefined)}
          >
            <IconFolderOpen size={16} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label={t('jobs.reload')}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('jobs.reload')}
            onClick={() => void run(undefined)}
          >
            <IconRefresh size={16} />
          </ActionIcon>
        </Tooltip>
      </div>
      {list.error ? <ErrorNotice error={list.error} /> : null}
      {choose.error ? <ErrorNotice error={choose.error} /> : null}
      {list.value && folders.length === 0 ? (
        <p className="muted" style={{ padding: '0 16px' }}>
          {t('jobs.transferNone')}
        </p>
      ) : null}
      <ul className={classes.transferList}>
        {folders.map((folder) => (
          <li key={folder.name} className={classes.transferItem}>
            <div className={classes.transferName}>
              <strong title={folder.name}>{folder.name}</strong>
              <div className="muted">
                {t('jobs.files', { count: folder.files })} · {formatBytes(folder.bytes)}
              </div>
              <div title={folder.message}>
                {folder.errors > 0 ? (
                  <StateBadge state="bad">{t('jobs.problems', { count: folder.errors })}</StateBadge>
                ) : folder.warnings > 0 ? (
                  <StateBadge state="warn">{t('jobs.warnings', { count: folder.warnings })}</StateBadge>
                ) : (
                  <StateBadge state="ok">{t('jobs.ready')}</StateBadge>
                )}
              </div>
            </div>
            <Button
              variant="default"
              aria-label={t('jobs.submitJob', { name: folder.name })}
              onClick={() => onSubmit({ name: folder.name, where: { job: folder.name } })}
            >
              {t('jobs.submit')}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
