import { Button, Group, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTexts } from '../../app/texts.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { baseName, formatBytes } from '../../components/format.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import { TaskRun } from '../../components/task-run.tsx';
import { type Place, usePick } from '../../state/pick.ts';
import { useTask } from '../../state/task.ts';
import { type DriveWhere, fieldError, stepText, textOf, unplaced } from './model.ts';
import { PickedPlace } from './picked-place.tsx';
import classes from './bundles.module.css';

/** What is on a drive, folder by folder; files are read, and put at its root. */
export function DriveFiles({ where }: { where: DriveWhere }) {
  const t = useTexts();
  const [path, setPath] = useState('/');
  const list = useTask('user_data.list');
  const read = useTask('user_data.read');
  const [shown, setShown] = useState('');
  const { run } = list;
  useEffect(() => void run({ ...where, path }), [run, where, path]);
  const reload = (): void => void run({ ...where, path });
  const go = (next: string): void => {
    setShown('');
    if (next === path) reload();
    else setPath(next);
  };
  const below = (name: string): string => `${path === '/' ? '' : path}/${name}`;
  const show = (name: string): void => {
    setShown(name);
    void read.run({ ...where, path: below(name) });
  };
  return (
    <>
      <div className={classes.row}>
        <span className="mono">{path}</span>
        {path === '/' ? null : (
          <Button variant="subtle" onClick={() => go(path.replace(/\/[^/]*$/, '') || '/')}>
            {t('bundles.data.up')}
          </Button>
        )}
        <Button variant="subtle" disabled={list.status === 'running'} onClick={reload}>
          {t('bundles.data.reload')}
        </Button>
        <span className="muted">{t('bundles.data.stale')}</span>
      </div>
      <TaskRun task={list} label={stepText(t, list.step ?? 'read')} />
      {list.error ? <ErrorNotice error={list.error} /> : null}
      {list.value ? (
        <Entries entries={list.value.entries} onFolder={(name) => go(below(name))} onFile={show} />
      ) : null}
      {shown === '' ? null : (
        <section className={classes.section} aria-label={t('bundles.data.content', { name: shown })}>
          <h3>{t('bundles.data.content', { name: shown })}</h3>
          <TaskRun task={read} label={stepText(t, read.step ?? 'read')} />
          {read.error ? <ErrorNotice error={read.error} /> : null}
          {read.value ? <Content value={read.value} /> : null}
        </section>
      )}
      <PutFile where={where} onPut={() => go('/')} />
    </>
  );
}

interface Entry {
  name: string;
  kind: 'file' | 'folder' | 'link' | 'other';
  size: number;
}

function Entries({
  entries,
  onFolder,
  onFile,
}: {
  entries: Entry[];
  onFolder: (name: string) => void;
  onFile: (name: string) => void;
}) {
  const t = useTexts();
  if (entries.length === 0) return <p className="muted">{t('bundles.data.empty')}</p>;
  return (
    <table className={`${classes.table} ${classes.narrow}`} aria-label={t('bundles.data.entries')}>
      <thead>
        <tr>
          <th>{t('bundles.data.name')}</th>
          <th className={classes.end}>{t('bundles.data.size')}</th>
        </tr>
      </thead>
      <tbody>
        {entries.map(({ name, kind, size }) => (
          <tr key={name}>
            <td className="mono">
              {kind === 'file' || kind === 'folder' ? (
                <button
                  type="button"
                  className={classes.entry}
                  onClick={() => (kind === 'folder' ? onFolder(name) : onFile(name))}
                >
                  {kind === 'folder' ? `${name}/` : name}
                </button>
              ) : (
                name
              )}
            </td>
            <td className={classes.end}>{kind === 'file' ? formatBytes(size) : ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const shownCharacters = 64_000;

function Content({ value: { bytes, base64 } }: { value: { bytes: number; base64: string } }) {
  const t = useTexts();
  const text = textOf(base64);
  if (text === undefined)
    return <p className="muted">{t('bundles.data.binary', { size: formatBytes(bytes) })}</p>;
  return (
    <pre className={`mono ${classes.preview}`} tabIndex={0}>
      {text.slice(0, shownCharacters)}
    </pre>
  );
}

function PutFile({ where, onPut }: { where: DriveWhere; onPut: () => void }) {
  const t = useTexts();
  const [source, setSource] = useState<Place>();
  const [name, setName] = useState('');
  const [written, setWritten] = useState('');
  const put = useTask('user_data.put');
  const pick = usePick();
  const choose = async (): Promise<void> => {
    const place = await pick('data_file');
    if (!place) return;
    setSource(place);
    setName(baseName(place.label));
  };
  const begin = async (): Promise<void> => {
    if (!source) return;
    const answer = await put.run({ ...where, source: source.token, name });
    if (!answer.ok) return;
    setWritten(name);
    onPut();
  };
  const left = unplaced(put.error, 'name', 'source');
  return (
    <form
      className={`${classes.column} ${classes.section}`}
      aria-label={t('bundles.data.putTitle')}
      onSubmit={(event) => {
        event.preventDefault();
        void begin();
      }}
    >
      <h3>{t('bundles.data.putTitle')}</h3>
      <div className="muted">{t('bundles.data.putAbout')}</div>
      <PickedPlace
        label={t('bundles.data.putFile')}
        place={source}
        error={fieldError(put.error, 'source')}
        onPick={() => void choose()}
      />
      <TextInput
        label={t('bundles.data.putName')}
        classNames={{ input: 'mono' }}
        maw={320}
        value={name}
        error={fieldError(put.error, 'name')}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Group gap="sm">
        <Button type="submit" disabled={!source || name === '' || put.status === 'running'}>
          {t('bundles.data.putDo')}
        </Button>
      </Group>
      <TaskRun task={put} label={stepText(t, put.step)} />
      {left ? <ErrorNotice error={left} /> : null}
      {put.value ? <StateBadge state="ok">{t('bundles.data.putDone', { name: written })}</StateBadge> : null}
    </form>
  );
}
