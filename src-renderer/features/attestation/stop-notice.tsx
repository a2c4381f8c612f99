import { Button } from '@mantine/core';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import { useAction } from '../../state/action.ts';
import { workspaceReplica } from '../../state/replicas.ts';
import { classWord } from './class-word.ts';
import classes from './attestation.module.css';

type Report = NonNullable<StateValue<'attestation.board'>['report']>;

/** Why the federation stopped, as far as any source tells, and the way back. */
export function StopNotice({ report }: { report: Report }) {
  const t = useTexts();
  const client = useClient();
  const file = workspaceReplica.use((replica) => replica.value?.open?.file?.token);
  const start = useAction(() =>
    client.start('sites.run', { verb: 'start', file: file ?? '', only: report.start_order }),
  );
  return (
    <section className={classes.notice} aria-label={t('attestation.stopped')}>
      <strong>{t('attestation.stopped')}</strong> <RelativeTime at={report.stopped_at} />
      <p>{report.reason}</p>
      {start.error ? <ErrorNotice error={start.error} /> : null}
      <p>
        {t('attestation.startOrder')}: <span className="mono">{report.start_order.join(' → ')}</span>{' '}
        {file === undefined ? null : (
          <Button
            size="compact-sm"
            loading={start.status === 'running'}
            onClick={() => void start.run(undefined)}
          >
            {t('attestation.startNow')}
          </Button>
        )}
      </p>
      {report.ghost_jobs.length > 0 ? (
        <p>
          {t('attestation.ghosts')}: {report.ghost_jobs.map(({ name, id }) => `${name} (${id})`).join(', ')}
        </p>
      ) : null}
      <details>
        <summary>{t('attestation.lastWords')}</summary>
        <ul>
          {report.last_words.map((word) => (
            <li key={`${word.site} ${word.class} ${word.at} ${word.said}`}>
              <span className="muted">{classWord(t, word.class)}</span> {word.site}: {word.said}{' '}
              <span className="muted">{word.source}</span> <RelativeTime at={word.at} />
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}
