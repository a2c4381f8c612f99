import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconLoader2,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTexts } from '../app/texts.ts';
import classes from './state-badge.module.css';

export type StateKind = 'ok' | 'busy' | 'warn' | 'bad' | 'unknown';

const icons = {
  ok: IconCircleCheck,
  busy: IconLoader2,
  warn: IconAlertTriangle,
  bad: IconCircleX,
  unknown: IconCircleDashed,
} as const;

/** A state is always colour and icon and word. Without words of its own it says the state's name. */
export function StateBadge({ state, children }: { state: StateKind; children?: ReactNode }) {
  const t = useTexts();
  const Icon = icons[state];
  return (
    <span className={classes.badge} data-state={state}>
      <Icon size={14} stroke={2} aria-hidden className={classes.icon} />
      <span className={classes.word}>{children ?? t(`common.state.${state}`)}</span>
    </span>
  );
}
