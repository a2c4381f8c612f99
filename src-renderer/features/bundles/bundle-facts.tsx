import { IconChevronRight } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { type Translate, useTexts } from '../../app/texts.ts';
import { Copyable } from '../../components/copyable.tsx';
import facts from '../../components/facts.module.css';
import { baseName, formatBytes } from '../../components/format.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import type { Inspection } from './model.ts';
import classes from './bundles.module.css';

const hashLength = 24;

/** What was found in a bundle, folded away by subject. */
export function BundleFacts({ found }: { found: Inspection }) {
  const t = useTexts();
  const { files, drives, launch, measurement, kit } = found;
  const total = files.reduce((sum, { size }) => sum + size, 0);
  return (
    <>
      <Fold
        title={t('bundles.sections.files')}
        about={`${t('bundles.filesAbout', { count: files.length })}, ${formatBytes(total)}`}
      >
        <Files files={files} />
      </Fold>
      <Fold
        title={t('bundles.sections.launch')}
        about={[launch.cores && `${launch.cores} × ${launch.cpu ?? '?'}`, launch.memory]
          .filter((part) => part)
          .join(', ')}
      >
        <Launch launch={launch} />
      </Fold>
      <Fold title={t('bundles.sections.drives')} about={drives.map(({ name }) => baseName(name)).join(', ')}>
        <Drives found={found} />
      </Fold>
      <Fold
        title={t('bundles.sections.measurement')}
        about={measurement.computed ? t('bundles.measured') : t('bundles.cannotCompute')}
      >
        <Measurement measurement={measurement} />
      </Fold>
      {kit ? (
        <Fold title={t('bundles.sections.kit')} about={kit.name ?? kit.kind}>
          <Kit kit={kit} />
        </Fold>
      ) : null}
    </>
  );
}

function Fold({ title, about, children }: { title: string; about: string; children: ReactNode }) {
  return (
    <details className={classes.fold}>
      <summary>
        <IconChevronRight size={14} aria-hidden className={classes.arrow} />
        <strong>{title}</strong>
        <span className="muted">{about}</span>
      </summary>
      <div className={classes.inside}>{children}</div>
    </details>
  );
}

function Files({ files }: { files: Inspection['files'] }) {
  const t = useTexts();
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th>{t('bundles.files.name')}</th>
          <th className={classes.end}>{t('bundles.files.size')}</th>
          <th>{t('bundles.files.sha256')}</th>
        </tr>
      </thead>
      <tbody>
        {files.map(({ name, size, sha256 }) => (
          <tr key={name}>
            <td className="mono">{name}</td>
            <td className={classes.end} title={`${size} B`}>
              {formatBytes(size)}
            </td>
            <td>
              <Copyable text={sha256} length={hashLength} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Rows of facts; what is not known is left out. */
function Facts({ rows }: { rows: [string, ReactNode | undefined][] }) {
  return (
    <dl className={facts.facts}>
      {rows.map(([label, value]) =>
        value === undefined || value === '' ? null : (
          <div key={label} style={{ display: 'contents' }}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

function launchRows(t: Translate, launch: Inspection['launch']): [string, ReactNode | undefined][] {
  const { vm_id: vmId, append, policy, kernel_hashes: hashes } = launch;
  const ports = launch.forwards.map(({ host, guest }) => `${host} → ${guest}`).join(', ');
  return [
    [t('bundles.launch.vmId'), vmId === undefined ? undefined : <Copyable text={vmId} />],
    [t('bundles.launch.cores'), launch.cores?.toString()],
    [t('bundles.launch.cpu'), launch.cpu],
    [t('bundles.launch.memory'), launch.memory],
    [t('bundles.launch.policy'), policy === undefined ? undefined : `0x${policy.toString(16)}`],
    [t('bundles.launch.cBit'), launch.c_bit_position?.toString()],
    [
      t('bundles.launch.kernelHashes'),
      hashes === undefined ? undefined : hashes ? t('bundles.launch.on') : t('bundles.launch.off'),
    ],
    [t('bundles.launch.ports'), ports || t('bundles.launch.noneForwarded')],
    [t('bundles.launch.drives'), <span className="mono">{launch.drives.join(', ')}</span>],
    [t('bundles.launch.gpus'), launch.gpus.join(', ')],
    [t('bundles.launch.append'), append === undefined ? undefined : <Copyable text={append} />],
  ];
}

function Launch({ launch }: { launch: Inspection['launch'] }) {
  const t = useTexts();
  return <Facts rows={launchRows(t, launch)} />;
}

function Drives({ found: { drives, source } }: { found: Inspection }) {
  const t = useTexts();
  const isLeftOut = source === 'archive' && drives.some(({ check }) => check === 'not checked');
  return (
    <>
      <table className={classes.table}>
        <thead>
          <tr>
            <th>{t('bundles.drive.name')}</th>
            <th className={classes.end}>{t('bundles.drive.size')}</th>
            <th>{t('bundles.drive.check')}</th>
          </tr>
        </thead>
        <tbody>
          {drives.map(({ name, virtual_size: size, check }) => (
            <tr key={name}>
              <td className="mono">{name}</td>
              <td className={classes.end}>{formatBytes(size)}</td>
              <td>
                {isCheck(check) ? (
                  <StateBadge state={checkStates[check]}>{t(`bundles.check.${check}`)}</StateBadge>
                ) : (
                  <StateBadge state="unknown">{check}</StateBadge>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {isLeftOut ? <p className="muted">{t('bundles.driveNotChecked')}</p> : null}
    </>
  );
}

const checkStates = { clean: 'ok', leaks: 'warn', damaged: 'bad', 'not checked': 'unknown' } as const;
const isCheck = (text: string): text is keyof typeof checkStates => Object.hasOwn(checkStates, text);

function Measurement({ measurement }: { measurement: Inspection['measurement'] }) {
  const t = useTexts();
  if (!measurement.computed)
    return (
      <>
        <StateBadge state="unknown">{t('bundles.cannotCompute')}</StateBadge>
        <p>{measurement.reason}</p>
      </>
    );
  const rows = [
    {
      label: t('bundles.measurement.plain'),
      hex: measurement.plain,
      base64: measurement.plain_base64,
    },
    {
      label: t('bundles.measurement.debugSwap'),
      hex: measurement.with_debug_swap,
      base64: measurement.with_debug_swap_base64,
    },
  ];
  return (
    <>
      <p className="muted">{t('bundles.measurement.about')}</p>
      <table className={classes.table}>
        <thead>
          <tr>
            <th>{t('bundles.sections.measurement')}</th>
            <th>{t('bundles.measurement.hex')}</th>
            <th>{t('bundles.measurement.base64')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ label, hex, base64 }) => (
            <tr key={label}>
              <td>{label}</td>
              <td>
                <Copyable text={hex} length={hashLength} />
              </td>
              <td>
                <Copyable text={base64} length={hashLength} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Kit({ kit }: { kit: NonNullable<Inspection['kit']> }) {
  const t = useTexts();
  return (
    <Facts
      rows={[
        [t('bundles.kit.name'), kit.name ?? undefined],
        [t('bundles.kit.kind'), kit.kind],
        [t('bundles.kit.org'), kit.org ?? undefined],
        [t('bundles.kit.flare'), kit.flare ?? undefined],
        [t('bundles.kit.server'), kit.server ?? undefined],
        [t('bundles.kit.root'), <Copyable text={kit.root_fingerprint} length={hashLength} />],
        [t('bundles.kit.own'), <Copyable text={kit.fingerprint} length={hashLength} />],
        [t('bundles.kit.notAfter'), new Date(kit.not_after).toLocaleDateString()],
        [t('bundles.kit.checked'), t('bundles.kitChecked', { count: kit.checked })],
      ]}
    />
  );
}
