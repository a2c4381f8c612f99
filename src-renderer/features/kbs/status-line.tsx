import type { StateValue } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { RelativeTime } from '../../components/relative-time.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import classes from './kbs.module.css';

const vaultStates = {
  active: 'ok',
  standby: 'ok',
  performance_standby: 'ok',
  dr_secondary: 'warn',
  not_initialised: 'bad',
  sealed: 'bad',
  unreachable: 'unknown',
  unclear: 'unknown',
} as const;
const adminStates = { ok: 'ok', refused: 'bad', failed: 'bad', not_configured: 'warn' } as const;

/** Release, admin access, the vault behind it, counters, and their age. */
export function StatusLine({ value }: { value: StateValue<'kbs.current'> }) {
  const t = useTexts();
  const { status, counters, vault } = value;
  if (!status) return null;
  const { release, release_sure: isSure, admin, at } = status;
  const total = Object.values(counters?.reads ?? {}).reduce((sum, count) => sum + count, 0);
  return (
    <div className={classes.status}>
      <span>
        {release === null
          ? t('kbs.releaseUnknown')
          : t(isSure ? 'kbs.release' : 'kbs.releaseAtLeast', { release })}
      </span>
      <StateBadge state={adminStates[admin]}>{t(`kbs.admin.${admin}`)}</StateBadge>
      {vault ? (
        <span title={[vault.address, vault.version, vault.message].filter(Boolean).join(' · ')}>
          <StateBadge state={vaultStates[vault.state]}>{t(`kbs.vault.${vault.state}`)}</StateBadge>{' '}
          <RelativeTime at={vault.at} />
        </span>
      ) : null}
      {counters ? (
        <span>
          {t('kbs.reads', { reads: total, refused: counters.policy_violations })}{' '}
          <RelativeTime at={counters.at} />
        </span>
      ) : null}
      <span className="muted" style={{ marginLeft: 'auto' }}>
        {t('kbs.asked')} <RelativeTime at={at} />
      </span>
    </div>
  );
}
