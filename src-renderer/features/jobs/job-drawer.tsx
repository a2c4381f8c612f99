import { Button, Drawer, Group, Select, Skeleton } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ConfirmTyped } from '../../components/confirm-typed.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import facts from '../../components/facts.module.css';
import { LogViewer } from '../../components/log-viewer.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';
import { boardReplica } from '../../state/replicas.ts';
import { type BoardJob, phaseStates } from './job-model.ts';
import classes from './jobs-page.module.css';

/** One job: status, timeline, sites, reason, log, meta, result, and a comparison with another job. */
export function JobDrawer({ kit, jobId, onClose }: { kit: string; jobId: string; onClose: () => void }) {
  const t = useTexts();
  const job = boardReplica.use((replica) => replica.value?.jobs.find((item) => item.job_id === jobId));
  return (
    <Drawer
      opened={jobId !== ''}
      onClose={onClose}
      position="right"
      size={640}
      title={t('jobs.detail', { name: job?.name ?? jobId })}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {jobId === '' ? null : <JobDetail key={jobId} kit={kit} jobId={jobId} job={job} onGone={onClose} />}
    </Drawer>
  );
}

function JobDetail({
  kit,
  jobId,
  job,
  onGone,
}: {
  kit: string;
  jobId: string;
  job: BoardJob | undefined;
  onGone: () => void;
}) {
  const t = useTexts();
  const client = useClient();
  const detail = useAction(() => client.call('jobs.detail', { kit, job_id: jobId }));
  const { run } = detail;
  useEffect(() => void run(undefined), [run, job?.status]);
  const act = useAction((verb: 'jobs.abort' | 'jobs.delete' | 'jobs.clone') =>
    client.call(verb, { kit, job_id: jobId }),
  );
  const fetchResult = useAction(() => client.start('jobs.download', { kit, job_id: jobId }));
  const shown = job ?? detail.value?.job;
  const ended = shown?.phase === 'done' || shown?.phase === 'failed';
  return (
    <div className={classes.detail}>
      <Group gap="md">
        {shown ? <StateBadge state={phaseStates[shown.phase]}>{shown.status}</StateBadge> : null}
        <Copyable text={jobId} />
      </Group>
      <Group gap="sm">
        {ended ? (
          <Button
            variant="default"
            loading={fetchResult.status === 'running'}
            onClick={() => void fetchResult.run(undefined)}
          >
            {t('jobs.download')}
          </Button>
        ) : (
          <ConfirmTyped
            title={t('jobs.abort')}
            message={t('jobs.abortMessage', { name: shown?.name ?? jobId })}
            word={shown?.name ?? jobId}
            button={t('jobs.abort')}
            onConfirm={() => void act.run('jobs.abort')}
          />
        )}
        <Button variant="default" onClick={() => void act.run('jobs.clone')}>
          {t('jobs.clone')}
        </Button>
        <ConfirmTyped
          title={t('jobs.delete')}
          message={t('jobs.deleteMessage', { name: shown?.name ?? jobId })}
          word={shown?.name ?? jobId}
          button={t('jobs.delete')}
          onConfirm={() => void act.run('jobs.delete').then((answer) => answer.ok && onGone())}
        />
        {shown?.result ? <ShowResult place={shown.result} /> : null}
      </Group>
      {act.error ? <ErrorNotice error={act.error} /> : null}
      {fetchResult.error ? <ErrorNotice error={fetchResult.error} /> : null}
      {detail.error ? <ErrorNotice error={detail.error} /> : null}
      {detail.status === 'running' && !detail.value ? <Skeleton height={160} mt="md" /> : null}
      {detail.value ? <Facts kit={kit} jobId={jobId} detail={detail.value} /> : null}
    </div>
  );
}

function ShowResult({ place }: { place: { token: string; label: string } }) {
  const t = useTexts();
  const client = useClient();
  return (
    <Button
      variant="subtle"
      title={place.label}
      onClick={() => void client.call('places.reveal', { place: place.token })}
    >
      {t('jobs.openResult')}
    </Button>
  );
}

interface Detail {
  meta: Record<string, unknown>;
  timeline: { at?: string | undefined; what: string }[];
  sites: { name: string; state: string; message?: string | undefined }[];
  reason?: string | undefined;
  log?: string | undefined;
}

const valueText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function Facts({ kit, jobId, detail }: { kit: string; jobId: string; detail: Detail }) {
  const t = useTexts();
  return (
    <>
      {detail.reason ? (
        <>
          <h3 className={classes.section}>{t('jobs.reason')}</h3>
          <p style={{ whiteSpace: 'pre-wrap' }}>{detail.reason}</p>
        </>
      ) : null}
      {detail.timeline.length > 0 ? (
        <>
          <h3 className={classes.section}>{t('jobs.timeline')}</h3>
          <dl className={facts.facts}>
            {detail.timeline.map((entry, index) => (
              <div key={`${entry.what}${index}`} style={{ display: 'contents' }}>
                <dt>{entry.at ? new Date(entry.at).toLocaleTimeString() : ''}</dt>
                <dd>{entry.what}</dd>
              </div>
            ))}
          </dl>
        </>
      ) : null}
      {detail.sites.length > 0 ? (
        <>
          <h3 className={classes.section}>{t('jobs.sites')}</h3>
          <dl className={facts.facts}>
            {detail.sites.map((site) => (
              <div key={site.name} style={{ display: 'contents' }}>
                <dt>{site.name}</dt>
                <dd>
                  <StateBadge state={site.state === 'ok' ? 'ok' : 'bad'}>{site.state}</StateBadge>
                  {site.message ? <div className="muted">{site.message}</div> : null}
                </dd>
              </div>
            ))}
          </dl>
        </>
      ) : null}
      {detail.log ? (
        <>
          <h3 className={classes.section}>{t('jobs.log')}</h3>
          <LogViewer
            lines={detail.log.split('\n')}
            name={`${jobId}.log`}
            label={t('jobs.log')}
            height={240}
          />
        </>
      ) : null}
      <h3 className={classes.section}>{t('jobs.meta')}</h3>
      <dl className={facts.facts}>
        {Object.entries(detail.meta).map(([key, value]) => (
          <div key={key} style={{ display: 'contents' }}>
            <dt>{key}</dt>
            <dd className="mono">{valueText(value)}</dd>
          </div>
        ))}
      </dl>
      <Compare kit={kit} jobId={jobId} meta={detail.meta} />
    </>
  );
}

/** What two jobs were told differently. */
function Compare({ kit, jobId, meta }: { kit: string; jobId: string; meta: Record<string, unknown> }) {
  const t = useTexts();
  const client = useClient();
  const jobs = boardReplica.use((replica) => replica.value?.jobs) ?? [];
  const [otherId, setOtherId] = useState<string | null>(null);
  const other = useAction((id: string) => client.call('jobs.detail', { kit, job_id: id }));
  const differing = other.value
    ? [...new Set([...Object.keys(meta), ...Object.keys(other.value.meta)])].filter(
        (key) => valueText(meta[key]) !== valueText(other.value?.meta[key]),
      )
    : [];
  return (
    <>
      <Select
        mt="md"
        label={t('jobs.compare')}
        searchable
        clearable
        value={otherId}
        onChange={(id) => {
          setOtherId(id);
          if (id) void other.run(id);
          else other.reset();
        }}
        data={jobs
          .filter((job) => job.job_id !== jobId)
          .slice(0, 500)
          .map((job) => ({ value: job.job_id, label: `${job.name} · ${job.job_id.slice(0, 8)}` }))}
      />
      {other.error ? <ErrorNotice error={other.error} /> : null}
      {other.value ? (
        <table className={classes.compare}>
          <thead>
            <tr>
              <th scope="col">{t('jobs.field')}</th>
              <th scope="col">{t('jobs.thisJob')}</th>
              <th scope="col">{t('jobs.otherJob')}</th>
            </tr>
          </thead>
          <tbody>
            {differing.map((key) => (
              <tr key={key}>
                <td>{key}</td>
                <td className="mono">{valueText(meta[key] ?? '')}</td>
                <td className="mono">{valueText(other.value?.meta[key] ?? '')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </>
  );
}
