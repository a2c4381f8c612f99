import { Button, Checkbox, Group, Select, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { TaskOutput } from '../../../src-main/contract/index.ts';
import { BackButton } from '../../components/back-button.tsx';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { formatBytes } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { TaskRun } from '../../components/task-run.tsx';
import { useAction } from '../../state/action.ts';
import { usePick } from '../../state/pick.ts';
import { useTask } from '../../state/task.ts';
import classes from './builds.module.css';

type Inspection = TaskOutput<'images.inspect'>;

/** The application image: written for the project, built with Docker, looked into without it. */
export function AppImage({
  file,
  builders,
}: {
  file: { token: string; label: string } | undefined;
  builders: { name: string }[];
}) {
  const t = useTexts();
  return (
    <Page title={t('builds.appImage')} actions={<BackButton to="/builds">{t('builds.back')}</BackButton>}>
      <div className={classes.content}>
        <p className="muted">{t('builds.app.reason')}</p>
        <Write file={file?.token} />
        <Build file={file?.token} builders={builders.map(({ name }) => name)} />
        <Inspect file={file?.token} />
      </div>
    </Page>
  );
}

function Write({ file }: { file: string | undefined }) {
  const t = useTexts();
  const client = useClient();
  const pick = usePick();
  const [packages, setPackages] = useState('');
  const [base, setBase] = useState('python:3.12');
  const [replace, setReplace] = useState(false);
  const write = useAction((folder: string) =>
    client.call('images.write', {
      folder,
      ...(file === undefined ? {} : { file }),
      base_image: base,
      packages: packages
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== ''),
      replace,
    }),
  );
  const begin = async (): Promise<void> => {
    const place = await pick('app_folder');
    if (place) await write.run(place.token);
  };
  return (
    <section className={classes.section}>
      <h2>{t('builds.app.write')}</h2>
      <div className={classes.column}>
        <Textarea
          label={t('builds.app.packages')}
          description={t('builds.app.packagesHint')}
          value={packages}
          onChange={(event) => setPackages(event.currentTarget.value)}
          autosize
          minRows={2}
        />
        <TextInput
          label={t('builds.app.base')}
          value={base}
          onChange={(event) => setBase(event.currentTarget.value)}
        />
        <Checkbox
          label={t('builds.app.replace')}
          checked={replace}
          onChange={(event) => setReplace(event.currentTarget.checked)}
        />
        <Group>
          <Button loading={write.status === 'running'} disabled={base === ''} onClick={() => void begin()}>
            {t('builds.app.folder')}
          </Button>
        </Group>
        {write.error ? <ErrorNotice error={write.error} /> : null}
        {write.value ? (
          <div role="status">
            <StateBadge state="ok">
              {write.value.gpu
                ? t('builds.app.writtenGpu', { flare: write.value.flare })
                : t('builds.app.written', { flare: write.value.flare })}
            </StateBadge>
            {write.value.files.map(({ label }) => (
              <div key={label}>
                <Copyable text={label} />
              </div>
            ))}
          </div>
        ) : null}
      </div>
    </section>
  );
}

function Build({ file, builders }: { file: string | undefined; builders: string[] }) {
  const t = useTexts();
  const client = useClient();
  const pick = usePick();
  const [tag, setTag] = useState('nvflare-site');
  const [on, setOn] = useState<string | null>(null);
  const here = t('builds.thisMachine');
  const [archive, setArchive] = useState('');
  const start = useAction((folder: string) =>
    client.start('images.build', {
      folder,
      tag,
      ...(on === null || file === undefined ? {} : { on, file }),
      ...(archive === '' ? {} : { archive }),
    }),
  );
  const begin = async (): Promise<void> => {
    const place = await pick('app_folder');
    if (place) await start.run(place.token);
  };
  return (
    <section className={classes.section}>
      <h2>{t('builds.app.buildTitle')}</h2>
      <div className={classes.column}>
        <TextInput
          label={t('builds.app.tag')}
          value={tag}
          onChange={(event) => setTag(event.currentTarget.value)}
        />
        <Select
          label={t('builds.app.on')}
          data={[here, ...builders.filter((name) => name !== here)]}
          value={on ?? here}
          onChange={(name) => setOn(name === here ? null : name)}
          allowDeselect={false}
        />
        {on === null ? null : (
          <TextInput
            label={t('builds.app.archivePath')}
            description={t('builds.app.archiveHint')}
            value={archive}
            onChange={(event) => setArchive(event.currentTarget.value)}
          />
        )}
        <Group>
          <Button loading={start.status === 'running'} disabled={tag === ''} onClick={() => void begin()}>
            {t('builds.app.start')}
          </Button>
        </Group>
        {start.error ? <ErrorNotice error={start.error} /> : null}
        {start.value ? <div role="status">{t('builds.app.started')}</div> : null}
      </div>
    </section>
  );
}

function Inspect({ file }: { file: string | undefined }) {
  const t = useTexts();
  const pick = usePick();
  const [label, setLabel] = useState('');
  const inspect = useTask('images.inspect');
  const begin = async (): Promise<void> => {
    const place = await pick('app_archive');
    if (!place) return;
    setLabel(place.label);
    await inspect.run({ archive: place.token, ...(file === undefined ? {} : { file }) });
  };
  return (
    <section className={classes.section}>
      <h2>{t('builds.app.inspectTitle')}</h2>
      <div className={classes.column}>
        <Group>
          <Button variant="default" loading={inspect.status === 'running'} onClick={() => void begin()}>
            {t('builds.app.inspect')}
          </Button>
        </Group>
        <TaskRun task={inspect} label={t('builds.app.reading')} />
        {inspect.error ? <ErrorNotice error={inspect.error} /> : null}
        {inspect.value ? <Facts result={inspect.value} label={label} /> : null}
      </div>
    </section>
  );
}

function Facts({ result: { facts, findings }, label }: { result: Inspection; label: string }) {
  const t = useTexts();
  const none = t('builds.app.notFound');
  const rows: [string, string][] = [
    [t('builds.app.facts.image'), facts.tags.join(', ') || facts.id.slice(0, 12)],
    [t('builds.app.facts.nvflare'), facts.nvflare ?? none],
    [t('builds.app.facts.python'), facts.python ?? none],
    [t('builds.app.facts.gpu'), facts.gpu_sdk ?? none],
    [t('builds.app.facts.platform'), `${facts.os ?? '?'}/${facts.architecture ?? '?'}`],
    [t('builds.app.facts.entry'), [...facts.entrypoint, ...facts.command].join(' ') || none],
    [
      t('builds.app.facts.layers'),
      t('builds.app.layers', { count: facts.layers.length, size: formatBytes(facts.unpacked_bytes) }),
    ],
    [t('builds.app.facts.archive'), `${label}, ${formatBytes(facts.bytes)}`],
  ];
  return (
    <>
      <dl className={classes.facts}>
        {rows.map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd className="mono">{value}</dd>
          </div>
        ))}
      </dl>
      {findings.length === 0 ? <StateBadge state="ok">{t('builds.app.nothingWrong')}</StateBadge> : null}
      {findings.map(({ severity, message, hint }) => (
        <div key={message}>
          <StateBadge state={severity === 'error' ? 'bad' : 'warn'}>{message}</StateBadge>{' '}
          <span className="muted">{hint}</span>
        </div>
      ))}
    </>
  );
}
