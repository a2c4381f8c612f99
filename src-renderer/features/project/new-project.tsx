import { Button, Group, SegmentedControl, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Page } from '../../components/page.tsx';
import { useAction } from '../../state/action.ts';
import { settingsReplica } from '../../state/replicas.ts';
import classes from './project.module.css';

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._ -]{0,62}$/;

/** The three things a project needs before anything else: a name, a folder, a FLARE line. */
export function NewProject() {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const preferred = settingsReplica.use((replica) => replica.value?.flare);
  const [name, setName] = useState('');
  const [folder, setFolder] = useState<{ token: string; label: string }>();
  const [chosenFlare, setFlare] = useState<'2.7.2' | '2.8.1'>();
  const flare = chosenFlare ?? preferred ?? '2.8.1';
  const nameWrong = name !== '' && !namePattern.test(name);
  const pick = useAction(async () => {
    const answer = await client.call('places.pick', {
      purpose: 'new_project_folder',
      suggested_name: name || 'project',
    });
    if (answer.ok && answer.value.place) setFolder(answer.value.place);
    return answer;
  });
  const begin = useAction(async () => {
    const answer = await client.call('drafts.begin_new', { directory: folder?.token ?? '', name, flare });
    if (answer.ok) void navigate('/project/edit/server');
    return answer;
  });
  return (
    <Page title={t('project.newTitle')}>
      <form
        className={classes.narrow}
        onSubmit={(event) => {
          event.preventDefault();
          if (folder && name !== '' && !nameWrong) void begin.run(undefined);
        }}
      >
        <TextInput
          label={t('project.name')}
          description={t('project.nameAbout')}
          value={name}
          maxLength={63}
          required
          data-autofocus
          autoFocus
          onChange={(event) => setName(event.currentTarget.value)}
          error={nameWrong ? t('project.nameRule') : undefined}
        />
        <div>
          <div className={classes.label}>{t('project.folder')}</div>
          <div className={classes.description}>{t('project.folderAbout')}</div>
          <Group gap="sm" wrap="nowrap">
            <Button
              variant="default"
              loading={pick.status === 'running'}
              onClick={() => void pick.run(undefined)}
            >
              {t('project.chooseFolder')}
            </Button>
            <span className={folder ? 'mono' : 'muted'}>{folder?.label ?? t('project.noFolder')}</span>
          </Group>
          {pick.error ? <ErrorNotice error={pick.error} /> : null}
        </div>
        <div>
          <div className={classes.label} id="flare-label">
            {t('project.flare')}
          </div>
          <div className={classes.description}>{t('project.flareAbout')}</div>
          <SegmentedControl
            size="xs"
            aria-labelledby="flare-label"
            value={flare}
            onChange={(value) => setFlare(value)}
            data={['2.8.1', '2.7.2']}
          />
        </div>
        {begin.error ? <ErrorNotice error={begin.error} /> : null}
        <Group>
          <Button
            type="submit"
            disabled={!folder || name === '' || nameWrong}
            loading={begin.status === 'running'}
          >
            {t('project.begin')}
          </Button>
          <Button variant="default" onClick={() => void navigate('/overview')}>
            {t('common.cancel')}
          </Button>
        </Group>
      </form>
    </Page>
  );
}
