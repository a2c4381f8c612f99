import { ActionIcon, Tooltip } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { type CSSProperties, Fragment, memo } from 'react';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { RelativeTime } from '../../components/relative-time.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import classes from './hosts.module.css';

export type Host = StateValue<'hosts.matrix'>['hosts'][number];
export type Probe = Host['probes'][number];
interface Cell {
  host: string;
  probe: string;
}

const groups = ['platform', 'tools', 'vm', 'resources', 'network', 'gpu'] as const;
const isOdd = (probe: Probe | undefined): boolean =>
  probe?.state === 'bad' || probe?.state === 'warn' || probe?.state === 'unknown';

/** Rows are probes, columns are hosts: the answer itself stands in the cell, not only its colour. */
export function HostMatrix({
  hosts,
  onlyOdd,
  chosen,
  onChoose,
  onCheck,
}: {
  hosts: { name: string; check: Host | undefined }[];
  onlyOdd: boolean;
  chosen: Cell | undefined;
  onChoose: (cell: Cell) => void;
  onCheck: (name: string) => void;
}) {
  const t = useTexts();
  const answers = new Map(
    hosts.map(({ name, check }) => [name, new Map(check?.probes.map((probe) => [probe.id, probe]))]),
  );
  const rows = new Map(hosts.flatMap(({ check }) => check?.probes ?? []).map((probe) => [probe.id, probe]));
  const shown = [...rows.values()]
    .filter(({ id }) => !onlyOdd || hosts.some(({ name }) => isOdd(answers.get(name)?.get(id))))
    .sort((a, b) => a.number - b.number);
  if (shown.length === 0) return <p className={classes.bar}>{t('hosts.nothingOdd')}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reached by keyboard
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={t('hosts.matrix')}>
      <table className={classes.matrix} style={{ '--hosts': hosts.length } as CSSProperties}>
        <thead>
          <tr>
            <th scope="col">{t('hosts.probe')}</th>
            {hosts.map(({ name, check }) => (
              <th key={name} scope="col">
                <HostHead name={name} check={check} onCheck={onCheck} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => {
            const own = shown.filter((probe) => probe.group === group);
            if (own.length === 0) return null;
            return (
              <Fragment key={group}>
                <tr className={classes.group}>
                  <th scope="rowgroup">{t(`hosts.groups.${group}`)}</th>
                  <td colSpan={hosts.length} />
                </tr>
                {own.map(({ id, number, title }) => (
                  <tr key={id}>
                    <th scope="row">
                      <span className={classes.number}>{number}</span>
                      {title}
                    </th>
                    {hosts.map(({ name }) => (
                      <td key={name}>
                        <Answer
                          host={name}
                          probe={answers.get(name)?.get(id)}
                          isChosen={chosen?.host === name && chosen.probe === id}
                          onChoose={onChoose}
                        />
                      </td>
                    ))}
                  </tr>
                ))}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function HostHead({
  name,
  check,
  onCheck,
}: {
  name: string;
  check: Host | undefined;
  onCheck: (name: string) => void;
}) {
  const t = useTexts();
  const failed = check?.state === 'failed' || check?.state === 'cancelled';
  return (
    <div className={classes.host}>
      <span style={{ display: 'flex', alignItems: 'center', gap: 4 }}>
        <strong>{name}</strong>
        <Tooltip label={t('hosts.checkOne', { name })}>
          <ActionIcon
            size={20}
            variant="subtle"
            color="gray"
            aria-label={t('hosts.checkOne', { name })}
            onClick={() => onCheck(name)}
          >
            <IconRefresh size={14} />
          </ActionIcon>
        </Tooltip>
      </span>
      {check ? (
        <Tooltip label={check.error?.message ?? ''} disabled={!check.error} multiline maw={420}>
          <span style={{ display: 'inline-flex', gap: 6 }}>
            {failed ? (
              <StateBadge state="bad">{check.error?.code.replaceAll('_', ' ') ?? check.state}</StateBadge>
            ) : (
              <StateBadge state={check.state as 'ok' | 'warn' | 'bad' | 'unknown'} />
            )}
            <RelativeTime at={check.at} />
          </span>
        </Tooltip>
      ) : (
        <span className="muted">{t('hosts.notAsked')}</span>
      )}
    </div>
  );
}

const Answer = memo(function Answer({
  host,
  probe,
  isChosen,
  onChoose,
}: {
  host: string;
  probe: Probe | undefined;
  isChosen: boolean;
  onChoose: (cell: Cell) => void;
}) {
  const t = useTexts();
  if (!probe) return <span className={classes.cell} data-state="not_applicable" />;
  const { id, title, state, summary } = probe;
  const word = state === 'not_applicable' ? t('hosts.notApplicable') : t(`common.state.${state}`);
  return (
    <button
      type="button"
      className={classes.cell}
      data-state={state}
      aria-pressed={isChosen}
      aria-label={t('hosts.cell', { title, name: host, state: word, summary })}
      title={summary}
      onClick={() => onChoose({ host, probe: id })}
    >
      {state === 'not_applicable' ? (
        <span className={classes.quiet}>– {summary}</span>
      ) : (
        <StateBadge state={state}>{summary}</StateBadge>
      )}
    </button>
  );
});
