import { Button } from '@mantine/core';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StageCell } from '../../components/stage-cell.tsx';
import { useAction } from '../../state/action.ts';
import { workspaceReplica } from '../../state/replicas.ts';
import classes from './project.module.css';

/** Runs the host check of one participant and shows what it found; the host key is asked by main. */
export function TestConnection({ name }: { name: string }) {
  const t = useTexts();
  const client = useClient();
  const open = workspaceReplica.use((replica) => replica.value?.open);
  const file = open?.file?.token;
  const test = useAction(() => client.start('sites.run', { verb: 'check', file: file ?? '', only: [name] }));
  const known = open?.participants.find((participant) => participant.name === name);
  return (
    <div className={classes.test}>
      <Button
        variant="default"
        loading={test.status === 'running' || known?.reachable?.state === 'busy'}
        disabled={!known?.host}
        title={known?.host ? undefined : t('project.testConnectionSaved')}
        onClick={() => void test.run(undefined)}
      >
        {t('project.testConnection')}
      </Button>
      {known?.reachable ? <StageCell stage={known.reachable} absent="" /> : null}
      {known?.reachable?.message ? <div className="muted">{known.reachable.message}</div> : null}
      {test.error ? <ErrorNotice error={test.error} /> : null}
    </div>
  );
}
