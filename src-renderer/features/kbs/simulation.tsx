import type { CallOutput } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import classes from './kbs.module.css';

export type Simulated = CallOutput<'kbs.policy_simulate'>['cvms'][number];

const states = { loses: 'bad', gains: 'warn', unknown: 'unknown', same: 'ok' } as const;

/** Who would lose or gain the disk key; those that lose it stand first. */
export function Simulation({ cvms }: { cvms: Simulated[] }) {
  const t = useTexts();
  return (
    <section aria-labelledby="kbs-simulation">
      <h2 id="kbs-simulation" className={classes.heading}>
        {t('kbs.simulation')}
      </h2>
      {cvms.length === 0 ? (
        <p className="muted">{t('kbs.noCvm')}</p>
      ) : (
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{t('kbs.participant')}</th>
              <th scope="col">{t('kbs.key')}</th>
              <th scope="col">{t('kbs.now')}</th>
              <th scope="col">{t('kbs.then')}</th>
            </tr>
          </thead>
          <tbody>
            {cvms.map(({ participant, change, before, after, reason }) => (
              <tr key={participant}>
                <th scope="row">{participant}</th>
                <td>
                  <StateBadge state={states[change]}>{t(`kbs.change.${change}`)}</StateBadge>
                  {reason ? <div className="muted">{reason}</div> : null}
                </td>
                <td>{t(`kbs.answer.${before}`)}</td>
                <td>{t(`kbs.answer.${after}`)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p className="muted">{t('kbs.limit')}</p>
    </section>
  );
}
