import {
  IconAlertTriangle,
  IconCircle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconFlask,
  IconShieldCheck,
} from '@tabler/icons-react';
import type { StateValue } from '../../src-main/contract/index.ts';
import classes from './attestation-badge.module.css';

export type AttestedSite = StateValue<'attestation.board'>['sites'][number];

const icons = {
  green: IconShieldCheck,
  green_outline: IconCircleCheck,
  blue: IconCircle,
  grey: IconCircleDashed,
  amber: IconAlertTriangle,
  red: IconCircleX,
  striped: IconFlask,
} as const;

/** What a site wears: decided by the table of main alone, drawn as colour and icon and word. */
export function AttestationBadge({ site }: { site: Pick<AttestedSite, 'colour' | 'label'> }) {
  const Icon = icons[site.colour];
  return (
    <span className={classes.badge} data-colour={site.colour}>
      <Icon size={14} stroke={2} aria-hidden className={classes.icon} />
      <span className={classes.word}>{site.label}</span>
    </span>
  );
}
