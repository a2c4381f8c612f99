import { Button } from '@mantine/core';
import { useCallback, useEffect, useRef, useState } from 'react';
import { BackButton } from '../../components/back-button.tsx';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { baseName, formatBytes } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { PlaceName } from '../../components/place-name.tsx';
import { TaskRun } from '../../components/task-run.tsx';
import { workspaceReplica } from '../../state/replicas.ts';
import { useTask } from '../../state/task.ts';
import { BundleFacts } from './bundle-facts.tsx';
import { BundleSummary } from './bundle-summary.tsx';
import { HandOver } from './hand-over.tsx';
import { bundleId, type Inspection, type ShownBundle, stepText } from './model.ts';
import classes from './bundles.module.css';

/** Smaller ones are read as soon as they are looked at. */
const readAtOnceBytes = 512e6;
/** What was found while this window is open, by bundle: one of 20 GB is not read again for coming back. */
const inspections = new Map<string, Inspection>();

/** One bundle: how it stands, what is in it, its hand-over. */
export function BundleView({ bundle }: { bundle: ShownBundle }) {
  const t = useTexts();
  const client = useClient();
  const file = workspaceReplica.use((replica) => replica.value?.open?.file?.token);
  const [found, setFound] = useState(() => inspections.get(bundleId(bundle)));
  const inspect = useTask('bundles.inspect');
  const { run } = inspect;
  const { participant, bytes, place } = bundle;
  const { token } = place;
  const id = bundleId(bundle);
  const look = useCallback(async (): Promise<void> => {
    const answer = await run({
      bundle: token,
      ...(file === undefined ? {} : { file }),
      ...(participant === undefined ? {} : { participant }),
    });
    if (!answer.ok) return;
    inspections.set(id, answer.value);
    setFound(answer.value);
  }, [run, id, token, file, participant]);
  const begun = useRef(false);
  const isSmall = bytes !== undefined && bytes <= readAtOnceBytes;
  useEffect(() => {
    if (!isSmall || begun.current || inspections.has(id)) return;
    begun.current = true;
    void look();
  }, [isSmall, look, id]);
  const name = found?.participant ?? bundle.participant ?? baseName(bundle.place.label);
  const isRunning = inspect.status === 'running';
  return (
    <Page
      title={t('bundles.titleOf', { name })}
      subtitle={<PlaceName path={place.label} />}
      actions={
        <>
          <BackButton to="/builds/bundles">{t('bundles.back')}</BackButton>
          <Button variant="default" onClick={() => void client.call('places.reveal', { place: token })}>
            {t('bundles.reveal')}
          </Button>
          {found ? (
            <Button variant="default" disabled={isRunning} onClick={() => void look()}>
              {t('bundles.again')}
            </Button>
          ) : null}
        </>
      }
    >
      <div className={classes.content}>
        <TaskRun task={inspect} label={stepText(t, inspect.step)} />
        {inspect.error ? <ErrorNotice error={inspect.error} /> : null}
        {found ? (
          <>
            <BundleSummary found={found} />
            <section className={classes.section} aria-label={t('common.details')}>
              <BundleFacts found={found} />
            </section>
          </>
        ) : isRunning ? null : (
          <EmptyState
            title={t('bundles.notYet')}
            reason={
              bundle.bytes === undefined
                ? t('bundles.notYetReasonFolder')
                : t('bundles.notYetReason', { size: formatBytes(bundle.bytes) })
            }
          >
            <Button onClick={() => void look()}>{t('bundles.inspect')}</Button>
          </EmptyState>
        )}
        <HandOver
          bundle={bundle}
          hasProblems={found?.findings.some(({ severity }) => severity === 'problem') ?? false}
        />
        <p className="muted">{t('bundles.secret')}</p>
      </div>
    </Page>
  );
}
