import { Button, Group, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { TaskRun } from '../../components/task-run.tsx';
import { useTask } from '../../state/task.ts';
import { fieldError, type Place, stepText, unplaced } from './model.ts';
import { PickedPlace } from './picked-place.tsx';
import { SizeField } from './size-field.tsx';
import classes from './bundles.module.css';

/** A new drive from the content of a folder, here or on the site's host. */
export function CreateDrive({
  host,
  onMade,
}: {
  host: { file: string; site: string } | undefined;
  /** The place of a drive here, the path of one on the host. */
  onMade: (drive: Place | string) => void;
}) {
  const t = useTexts();
  const client = useClient();
  const [folder, setFolder] = useState<Place>();
  const [target, setTarget] = useState<Place>();
  const [hostFolder, setHostFolder] = useState('');
  const [hostPath, setHostPath] = useState('');
  const [size, setSize] = useState(1);
  const create = useTask('user_data.create');
  const pick = async (purpose: 'data_folder' | 'save_file', take: (place: Place) => void): Promise<void> => {
    const more = purpose === 'save_file' ? { suggested_name: 'user_data.qcow2' } : {};
    const answer = await client.call('places.pick', { purpose, ...more });
    if (answer.ok && answer.value.place) take(answer.value.place);
  };
  const input = host
    ? hostFolder === '' || hostPath === ''
      ? undefined
      : { ...host, host_folder: hostFolder.trim(), host_path: hostPath.trim(), size }
    : folder && target && { folder: folder.token, drive: target.token, size };
  const begin = async (): Promise<void> => {
    if (!input) return;
    const answer = await create.run(input);
    if (answer.ok) onMade(host ? hostPath.trim() : (target as Place));
  };
  const { error } = create;
  const left = unplaced(error, 'drive', 'folder', 'size', 'host_path', 'host_folder');
  return (
    <form
      className={classes.column}
      onSubmit={(event) => {
        event.preventDefault();
        void begin();
      }}
    >
      {host ? (
        <>
          <TextInput
            label={t('bundles.data.hostFolder')}
            classNames={{ input: 'mono' }}
            value={hostFolder}
            error={fieldError(error, 'folder', 'host_folder')}
            onChange={(event) => setHostFolder(event.currentTarget.value)}
          />
          <TextInput
            label={t('bundles.data.newHostPath')}
            classNames={{ input: 'mono' }}
            value={hostPath}
            error={fieldError(error, 'drive', 'host_path')}
            onChange={(event) => setHostPath(event.currentTarget.value)}
          />
        </>
      ) : (
        <>
          <PickedPlace
            label={t('bundles.data.folder')}
            place={folder}
            error={fieldError(error, 'folder')}
            onPick={() => void pick('data_folder', setFolder)}
          />
          <PickedPlace
            label={t('bundles.data.newFile')}
            place={target}
            error={fieldError(error, 'drive')}
            onPick={() => void pick('save_file', setTarget)}
          />
        </>
      )}
      <SizeField
        label={t('bundles.data.newSize')}
        value={size}
        error={fieldError(error, 'size')}
        onChange={setSize}
      />
      <Group gap="sm">
        <Button type="submit" disabled={!input || create.status === 'running'}>
          {t('bundles.data.create')}
        </Button>
      </Group>
      <TaskRun task={create} label={stepText(t, create.step)} />
      {left ? <ErrorNotice error={left} /> : null}
      {create.value ? (
        <StateBadge state="ok">{t('bundles.data.created', { name: create.value.drive })}</StateBadge>
      ) : null}
    </form>
  );
}
