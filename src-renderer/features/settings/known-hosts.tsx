import { useEffect } from 'react';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ConfirmTyped } from '../../components/confirm-typed.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { useAction } from '../../state/action.ts';
import classes from './settings-page.module.css';

export function KnownHosts() {
  const t = useTexts();
  const client = useClient();
  const list = useAction(() => client.call('settings.known_hosts', {}));
  const { run } = list;
  useEffect(() => void run(undefined), [run]);
  const forget = useAction(async (host: { host: string; fingerprint: string }) => {
    const answer = await client.call('settings.forget_host', host);
    void run(undefined);
    return answer;
  });
  const hosts = list.value?.hosts ?? [];
  if (list.error) return <ErrorNotice error={list.error} />;
  if (list.value && hosts.length === 0) return <span className="muted">{t('settings.knownHostsNone')}</span>;
  return (
    <>
      {forget.error ? <ErrorNotice error={forget.error} /> : null}
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">{t('settings.host')}</th>
            <th scope="col">{t('settings.keyType')}</th>
            <th scope="col">{t('settings.fingerprint')}</th>
            <th scope="col">{t('common.remove')}</th>
          </tr>
        </thead>
        <tbody>
          {hosts.map((host) => (
            <tr key={`${host.host}${host.fingerprint}`}>
              <td className="mono">{host.host}</td>
              <td className="mono">{host.key_type}</td>
              <td>
                <Copyable text={host.fingerprint} length={32} />
              </td>
              <td>
                <ConfirmTyped
                  title={t('settings.forgetTitle')}
                  message={t('settings.forgetMessage', { host: host.host })}
                  word={host.host}
                  button={t('settings.forget')}
                  onConfirm={() => void forget.run({ host: host.host, fingerprint: host.fingerprint })}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
