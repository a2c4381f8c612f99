import { Button, SegmentedControl, Select, Tabs, TextInput } from '@mantine/core';
import { Fragment, useMemo, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { BackButton } from '../../components/back-button.tsx';
import { useTexts } from '../../app/texts.ts';
import { baseName } from '../../components/format.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Page } from '../../components/page.tsx';
import { useAction } from '../../state/action.ts';
import type { Place } from '../../state/pick.ts';
import { workspaceReplica } from '../../state/replicas.ts';
import type { DriveWhere } from './model.ts';
import { CreateDrive } from './user-data-create.tsx';
import { DriveFiles } from './user-data-files.tsx';
import { MountExport } from './user-data-mount.tsx';
import { ResizeDrive } from './user-data-resize.tsx';
import classes from './bundles.module.css';

/** The data drive of a participant, here or on its host. `/builds/data/NAME` is that of one participant. */
export default function UserDataPage() {
  const t = useTexts();
  const location = useLocation();
  const open = workspaceReplica.use((replica) => replica.value?.open);
  const [, , , first = ''] = location.pathname.split('/');
  const name = decodeURIComponent(first);
  const confidential = (open?.participants ?? []).filter((participant) => participant.confidential);
  const participant = confidential.find((one) => one.name === name);
  return (
    <Page
      title={name === '' ? t('bundles.data.title') : t('bundles.data.titleOf', { name })}
      actions={
        <BackButton to={name === '' ? '/builds/bundles' : `/builds/bundles/${encodeURIComponent(name)}`}>
          {name === '' ? t('bundles.back') : t('bundles.titleOf', { name })}
        </BackButton>
      }
    >
      <div className={classes.content}>
        <p className="muted">{t('bundles.data.about')}</p>
        <UserData
          key={name}
          file={open?.file?.token}
          participant={participant?.name}
          hasHost={participant?.host !== undefined}
          participants={confidential.map((one) => one.name)}
        />
      </div>
    </Page>
  );
}

/** Which drive, and what is done with it. */
export function UserData({
  file,
  participant,
  hasHost,
  participants,
}: {
  file: string | undefined;
  participant: string | undefined;
  hasHost: boolean;
  participants: string[];
}) {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const [on, setOn] = useState<'here' | 'host'>('here');
  const [drive, setDrive] = useState<Place>();
  const [hostPath, setHostPath] = useState('');
  const [hostDrive, setHostDrive] = useState('');
  const [tab, setTab] = useState<string | null>('create');
  const isRemote = on === 'host' && file !== undefined && participant !== undefined;
  const token = drive?.token;
  const where = useMemo((): DriveWhere | undefined => {
    if (isRemote) return hostDrive === '' ? undefined : { file, site: participant, host_path: hostDrive };
    return token === undefined ? undefined : { drive: token };
  }, [isRemote, hostDrive, file, participant, token]);
  const pick = useAction(async () => {
    const answer = await client.call('places.pick', { purpose: 'drive_file' });
    if (answer.ok && answer.value.place) {
      setDrive(answer.value.place);
      setTab('files');
    }
    return answer;
  });
  const openOnHost = (path: string): void => {
    setHostDrive(path);
    setTab('files');
  };
  return (
    <>
      <dl className={classes.where}>
        {participants.length > 0 ? (
          <>
            <dt id="data-participant">{t('bundles.data.participant')}</dt>
            <dd>
              <Select
                aria-labelledby="data-participant"
                data={participants}
                value={participant ?? null}
                onChange={(value) =>
                  void navigate(value === null ? '/builds/data' : `/builds/data/${encodeURIComponent(value)}`)
                }
                clearable
              />
            </dd>
          </>
        ) : null}
        <dt id="data-where">{t('bundles.data.where')}</dt>
        <dd>
          <SegmentedControl
            aria-labelledby="data-where"
            value={on}
            onChange={(value) => setOn(value === 'host' ? 'host' : 'here')}
            data={[
              { value: 'here', label: t('bundles.data.here') },
              {
                value: 'host',
                label: t('bundles.data.onHost', { name: participant ?? '…' }),
                disabled: !hasHost || file === undefined,
              },
            ]}
          />
          {participant !== undefined && !hasHost ? (
            <span className="muted">{t('bundles.data.noHost')}</span>
          ) : null}
        </dd>
        <dt>{t('bundles.data.drive')}</dt>
        <dd>
          {isRemote ? (
            <form
              className={classes.row}
              onSubmit={(event) => {
                event.preventDefault();
                openOnHost(hostPath.trim());
              }}
            >
              <TextInput
                aria-label={t('bundles.data.hostPath')}
                placeholder={t('bundles.data.hostPathExample')}
                classNames={{ input: 'mono' }}
                w={440}
                value={hostPath}
                onChange={(event) => setHostPath(event.currentTarget.value)}
              />
              <Button type="submit" variant="default" disabled={!hostPath.trim().startsWith('/')}>
                {t('bundles.data.openOnHost')}
              </Button>
            </form>
          ) : (
            <>
              {drive ? (
                <span className="mono" title={drive.label}>
                  {baseName(drive.label)}
                </span>
              ) : (
                <span className="muted">{t('bundles.data.driveNone')}</span>
              )}
              <Button variant="default" onClick={() => void pick.run(undefined)}>
                {t('bundles.data.openDrive')}
              </Button>
            </>
          )}
        </dd>
      </dl>
      {pick.error ? <ErrorNotice error={pick.error} /> : null}
      <Tabs value={tab} onChange={setTab} keepMounted={false}>
        <Tabs.List aria-label={t('bundles.data.title')}>
          <Tabs.Tab value="create">{t('bundles.data.tabs.create')}</Tabs.Tab>
          <Tabs.Tab value="files" disabled={!where}>
            {t('bundles.data.tabs.files')}
          </Tabs.Tab>
          <Tabs.Tab value="resize" disabled={!where}>
            {t('bundles.data.tabs.resize')}
          </Tabs.Tab>
          <Tabs.Tab value="mount" disabled={!where}>
            {t('bundles.data.tabs.mount')}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="create" className={classes.panel ?? ''}>
          <CreateDrive
            host={isRemote ? { file, site: participant } : undefined}
            onMade={(made) => {
              if (typeof made === 'string') {
                setHostPath(made);
                openOnHost(made);
              } else {
                setDrive(made);
                setTab('files');
              }
            }}
          />
        </Tabs.Panel>
        {where ? (
          // What was told of one drive is not said of another.
          <Fragment key={isRemote ? hostDrive : token}>
            <Tabs.Panel value="files" className={classes.panel ?? ''}>
              <DriveFiles where={where} />
            </Tabs.Panel>
            <Tabs.Panel value="resize" className={classes.panel ?? ''}>
              <ResizeDrive where={where} />
            </Tabs.Panel>
            <Tabs.Panel value="mount" className={classes.panel ?? ''}>
              <MountExport where={where} file={file} participant={participant} />
            </Tabs.Panel>
          </Fragment>
        ) : null}
      </Tabs>
      {where ? null : <p className="muted">{t('bundles.data.chooseFirst')}</p>}
      <p className="muted">{t('bundles.data.inUse')}</p>
    </>
  );
}
