import { Button } from '@mantine/core';
import type { CallOutput } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import classes from './kbs.module.css';

export type Compared = CallOutput<'kbs.policy_compare'>;
type Line = Compared['ours'][number];

const around = 3;
const signs = { same: ' ', added: '+', removed: '-' } as const;

/** The changed lines with some around them; undefined stands for lines left out. */
function shownOf(lines: Line[]): (Line | undefined)[] {
  const shown: (Line | undefined)[] = [];
  for (const [at, line] of lines.entries()) {
    const near = lines.slice(Math.max(0, at - around), at + around + 1);
    if (near.some(({ kind }) => kind !== 'same')) shown.push(line);
    else if (shown.at(-1) !== undefined) shown.push(undefined);
  }
  return shown;
}

function Diff({ label, lines }: { label: string; lines: Line[] }) {
  const t = useTexts();
  const shown = shownOf(lines);
  return (
    <section>
      <h2 className={classes.heading}>{label}</h2>
      {shown.length === 0 ? (
        <p className="muted">{t('kbs.noChange')}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reached by keyboard
        <div className={classes.diff} role="region" aria-label={label} tabIndex={0}>
          {shown.map((line, index) => (
            <div key={`${index}-${line?.kind}`} data-kind={line?.kind}>
              {line ? `${signs[line.kind]} ${line.text}` : <span title={t('kbs.skipped')}>…</span>}
            </div>
          ))}
        </div>
      )}
    </section>
  );
}

/** What you changed and what others changed, against the same base. */
export function Differences({
  compared,
  onMerge,
  onTakeTheirs,
}: {
  compared: Compared;
  onMerge: (text: string, sha256: string) => void;
  onTakeTheirs: () => void;
}) {
  const t = useTexts();
  const { base, conflict, merged, ours, theirs, theirs_sha256: sha256 } = compared;
  const others = theirs.some(({ kind }) => kind !== 'same');
  return (
    <div style={{ padding: 16 }}>
      <div className={classes.actions}>
        <span className="muted">{t(`kbs.base.${base.from}`)}</span>
        {conflict ? <StateBadge state="bad">{t('kbs.conflict')}</StateBadge> : null}
        {others && merged !== undefined ? (
          <Button size="xs" onClick={() => onMerge(merged, sha256)}>
            {t('kbs.merge')}
          </Button>
        ) : null}
        {others ? (
          <Button size="xs" variant="default" onClick={onTakeTheirs}>
            {t('kbs.takeTheirs')}
          </Button>
        ) : null}
      </div>
      <div
        className={classes.columns}
        style={{ padding: 0, gridTemplateColumns: 'minmax(0, 1fr) minmax(0, 1fr)' }}
      >
        <Diff label={t('kbs.ours')} lines={ours} />
        <Diff label={t('kbs.theirs')} lines={theirs} />
      </div>
    </div>
  );
}
