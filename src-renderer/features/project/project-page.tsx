import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useEffect, useRef } from 'react';
import { Navigate, useLocation, useNavigate } from 'react-router';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Page } from '../../components/page.tsx';
import { useAction } from '../../state/action.ts';
import { draftsReplica, workspaceReplica } from '../../state/replicas.ts';
import { isUntouched } from '../../state/draft-files.ts';
import type { Draft } from './draft.ts';
import { Editor } from './editor.tsx';
import { NewProject } from './new-project.tsx';

/** `/project/new` begins one, `/project/edit/STEP` edits the draft, `/project` takes up what is there. */
export default function ProjectPage() {
  const t = useTexts();
  const [, , verb, step, name] = useLocation().pathname.split('/');
  const drafts = draftsReplica.use((replica) => replica.value);
  const open = workspaceReplica.use((state) => state.value?.open);
  useFreshDraft(drafts?.draft ?? undefined);
  if (verb === 'new') return <NewProject />;
  if (!drafts) return <Page title={t('project.title')}>{null}</Page>;
  const draft = drafts.draft;
  if (draft && verb === 'edit') {
    return (
      <Editor
        draft={draft}
        step={step ?? 'basics'}
        participant={name ? decodeURIComponent(name) : undefined}
      />
    );
  }
  if (draft) return <Navigate to={`/project/edit/${draft.step || 'basics'}`} replace />;
  if (open?.kind === 'project') return <BeginEdit automatically={verb === 'edit'} />;
  return (
    <Page title={t('project.title')}>
      <EmptyState
        title={t('project.none')}
        reason={open ? t('project.readOnlyKind') : t('overview.beginReason')}
      >
        <NewButton />
      </EmptyState>
    </Page>
  );
}

/** A draft with nothing of its own may have begun long ago: what is on disk now is shown when the page is come to. */
function useFreshDraft(draft: Draft | undefined): void {
  const client = useClient();
  const latest = useRef(draft);
  latest.current = draft;
  useEffect(() => {
    const { current } = latest;
    if (current?.kind === 'edit' && isUntouched(current.files)) void client.call('drafts.begin', {});
  }, [client]);
}

function NewButton({ isSecond = false }: { isSecond?: boolean }) {
  const t = useTexts();
  const navigate = useNavigate();
  return (
    <Button variant={isSecond ? 'default' : 'filled'} onClick={() => void navigate('/project/new')}>
      {t('overview.newProject')}
    </Button>
  );
}

/** An address that names a step begins the draft by itself. */
function BeginEdit({ automatically }: { automatically: boolean }) {
  const t = useTexts();
  const client = useClient();
  const begin = useAction(async () => {
    const answer = await client.call('drafts.begin', {});
    if (answer.ok && answer.value.resumed) notifications.show({ message: t('project.resumed') });
    return answer;
  });
  const { run } = begin;
  useEffect(() => {
    if (automatically) void run(undefined);
  }, [automatically, run]);
  return (
    <Page title={t('project.title')}>
      {begin.error ? <ErrorNotice error={begin.error} /> : null}
      <EmptyState title={t('project.none')} reason={t('project.noneReason')}>
        <Button loading={begin.status === 'running'} onClick={() => void run(undefined)}>
          {t('project.edit')}
        </Button>
        <NewButton isSecond />
      </EmptyState>
    </Page>
  );
}
