import { Button, Group, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../../app/texts.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { TaskRun } from '../../components/task-run.tsx';
import { type Place, usePick } from '../../state/pick.ts';
import { useTask } from '../../state/task.ts';
import { fieldError, stepText, unplaced } from './model.ts';
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
  const [folder, setFolder] = useState<Place>();
  const [target, setTarget] = useState<Place>();
  const [hostFolder, setHostFolder] = useState('');
  const [hostPath, setHostPath] = useState('');
  const [size, setSize] = useState(1);
  const create = useTask('user_data.create');
  const pick = usePick();
  const chooseFolder = async (): Promise<void> => {
    const place = await pick('data_folder');
    if (place) setFolder(place);
  };
  const chooseTarget = async (): Promise<void> => {
    const place = await pick('save_file', 'user_data.qcow2');
    if (place) setTarget(place);
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
            onPick={() => void chooseFolder()}
          />
          <PickedPlace
            label={t('bundles.data.newFile')}
            place={target}
            error={fieldError(error, 'drive')}
            onPick={() => void chooseTarget()}
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
