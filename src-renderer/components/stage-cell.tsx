import { Tooltip } from '@mantine/core';
import type { StateValue } from '../../src-main/contract/index.ts';
import { useTexts } from '../app/texts.ts';
import { age } from './relative-time.tsx';
import { useNow } from './now.ts';
import { StateBadge } from './state-badge.tsx';
import classes from './stage-cell.module.css';

type Participant = NonNullable<StateValue<'workspace.current'>['open']>['participants'][number];
export type Stage = NonNullable<Participant['kit']>;

/** One stage of one participant: the state in a word, and how old that knowledge is. */
export function StageCell({ stage, absent }: { stage: Stage | undefined; absent: string }) {
  const t = useTexts();
  const now = useNow();
  if (!stage) return <span className="muted">{absent}</span>;
  const at = stage.since ?? stage.at;
  return (
    <Tooltip
      multiline
      maw={420}
      label={[stage.text, stage.message, stage.hint, at ? new Date(at).toLocaleString() : undefined]
        .filter(Boolean)
        .join('\n')}
      disabled={!stage.message && !at}
    >
      <span className={classes.stage} data-explained={stage.message || at ? true : undefined}>
        <StateBadge state={stage.state}>{stage.text}</StateBadge>
        {at ? (
          <span className="muted" style={{ whiteSpace: 'nowrap' }}>
            {age(t, Date.parse(at), now)}
          </span>
        ) : null}
      </span>
    </Tooltip>
  );
}
