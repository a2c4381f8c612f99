import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { ErrorAnswer } from '../../../src-main/contract/errors.ts';
import type { CallOutput } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import classes from './kbs.module.css';

type Compared = CallOutput<'kbs.policy_measurements'>;
const states = { allow: 'ok', deny: 'bad', error: 'bad', unknown: 'unknown' } as const;

/** Enough to tell one from another; the whole stands in the title. */
const short = (measurement: string): string => `${measurement.slice(0, 16)}…`;

/** The measurements of the text in the editor beside those of the images: who gets no key, and what is left over. */
export function Images({ file, text, onGenerate }: { file: string; text: string; onGenerate: () => void }) {
  const t = useTexts();
  const client = useClient();
  const [compared, setCompared] = useState<Compared>();
  const [error, setError] = useState<ErrorAnswer>();
  useEffect(() => {
    let isOld = false;
    void client.call('kbs.policy_measurements', { file, text }).then((answer) => {
      if (isOld) return;
      if (answer.ok) setCompared(answer.value);
      else setError(answer.error);
    });
    return () => {
      isOld = true;
    };
  }, [client, file, text]);

  const linesText = (lines: readonly number[]): string =>
    lines.length === 0 ? t('kbs.images.nowhere') : t('kbs.images.lines', { lines: lines.join(', ') });
  const wasText = (was: Compared['stale'][number]['was']): string =>
    was === null
      ? t('kbs.images.noImage')
      : t(was.debug_swap ? 'kbs.images.wasSwap' : 'kbs.images.was', {
          name: was.participant,
          run: was.run,
        });
  const opensText = (opens: string[] | null): string =>
    opens === null
      ? t('kbs.images.opensUnknown')
      : opens.length === 0
        ? t('kbs.images.opensNothing')
        : t('kbs.images.opens', { names: opens.join(', ') });

  if (error)
    return (
      <div className={classes.panel}>
        <ErrorNotice error={error} />
      </div>
    );
  if (!compared) return null;
  return (
    <div className={classes.panel}>
      <p className="muted">{t('kbs.images.what')}</p>
      {compared.images.length === 0 ? (
        <p className="muted">{t('kbs.noCvm')}</p>
      ) : (
        <table className={classes.table} aria-label={t('kbs.tabs.images')}>
          <thead>
            <tr>
              <th scope="col">{t('kbs.participant')}</th>
              <th scope="col">{t('kbs.images.measurement')}</th>
              <th scope="col">{t('kbs.images.own')}</th>
              <th scope="col">{t('kbs.images.stands')}</th>
            </tr>
          </thead>
          <tbody>
            {compared.images.map(({ participant, measurement, answer, reason, lines }) => (
              <tr key={participant}>
                <th scope="row">{participant}</th>
                <td className="mono" title={measurement ?? undefined}>
                  {measurement === null ? t('kbs.change.unknown') : short(measurement)}
                </td>
                <td>
                  <StateBadge state={states[answer]}>{t(`kbs.answer.${answer}`)}</StateBadge>
                  {reason ? <div className="muted">{reason}</div> : null}
                </td>
                <td>{measurement === null ? null : linesText(lines)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <h2 className={classes.heading} style={{ margin: '8px 0 0' }}>
        {t('kbs.images.stale')}
      </h2>
      {compared.stale.length === 0 ? (
        <p className="muted">{t('kbs.images.noStale')}</p>
      ) : (
        <table className={classes.table} aria-label={t('kbs.images.stale')}>
          <thead>
            <tr>
              <th scope="col">{t('kbs.images.measurement')}</th>
              <th scope="col">{t('kbs.images.of')}</th>
              <th scope="col">{t('kbs.key')}</th>
              <th scope="col">{t('kbs.images.stands')}</th>
            </tr>
          </thead>
          <tbody>
            {compared.stale.map(({ measurement, lines, opens, was }) => (
              <tr key={measurement}>
                <th scope="row" className="mono" title={measurement}>
                  {short(measurement)}
                </th>
                <td>{wasText(was)}</td>
                <td>
                  <StateBadge state={opens === null ? 'unknown' : opens.length > 0 ? 'warn' : 'ok'}>
                    {opensText(opens)}
                  </StateBadge>
                </td>
                <td>{linesText(lines)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className={classes.actions}>
        <Button size="xs" variant="default" onClick={onGenerate}>
          {t('kbs.generate')}
        </Button>
      </div>
    </div>
  );
}
