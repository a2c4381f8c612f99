import { Spotlight, type SpotlightActionData, spotlight } from '@mantine/spotlight';
import { IconSearch } from '@tabler/icons-react';
import { useNavigate } from 'react-router';
import { useShallow } from 'zustand/react/shallow';
import { boardReplica, workspaceReplica } from '../state/replicas.ts';
import type { StateValue } from '../../src-main/contract/index.ts';
import type { Replica } from '../state/replica.ts';
import { pagesOf, subPages } from './pages.ts';
import { useTexts } from './texts.ts';

export const openPalette = (): void => spotlight.open();

const participantsOf = ({ value }: Replica<StateValue<'workspace.current'>>) =>
  value?.open?.participants ?? [];

/** One field that finds pages, participants, jobs and commands. */
export function Palette({ onTasks }: { onTasks: () => void }) {
  const t = useTexts();
  const navigate = useNavigate();
  // Not the whole picture: it changes all the time while sites are worked on.
  const shown = workspaceReplica.use(useShallow((replica) => pagesOf(replica.value?.open)));
  const names = workspaceReplica.use(
    useShallow((replica) => participantsOf(replica).map(({ name }) => name)),
  );
  const descriptions = workspaceReplica.use(
    useShallow((replica) => participantsOf(replica).map(({ type, org }) => `${type} · ${org}`)),
  );
  const jobs = boardReplica.use((replica) => replica.value?.jobs) ?? [];
  const actions: SpotlightActionData[] = [
    ...[...shown, ...subPages].map((page) => ({
      id: page.path,
      label: t(page.text),
      onClick: () => void navigate(page.path),
    })),
    { id: 'tasks', label: t('shell.keys.tasks'), onClick: onTasks },
    ...names.map((name, index) => ({
      id: `participant:${name}`,
      label: name,
      description: descriptions[index] ?? '',
      onClick: () => void navigate(`/sites/${encodeURIComponent(name)}`),
    })),
    ...jobs.slice(0, 2000).map((job) => ({
      id: `job:${job.job_id}`,
      label: job.name,
      description: `${job.job_id} · ${job.status}`,
      onClick: () => void navigate(`/jobs/${encodeURIComponent(job.job_id)}`),
    })),
  ];
  return (
    <Spotlight
      actions={actions}
      limit={12}
      shortcut={null}
      overlayProps={{ blur: 0, backgroundOpacity: 0.4 }}
      attributes={{ content: { 'aria-label': t('shell.search') } }}
      nothingFound={t('shell.nothingFound')}
      searchProps={{
        leftSection: <IconSearch size={16} />,
        placeholder: t('shell.searchPlaceholder'),
        'aria-label': t('shell.search'),
      }}
    />
  );
}
