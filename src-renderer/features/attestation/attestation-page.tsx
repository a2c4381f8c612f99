import { Button, SegmentedControl } from '@mantine/core';
import { useCallback, useMemo, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { type Translate, useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { type DataColumn, DataTable } from '../../components/data-table.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Page } from '../../components/page.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import { useAction } from '../../state/action.ts';
import { attestationReplica, workspaceReplica } from '../../state/replicas.ts';
import { classWord } from './class-word.ts';
import classes from './attestation.module.css';
import { AttestationBadge, type AttestedSite as Site } from '../../components/attestation-badge.tsx';
import { Calendar } from './calendar.tsx';
import { Chips } from './chips.tsx';
import { askToNotify } from './notify.ts';
import { RulesDrawer } from './rules-drawer.tsx';
import { SiteDrawer } from './site-drawer.tsx';
import { StopNotice } from './stop-notice.tsx';
import { Timeline } from './timeline.tsx';

const views = ['board', 'timeline', 'chips', 'calendar'] as const;
type View = (typeof views)[number];

/** What every site proved. `/attestation/timeline|chips|calendar` are its other views, `/attestation/site/NAME` opens one site. */
export default function AttestationPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const [, , second = '', third = ''] = useLocation().pathname.split('/');
  const open = workspaceReplica.use((replica) => replica.value?.open);
  const view: View = views.find((name) => name === second) ?? 'board';
  if (!open) return <Page title={t('attestation.title')}>{null}</Page>;
  const kit = open.participants.find((one) => one.type === 'admin' && one.kit_place)?.kit_place?.token;
  return (
    <Page
      title={t('attestation.title')}
      subtitle={open.name}
      actions={
        <SegmentedControl
          size="xs"
          aria-label={t('attestation.viewsLabel')}
          value={view}
          onChange={(next) => void navigate(next === 'board' ? '/attestation' : `/attestation/${next}`)}
          data={views.map((value) => ({ value, label: t(`attestation.views.${value}`) }))}
        />
      }
    >
      {view === 'board' ? (
        <Board kit={kit} opened={second === 'site' ? decodeURIComponent(third) : ''} />
      ) : null}
      {view === 'timeline' ? <Timeline /> : null}
      {view === 'chips' ? <Chips /> : null}
      {view === 'calendar' ? <Calendar file={open.file?.token} /> : null}
    </Page>
  );
}

function Board({ kit, opened }: { kit: string | undefined; opened: string }) {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const board = attestationReplica.use((replica) => replica.value);
  const look = useAction((next: string | undefined) =>
    client.call('attestation.look', next === undefined ? {} : { kit: next }),
  );
  const check = useAction((sites: string[] | undefined) =>
    client.call('attestation.check', sites === undefined ? {} : { sites }),
  );
  const columns = useMemo(() => boardColumns(t), [t]);
  const [rulesOpen, setRulesOpen] = useState(false);
  const closeRules = useCallback(() => setRulesOpen(false), []);
  const error = look.error ?? check.error;
  const watching = board?.watching === true;
  const checking = check.status === 'running';
  return (
    <>
      {error ? <ErrorNotice error={error} /> : null}
      {board?.simulated === true ? <p className={classes.simulated}>{t('attestation.simulated')}</p> : null}
      {board?.webhook?.state === 'failed' ? (
        <p className={classes.problem}>
          <StateBadge state="warn">
            {t('attestation.webhookFailed', { message: board.webhook.message ?? '' })}
          </StateBadge>
        </p>
      ) : null}
      {board?.report ? <StopNotice report={board.report} /> : null}
      <DataTable
        id="attestation"
        label={t('attestation.label')}
        rows={board?.sites ?? []}
        columns={columns}
        rowId={({ site }) => site}
        rowLabel={({ site }) => site}
        selectable
        opened={opened}
        onOpen={({ site }) => void navigate(`/attestation/site/${encodeURIComponent(site)}`)}
        bulk={(selected) => (
          <Button loading={checking} onClick={() => void check.run(selected.map(({ site }) => site))}>
            {t('attestation.check')}
          </Button>
        )}
        toolbar={
          watching ? (
            <span style={{ display: 'inline-flex', gap: 8 }}>
              <Button variant="default" loading={checking} onClick={() => void check.run(undefined)}>
                {t('attestation.checkAll')}
              </Button>
              <Button variant="default" onClick={() => setRulesOpen(true)}>
                {t('attestation.rules')}
              </Button>
              <Button variant="subtle" onClick={() => void look.run(undefined)}>
                {t('attestation.stop')}
              </Button>
            </span>
          ) : null
        }
        empty={
          kit === undefined ? (
            <EmptyState title={t('attestation.noKit')} reason={t('attestation.noKitReason')} />
          ) : (
            <EmptyState title={t('attestation.notWatching')} reason={t('attestation.notWatchingReason')}>
              <Button
                loading={look.status === 'running'}
                onClick={() => {
                  askToNotify();
                  void look.run(kit);
                }}
              >
                {t('attestation.watch')}
              </Button>
            </EmptyState>
          )
        }
      />
      <RulesDrawer opened={rulesOpen} onClose={closeRules} />
      <SiteDrawer
        site={board?.sites.find(({ site }) => site === opened)}
        onCheck={(site) => void check.run([site])}
        checking={checking}
        onClose={() => void navigate('/attestation')}
      />
    </>
  );
}

function boardColumns(t: Translate): DataColumn<Site>[] {
  return [
    {
      id: 'site',
      header: t('attestation.columns.site'),
      width: 'minmax(96px, 1fr)',
      value: ({ site }) => site,
      cell: ({ site }) => <strong>{site}</strong>,
    },
    {
      id: 'state',
      header: t('attestation.columns.state'),
      width: 'minmax(168px, 1.2fr)',
      value: ({ label }) => label,
      cell: (site) => <AttestationBadge site={site} />,
    },
    {
      id: 'class',
      header: t('attestation.columns.class'),
      width: '96px',
      dispensable: 1,
      value: ({ class: kind }) => classWord(t, kind),
    },
    {
      id: 'learnt',
      header: t('attestation.columns.learnt'),
      width: '104px',
      value: ({ at }) => at ?? '',
      cell: ({ at }) => <RelativeTime at={at} />,
    },
    {
      id: 'source',
      header: t('attestation.columns.source'),
      width: 'minmax(120px, 1.2fr)',
      value: ({ source }) => source ?? '',
    },
    {
      id: 'says',
      header: t('attestation.columns.says'),
      width: 'minmax(200px, 3fr)',
      value: ({ message, paused }) => (paused ? `${message} (${t('attestation.paused')})` : message),
    },
  ];
}
