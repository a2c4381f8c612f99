import { Button } from '@mantine/core';
import { useEffect } from 'react';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import { useAction } from '../../state/action.ts';
import classes from './settings-page.module.css';

/** Which passphrases this computer remembers: what each opens, never itself. */
export function Remembered() {
  const t = useTexts();
  const client = useClient();
  const list = useAction(() => client.call('settings.remembered', {}));
  const { run } = list;
  useEffect(() => void run(undefined), [run]);
  const forget = useAction(async (id: string) => {
    const answer = await client.call('settings.forget_remembered', { id });
    void run(undefined);
    return answer;
  });
  if (list.error) return <ErrorNotice error={list.error} />;
  if (!list.value) return null;
  const { mode, passphrases } = list.value;
  return (
    <>
      {forget.error ? <ErrorNotice error={forget.error} /> : null}
      <p className={classes.about}>{t(`settings.rememberedMode.${mode}`)}</p>
      {passphrases.length === 0 ? (
        <span className="muted">{t('settings.rememberedNone')}</span>
      ) : (
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{t('settings.rememberedOpens')}</th>
              <th scope="col">{t('settings.rememberedSince')}</th>
              <th scope="col">{t('common.remove')}</th>
            </tr>
          </thead>
          <tbody>
            {passphrases.map(({ id, opens, kept_at: keptAt }) => (
              <tr key={id}>
                <td className="mono">{opens}</td>
                <td>
                  <RelativeTime at={keptAt} />
                </td>
                <td>
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={t('settings.forgetPassphrase', { opens })}
                    onClick={() => void forget.run(id)}
                  >
                    {t('settings.forget')}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
