import type { ReactNode } from 'react';
import classes from './page.module.css';

/** A page: title, what is shown, the primary action at the right, and the content that scrolls by itself. */
export function Page({
  title,
  subtitle,
  actions,
  children,
}: {
  title: string;
  subtitle?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className={classes.page} aria-labelledby="page-title">
      <header className={classes.header}>
        <h1 id="page-title" className={classes.title}>
          {title}
        </h1>
        <div className={classes.subtitle}>{subtitle}</div>
        <div className={classes.actions}>{actions}</div>
      </header>
      <div className={classes.body}>{children}</div>
    </section>
  );
}
