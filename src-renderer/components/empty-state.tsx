import type { ReactNode } from 'react';
import classes from './empty-state.module.css';

/** An empty page says why it is empty and offers the next step. */
export function EmptyState({
  title,
  reason,
  children,
}: {
  title: string;
  reason: string;
  children?: ReactNode;
}) {
  return (
    <div className={classes.empty}>
      <h2 className={classes.title}>{title}</h2>
      <p className={classes.reason}>{reason}</p>
      <div className={classes.actions}>{children}</div>
    </div>
  );
}
