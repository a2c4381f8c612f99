import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { useTexts } from './texts.ts';
import classes from './error-boundary.module.css';

function Broken({ error }: { error: Error }) {
  const t = useTexts();
  return (
    <div role="alert" className={classes.broken}>
      <h2 className={classes.title}>{t('shell.broken')}</h2>
      <p>{t('shell.brokenExplained')}</p>
      <pre className={`mono ${classes.message}`}>{error.message}</pre>
      <Button onClick={() => location.reload()}>{t('shell.reload')}</Button>
    </div>
  );
}

/** A page that breaks says so and offers a reload; main and its tasks are not touched by it. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    return this.state.error ? <Broken error={this.state.error} /> : this.props.children;
  }
}
