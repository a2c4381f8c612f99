import { Button, Group } from '@mantine/core';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ConfirmTyped } from '../../components/confirm-typed.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';
import { custodyReplica, workspaceReplica } from '../../state/replicas.ts';
import classes from './settings-page.module.css';

/** The project's CA key: in clear as NVFlare keeps it, or wrapped by a passphrase. Both said in words. */
export function Custody() {
  const t = useTexts();
  const client = useClient();
  const open = workspaceReplica.use((replica) => replica.value?.open);
  const custody = custodyReplica.use((replica) => replica.value);
  const act = useAction((verb: 'custody.wrap' | 'custody.unwrap' | 'custody.unlock' | 'custody.lock') =>
    client.call(verb, {}),
  );
  if (!open || open.kind === 'kit' || !custody)
    return <span className="muted">{t('settings.noProject')}</span>;
  const busy = act.status === 'running';
  return (
    <div className={classes.stack}>
      <p className={classes.about}>{t(`settings.custodyForm.${custody.form}`)}</p>
      {custody.message ? <StateBadge state="warn">{custody.message}</StateBadge> : null}
      {custody.root_fingerprint ? (
        <div>
          <span className="muted">{t('settings.rootFingerprint')}</span>{' '}
          <Copyable text={custody.root_fingerprint} length={40} />
        </div>
      ) : null}
      {act.error ? <ErrorNotice error={act.error} /> : null}
      <Group gap="sm">
        {custody.form === 'plain' ? (
          <Button variant="default" loading={busy} onClick={() => void act.run('custody.wrap')}>
            {t('settings.wrap')}
          </Button>
        ) : null}
        {custody.form === 'wrapped' ? (
          <>
            {custody.unlocked_until ? (
              <>
                <Button variant="default" loading={busy} onClick={() => void act.run('custody.lock')}>
                  {t('settings.lock')}
                </Button>
                <span className="muted">
                  {t('settings.unlockedUntil')} <RelativeTime at={custody.unlocked_until} />
                </span>
              </>
            ) : (
              <Button variant="default" loading={busy} onClick={() => void act.run('custody.unlock')}>
                {t('settings.unlock')}
              </Button>
            )}
            <ConfirmTyped
              title={t('settings.unwrap')}
              message={t('settings.custodyForm.plain')}
              word={open.name}
              button={t('settings.unwrap')}
              onConfirm={() => void act.run('custody.unwrap')}
            />
          </>
        ) : null}
      </Group>
    </div>
  );
}
