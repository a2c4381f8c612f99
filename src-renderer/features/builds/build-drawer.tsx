import { Button, Drawer, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ConfirmTyped } from '../../components/confirm-typed.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { formatBytes } from '../../components/format.ts';
import { useLogLines } from '../../components/log-lines.ts';
import { LogViewer } from '../../components/log-viewer.tsx';
import { useNow } from '../../components/now.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import { type Build, kinds, stageText, timeText } from './model.ts';
import classes from './builds.module.css';

/** One build: how it stands, what the builder says, what it left over, and what can be done. */
export function BuildDrawer({
  build,
  file,
  onClose,
}: {
  build: Build | undefined;
  file: string | undefined;
  onClose: () => void;
}) {
  const t = useTexts();
  return (
    <Drawer
      opened={build !== undefined}
      onClose={onClose}
      position="right"
      size={640}
      title={build ? t('builds.detail', { name: build.site }) : ''}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {build ? <Detail build={build} file={file} /> : null}
    </Drawer>
  );
}

function Detail({ build, file }: { build: Build; file: string | undefined }) {
  const t = useTexts();
  const now = useNow();
  return (
    <div className={classes.column}>
      <Group gap="md">
        <StateBadge state={kinds[build.state]}>{stageText(t, build)}</StateBadge>
        <span className="mono">{build.host}</span>
        <span className="numeric">{timeText(t, build, now)}</span>
      </Group>
      {build.expected ? (
        <div className="muted">
          {build.expected.from === 0
            ? t('builds.expectedGuide')
            : t('builds.expectedFrom', { count: build.expected.from })}
        </div>
      ) : null}
      {build.note ? <div role="status">{build.note}</div> : null}
      {build.error ? <ErrorNotice error={build.error} /> : null}
      {file ? <Acts build={build} file={file} /> : null}
      <LeftOvers build={build} />
      <Archive build={build} />
      {build.id ? <Output id={build.id} site={build.site} /> : null}
    </div>
  );
}

function Acts({ build, file }: { build: Build; file: string }) {
  const t = useTexts();
  const client = useClient();
  const [ending, setEnding] = useState(false);
  const run = async (more: { allow_running_vms?: boolean } = {}): Promise<void> => {
    const started = await client.start('builds.run', { file, only: [build.site], ...more });
    if (!started.ok)
      notifications.show({ color: 'red', title: started.error.message, message: started.error.hint ?? '' });
  };
  const cancel = async (): Promise<void> => {
    setEnding(true);
    const answer = await client.call('builds.cancel', { file, site: build.site, prod: build.prod });
    setEnding(false);
    if (!answer.ok)
      notifications.show({ color: 'red', title: answer.error.message, message: answer.error.hint ?? '' });
  };
  const again = build.actions.find((action) => action !== 'cancel');
  const texts = { retry: t('builds.retry'), resume: t('builds.resume'), build: t('builds.buildOne') };
  return (
    <Group gap="sm">
      {again ? <Button onClick={() => void run()}>{texts[again]}</Button> : null}
      {build.actions.includes('cancel') ? (
        <Button variant="default" disabled={ending} onClick={() => void cancel()}>
          {ending ? t('builds.cancelling') : t('builds.cancel')}
        </Button>
      ) : null}
      {build.state === 'failed' && /virtual machine/.test(build.error?.message ?? '') ? (
        <ConfirmTyped
          title={t('builds.allowVms')}
          message={t('builds.allowVmsMessage')}
          word={build.site}
          button={t('builds.allowVms')}
          onConfirm={() => void run({ allow_running_vms: true })}
        />
      ) : null}
    </Group>
  );
}

function LeftOvers({ build }: { build: Build }) {
  const t = useTexts();
  const left = build.left_overs ?? [];
  if (left.length === 0) return null;
  return (
    <section aria-label={t('builds.leftOvers')}>
      <strong>{t('builds.leftOvers')}</strong>
      <div className="muted">{t('builds.leftOversReason')}</div>
      <ul>
        {left.map(({ kind, name, command }) => (
          <li key={`${kind} ${name}`}>
            {kind} {name}: <Copyable text={command} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Archive({ build }: { build: Build }) {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const { archive } = build;
  if (!archive) return null;
  return (
    <>
      <dl className={classes.facts}>
        <dt>{t('builds.archive')}</dt>
        <dd>
          <Copyable text={archive.place.label} length={56} />
        </dd>
        <dt>{t('builds.size')}</dt>
        <dd>{formatBytes(archive.bytes)}</dd>
        {archive.sha256 ? (
          <>
            <dt>{t('builds.sha256')}</dt>
            <dd>
              <Copyable text={archive.sha256} length={24} />
            </dd>
          </>
        ) : null}
        {archive.on_builder ? (
          <>
            <dt>{t('builds.onBuilder')}</dt>
            <dd>
              <Copyable text={archive.on_builder} length={56} />
            </dd>
          </>
        ) : null}
      </dl>
      {archive.notes.map((note) => (
        <div key={note} className="muted">
          {note}
        </div>
      ))}
      <Group gap="sm">
        <Button onClick={() => void navigate(`/builds/bundles/${encodeURIComponent(build.site)}`)}>
          {t('builds.openBundle')}
        </Button>
        <Button
          variant="default"
          onClick={() => void client.call('places.reveal', { place: archive.place.token })}
        >
          {t('builds.reveal')}
        </Button>
      </Group>
    </>
  );
}

const marks = { stdout: ' ', stderr: '!', desk: '#' } as const;

function Output({ id, site }: { id: string; site: string }) {
  const t = useTexts();
  const client = useClient();
  const { lines, add, clear } = useLogLines();
  useEffect(() => {
    clear();
    const stream = client.open(
      'builds.log',
      { id },
      {
        onItem: (item) =>
          add(item.lines.map(({ at, from, text }) => `${at.slice(11, 19)} ${marks[from]} ${text}`)),
        onEnd: () => undefined,
      },
    );
    return () => stream.close();
  }, [client, id, add, clear]);
  return <LogViewer lines={lines} name={`build-${site}.log`} label={t('builds.log')} height={360} />;
}
