import { Button, Checkbox, Textarea, TextInput } from '@mantine/core';
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

type Known = CallOutput<'kbs.reference_read'>;

/** The reference values of the attestation service: read as the release allows, replaced under one name, read back. */
export function References({ file, word }: { file: string; word: string }) {
  const t = useTexts();
  const client = useClient();
  const [known, setKnown] = useState<Known>();
  const [error, setError] = useState<ErrorAnswer>();
  const [name, setName] = useState('');
  const [lines, setLines] = useState('');
  const [fromImages, setFromImages] = useState(false);

  const look = useCallback(
    async (names?: string[]): Promise<void> => {
      setError(undefined);
      const answer = await client.call('kbs.reference_read', { file, ...(names ? { names } : {}) });
      if (answer.ok) setKnown(answer.value);
      else setError(answer.error);
    },
    [client, file],
  );
  useEffect(() => void look(), [look]);

  const values = lines
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const register = async (): Promise<void> => {
    setError(undefined);
    const answer = await client.call('kbs.reference_register', {
      file,
      name,
      values,
      from_images: fromImages,
      confirm: word,
    });
    if (!answer.ok) return setError(answer.error);
    const { changed, left_out: leftOut } = answer.value;
    notifications.show({ message: t(changed ? 'kbs.references.wasSet' : 'kbs.references.same', { name }) });
    for (const { participant, reason } of leftOut)
      notifications.show({ message: t('kbs.references.leftOut', { name: participant, reason }) });
    await look();
  };
  const why =
    name === ''
      ? t('kbs.references.noName')
      : values.length === 0 && !fromImages
        ? t('kbs.references.noValue')
        : undefined;
  return (
    <div className={classes.panel}>
      <p className="muted">{t('kbs.references.what')}</p>
      {error ? <ErrorNotice error={error} /> : null}
      {known && !known.complete ? <p>{t('kbs.references.byName', { release: known.release })}</p> : null}
      <div className={classes.form}>
        <TextInput
          label={t('kbs.references.name')}
          w={320}
          placeholder={t('kbs.references.nameExample')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value.trim())}
        />
        <Button variant="default" disabled={name === ''} onClick={() => void look([name])}>
          {t('kbs.references.look')}
        </Button>
        <Button variant="default" onClick={() => void look()}>
          {t('kbs.references.all')}
        </Button>
      </div>
      {known && known.values.length === 0 ? <p className="muted">{t('kbs.references.none')}</p> : null}
      {known && known.values.length > 0 ? (
        <table className={classes.table} aria-label={t('kbs.tabs.references')}>
          <thead>
            <tr>
              <th scope="col">{t('kbs.references.name')}</th>
              <th scope="col">{t('kbs.references.value')}</th>
              <th scope="col">{t('kbs.references.registered')}</th>
            </tr>
          </thead>
          <tbody>
            {known.values.map(({ name: one, value, registered_at: at }) => (
              <tr key={one}>
                <th scope="row" className="mono">
                  {one}
                </th>
                <td className={classes.value}>{value ?? t('kbs.references.absent')}</td>
                <td>{at === null ? null : <RelativeTime at={at} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      <div className={classes.form}>
        <Textarea
          label={t('kbs.references.values')}
          description={t('kbs.references.valuesHint')}
          rows={3}
          w={480}
          value={lines}
          onChange={(event) => setLines(event.currentTarget.value)}
        />
        <Checkbox
          label={t('kbs.references.fromImages')}
          mb={6}
          checked={fromImages}
          onChange={(event) => setFromImages(event.currentTarget.checked)}
        />
        <ConfirmTyped
          title={t('kbs.references.setTitle', { name })}
          message={t('kbs.references.setMessage')}
          word={word}
          button={t('kbs.references.set')}
          disabledReason={why}
          onConfirm={() => void register()}
        />
      </div>
    </div>
  );
}
