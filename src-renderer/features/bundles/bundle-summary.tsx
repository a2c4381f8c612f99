import { useTexts } from '../../app/texts.ts';
import { Copyable } from '../../components/copyable.tsx';
import facts from '../../components/facts.module.css';
import { formatBytes } from '../../components/format.ts';
import { StateBadge, type StateKind } from '../../components/state-badge.tsx';
import { type BundleFinding, type Inspection, severityState, verdictOf, worstFirst } from './model.ts';
import classes from './bundles.module.css';

/** How a bundle stands: the verdict, the few facts that matter, and what was found. */
export function BundleSummary({ found }: { found: Inspection }) {
  const t = useTexts();
  return (
    <>
      <div className={classes.verdict} role="status">
        {verdictOf(t, found.findings).map(({ state, text }) => (
          <StateBadge key={text} state={state}>
            {text}
          </StateBadge>
        ))}
      </div>
      <Short found={found} />
      {found.findings.length > 0 ? (
        <section className={classes.section} aria-labelledby="bundle-findings">
          <h2 id="bundle-findings">{t('bundles.sections.findings')}</h2>
          <BundleFindings findings={found.findings} />
        </section>
      ) : null}
    </>
  );
}

function Short({ found }: { found: Inspection }) {
  const t = useTexts();
  const { archive, kit, measurement, debug_allowed: debug, kernel_hashes: hashes, drives } = found;
  const damaged = drives.filter(({ check }) => check === 'damaged').map(({ name }) => name);
  const checked = drives.filter(({ check }) => check !== 'not checked').length;
  const rows: { label: string; state?: StateKind; text: string; copy?: string | undefined }[] = [
    { label: t('bundles.facts.participant'), text: found.participant },
    { label: t('bundles.facts.folder'), text: '', copy: found.bundle },
    ...(archive
      ? [{ label: t('bundles.facts.archive'), text: formatBytes(archive.size), copy: archive.sha256 }]
      : []),
    kit
      ? {
          label: t('bundles.facts.kit'),
          state: 'ok',
          text: t('bundles.kitVerified', { name: kit.name ?? kit.kind, count: kit.checked }),
        }
      : { label: t('bundles.facts.kit'), state: 'unknown', text: t('bundles.kitNone') },
    measurement.computed
      ? {
          label: t('bundles.facts.measurement'),
          state: 'ok',
          text: t('bundles.measured'),
          copy: measurement.plain,
        }
      : {
          label: t('bundles.facts.measurement'),
          state: 'unknown',
          text: `${t('bundles.cannotCompute')}: ${measurement.reason}`,
        },
    {
      label: t('bundles.facts.debug'),
      state: debug === null ? 'unknown' : debug ? 'bad' : 'ok',
      text: debug === null ? t('bundles.debugUnknown') : debug ? t('bundles.debugOn') : t('bundles.debugOff'),
    },
    {
      label: t('bundles.facts.firmware'),
      state: hashes === null ? 'unknown' : hashes ? 'ok' : 'bad',
      text: hashes === null ? t('common.unknown') : hashes ? t('bundles.hashesOn') : t('bundles.hashesOff'),
    },
    damaged.length > 0
      ? {
          label: t('bundles.facts.drives'),
          state: 'bad',
          text: t('bundles.drivesDamaged', { names: damaged.join(', ') }),
        }
      : {
          label: t('bundles.facts.drives'),
          state: checked === drives.length && checked > 0 ? 'ok' : 'unknown',
          text: t('bundles.drivesChecked', { checked, count: drives.length }),
        },
  ];
  return (
    <dl className={facts.facts}>
      {rows.map(({ label, state, text, copy }) => (
        <div key={label} style={{ display: 'contents' }}>
          <dt>{label}</dt>
          <dd className={classes.row}>
            {state ? <StateBadge state={state}>{text}</StateBadge> : text ? <span>{text}</span> : null}
            {copy === undefined ? null : <Copyable text={copy} length={24} />}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What is wrong, odd or could not be checked: file and line, reason, fix. Worst first. */
export function BundleFindings({ findings }: { findings: readonly BundleFinding[] }) {
  const t = useTexts();
  return (
    <ul className={classes.findings}>
      {worstFirst(findings).map(({ severity, file, line, message, hint }) => (
        <li key={`${file}${line ?? ''}${message}`}>
          <StateBadge state={severityState[severity]}>
            {t(`bundles.severity.${severity}`)}: {message}
          </StateBadge>
          <div className={classes.more}>
            <span className="mono">
              {file === '.' ? t('bundles.wholeBundle') : line === undefined ? file : `${file}:${line}`}
            </span>
            {hint === undefined ? null : <div>{hint}</div>}
          </div>
        </li>
      ))}
    </ul>
  );
}
