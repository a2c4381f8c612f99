import type { Finding } from '../../src-main/contract/finding.ts';
import { StateBadge, type StateKind } from './state-badge.tsx';
import classes from './finding-list.module.css';

const states: Record<Finding['severity'], StateKind> = { error: 'bad', warning: 'warn', info: 'unknown' };

/** Findings as they are: where, what is wrong, and the fix. Errors first. */
export function FindingList({
  findings,
  onOpen,
}: {
  findings: Finding[];
  onOpen?: (finding: Finding) => void;
}) {
  const order = { error: 0, warning: 1, info: 2 };
  const sorted = [...findings].sort((a, b) => order[a.severity] - order[b.severity]);
  return (
    <ul className={classes.findings}>
      {sorted.map((finding, index) => (
        <li key={`${finding.code}${finding.path ?? ''}${index}`}>
          <StateBadge state={states[finding.severity]}>{finding.message}</StateBadge>
          {finding.hint ? <div className={classes.hint}>{finding.hint}</div> : null}
          <Where finding={finding} onOpen={onOpen} />
        </li>
      ))}
    </ul>
  );
}

function Where({ finding, onOpen }: { finding: Finding; onOpen: ((finding: Finding) => void) | undefined }) {
  const place = [finding.file?.split(/[\\/]/).at(-1), finding.line, finding.path]
    .filter((part) => part !== undefined && part !== '')
    .join(' · ');
  if (place === '') return null;
  return onOpen ? (
    <button type="button" className={`mono ${classes.place}`} onClick={() => onOpen(finding)}>
      {place}
    </button>
  ) : (
    <div className={`mono muted ${classes.place}`}>{place}</div>
  );
}
