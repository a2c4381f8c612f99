import { Button, UnstyledButton } from '@mantine/core';
import { IconFilePlus, IconFolderOpen, IconKey, IconPackage } from '@tabler/icons-react';
import { useNavigate } from 'react-router';
import type { Envelope } from '../../../src-main/contract/kernel.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import { useAction } from '../../state/action.ts';
import { workspaceReplica } from '../../state/replicas.ts';
import classes from './begin.module.css';

/** The ways to begin, and the projects of before. */
export function Begin({ onOpened }: { onOpened: () => void }) {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const recent = workspaceReplica.use((replica) => replica.value?.recent) ?? [];
  const open = useAction(async (purpose: 'project_folder' | 'admin_kit'): Promise<Envelope<unknown>> => {
    const picked = await client.call('places.pick', { purpose });
    if (!picked.ok || !picked.value.place)
      return picked.ok ? { ok: true as const, value: undefined } : picked;
    const opened = await client.call('workspace.open', { place: picked.value.place.token });
    if (opened.ok) onOpened();
    return opened;
  });
  const openRecent = useAction(async (id: string) => {
    const opened = await client.call('workspace.open_recent', { id });
    if (opened.ok) onOpened();
    return opened;
  });
  const error = open.error ?? openRecent.error;
  const ways = [
    {
      icon: IconFilePlus,
      title: t('overview.newProject'),
      about: t('overview.newProjectAbout'),
      act: () => void navigate('/project/new'),
    },
    {
      icon: IconFolderOpen,
      title: t('overview.openFolder'),
      about: t('overview.openFolderAbout'),
      act: () => void open.run('project_folder'),
    },
    {
      icon: IconKey,
      title: t('overview.openKit'),
      about: t('overview.openKitAbout'),
      act: () => void open.run('admin_kit'),
    },
    {
      icon: IconPackage,
      title: t('overview.openBundle'),
      about: t('overview.openBundleAbout'),
      act: () => void navigate('/builds/bundles'),
    },
  ];
  return (
    <div className={classes.begin}>
      <h2 className={classes.heading}>{t('overview.begin')}</h2>
      <p className="muted">{t('overview.beginReason')}</p>
      {error ? <ErrorNotice error={error} /> : null}
      <div className={classes.ways}>
        {ways.map(({ icon: Icon, title, about, act }) => (
          <UnstyledButton key={title} className={classes.way} onClick={act}>
            <Icon size={18} stroke={1.75} aria-hidden />
            <span>
              <strong>{title}</strong>
              <span className={`muted ${classes.about}`}>{about}</span>
            </span>
          </UnstyledButton>
        ))}
      </div>
      {recent.length > 0 ? (
        <>
          <h2 className={classes.heading}>{t('overview.recent')}</h2>
          <ul className={classes.recent}>
            {recent.map((item) => (
              <li key={item.id} className={classes.item}>
                <UnstyledButton
                  className={classes.recentButton}
                  disabled={!item.available}
                  onClick={() => void openRecent.run(item.id)}
                >
                  <strong>{item.name}</strong>
                  <span className={`mono muted ${classes.path}`}>{item.label}</span>
                </UnstyledButton>
                {item.available ? (
                  <RelativeTime at={item.opened_at} />
                ) : (
                  <>
                    <span className="muted">{t('overview.gone')}</span>
                    <Button
                      variant="subtle"
                      color="gray"
                      onClick={() => void client.call('workspace.forget_recent', { id: item.id })}
                    >
                      {t('overview.forget')}
                    </Button>
                  </>
                )}
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </div>
  );
}
