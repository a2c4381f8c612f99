import { Button } from '@mantine/core';
import type { CallOutput } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { ConfirmTyped } from '../../components/confirm-typed.tsx';
import { RelativeTime } from '../../components/relative-time.tsx';
import classes from './kbs.module.css';

export type PolicyRecord = CallOutput<'kbs.policy_history'>['records'][number];

/** Every text that was seen at or set on this key broker from here. */
export function History({
  records,
  current,
  word,
  onRollBack,
  onLoad,
}: {
  records: PolicyRecord[];
  /** SHA-256 of the policy in force. */
  current: string | undefined;
  word: string;
  onRollBack: (id: string) => void;
  onLoad: (text: string) => void;
}) {
  const t = useTexts();
  if (records.length === 0)
    return (
      <p className="muted" style={{ padding: 16 }}>
        {t('kbs.noHistory')}
      </p>
    );
  return (
    <div style={{ padding: 16 }}>
      <table className={classes.table} aria-label={t('kbs.history')}>
        <thead>
          <tr>
            <th scope="col">{t('kbs.at')}</th>
            <th scope="col">{t('kbs.kind')}</th>
            <th scope="col">{t('kbs.by')}</th>
            <th scope="col">SHA-256</th>
            <th scope="col">{t('kbs.note')}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {records.map(({ id, at, kind, actor, sha256, note, text }) => (
            <tr key={id}>
              <td>
                <RelativeTime at={at} />
              </td>
              <td>{t(`kbs.kinds.${kind}`)}</td>
              <td>{actor}</td>
              <td className="mono">{sha256.slice(0, 12)}</td>
              <td>{note}</td>
              <td>
                <span className={classes.actions} style={{ margin: 0 }}>
                  <Button size="xs" variant="default" onClick={() => onLoad(text)}>
                    {t('kbs.load')}
                  </Button>
                  <ConfirmTyped
                    title={t('kbs.rollTitle', { at: new Date(at).toLocaleString() })}
                    message={t('kbs.rollMessage')}
                    word={word}
                    button={t('kbs.rollBack')}
                    disabledReason={sha256 === current ? t('kbs.unchanged') : undefined}
                    onConfirm={() => onRollBack(id)}
                  />
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
