import { Button, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useCallback, useEffect, useState } from 'react';
import type { ErrorAnswer } from '../../../src-main/contract/errors.ts';
import type { CallOutput } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ConfirmTyped } from '../../components/confirm-typed.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import classes from './kbs.module.css';

type Known = CallOutput<'kbs.resource_list'>;
type Place = CallOutput<'places.pick'>['place'];
const pathForm = /^[\w-][\w.-]*\/[\w-][\w.-]*\/[\w-][\w.-]*$/;

/** The secrets that the key broker hands out: paths, counts and what was done from here. A content goes in, and is never shown. */
export function Resources({ file, word }: { file: string; word: string }) {
  const t = useTexts();
  const client = useClient();
  const [known, setKnown] = useState<Known>();
  const [error, setError] = useState<ErrorAnswer>();
  const [path, setPath] = useState('');
  const [content, setContent] = useState<Place>(null);

  const look = useCallback(async (): Promise<void> => {
    const answer = await client.call('kbs.resource_list', { file });
    if (answer.ok) setKnown(answer.value);
    else setError(answer.error);
  }, [client, file]);
  useEffect(() => void look(), [look]);

  const choose = async (): Promise<void> => {
    const picked = await client.call('places.pick', { purpose: 'resource_content' });
    if (picked.ok) setContent(picked.value.place);
    else setError(picked.error);
  };
  const put = async (place: NonNullable<Place>): Promise<void> => {
    setError(undefined);
    const answer = await client.call('kbs.resource_put', {
      file,
      path,
      content: place.token,
      confirm: word,
    });
    if (!answer.ok) return setError(answer.error);
    notifications.show({ message: t('kbs.resources.wasPut', { size: answer.value.size, path }) });
    setContent(null);
    await look();
  };
  const remove = async (name: string): Promise<void> => {
    setError(undefined);
    const answer = await client.call('kbs.resource_delete', { file, path: name, confirm: word });
    if (!answer.ok) return setError(answer.error);
    notifications.show({ message: t('kbs.resources.wasDeleted', { path: name }) });
    await look();
  };

  const owner = known?.resources.find((one) => one.path === path)?.participant;
  const release = known?.release ?? '';
  const why = !pathForm.test(path)
    ? t('kbs.resources.badPath')
    : content === null
      ? t('kbs.resources.noContent')
      : undefined;
  return (
    <div className={classes.panel}>
      <p className="muted">{t('kbs.resources.what')}</p>
      {error ? <ErrorNotice error={error} /> : null}
      <div className={classes.form}>
        <TextInput
          label={t('kbs.resources.path')}
          w={320}
          placeholder={t('kbs.resources.pathExample')}
          value={path}
          onChange={(event) => setPath(event.currentTarget.value.trim())}
        />
        <Button variant="default" onClick={() => void choose()}>
          {t('kbs.resources.choose')}
        </Button>
        <span className="mono">{content?.label}</span>
        <ConfirmTyped
          title={t('kbs.resources.putTitle', { path })}
          message={owner ? t('kbs.resources.putKey', { name: owner }) : t('kbs.resources.putMessage')}
          word={word}
          button={t('kbs.resources.putButton')}
          disabledReason={why}
          onConfirm={() => {
            if (content) void put(content);
          }}
        />
      </div>
      {known && known.resources.length === 0 ? <p className="muted">{t('kbs.resources.none')}</p> : null}
      {known && known.resources.length > 0 ? (
        <table className={classes.table} aria-label={t('kbs.tabs.resources')}>
          <thead>
            <tr>
              <th scope="col">{t('kbs.resources.path')}</th>
              <th scope="col">{t('kbs.resources.keyOf')}</th>
              <th scope="col">{t('kbs.resources.writes')}</th>
              <th scope="col">{t('kbs.resources.reads')}</th>
              <th scope="col">{t('kbs.resources.done')}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {known.resources.map(({ path: name, participant, writes, reads, done }) => (
              <tr key={name}>
                <th scope="row" className="mono">
                  {name}
                </th>
                <td>{participant}</td>
                <td>{writes ?? t('kbs.resources.notCounted')}</td>
                <td>{reads ?? t('kbs.resources.notCounted')}</td>
                <td>
                  {done ? (
                    <>
                      {t(`kbs.resources.${done.what}`, { size: done.size ?? 0, actor: done.actor })}{' '}
                      <RelativeTime at={done.at} />
                    </>
                  ) : null}
                </td>
                <td>
                  <span className={classes.actions} style={{ margin: 0 }}>
                    <Button size="xs" variant="default" onClick={() => setPath(name)}>
                      {t('kbs.resources.take')}
                    </Button>
                    <ConfirmTyped
                      title={t('kbs.resources.deleteTitle', { path: name })}
                      message={
                        participant === null
                          ? t('kbs.resources.deleteMessage')
                          : t('kbs.resources.deleteKey', { name: participant })
                      }
                      word={word}
                      button={t('kbs.resources.delete')}
                      disabledReason={
                        known.deletes ? undefined : t('kbs.resources.cannotDelete', { release })
                      }
                      onConfirm={() => void remove(name)}
                    />
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      {known && !known.deletes && known.release !== null ? (
        <p>{t('kbs.resources.cannotDelete', { release })}</p>
      ) : null}
      <p className="muted">{t('kbs.resources.limit')}</p>
    </div>
  );
}
