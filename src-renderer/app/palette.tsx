import { Spotlight, type SpotlightActionData, spotlight } from '@mantine/spotlight';
import { IconSearch } from '@tabler/icons-react';
import { useNavigate } from 'react-router';
import { boardReplica, workspaceReplica } from '../state/replicas.ts';
import { pagesOf, subPages } from './pages.ts';
import { useTexts } from './texts.ts';

export const openPalette = (): void => spotlight.open();

/** One field that finds pages, participants, jobs and commands. */
export function Palette({ onTasks }: { onTasks: () => void }) {
  const t = useTexts();
  const navigate = useNavigate();
  const open = workspaceReplica.use((replica) => replica.value?.open);
  const jobs = boardReplica.use((replica) => replica.value?.jobs) ?? [];
  const actions: SpotlightActionData[] = [
    ...[...pagesOf(open), ...subPages].map((page) => ({
      id: page.path,
      label: t(page.text),
      onClick: () => void navigate(page.path),
    })),
    { id: 'tasks', label: t('shell.keys.tasks'), onClick: onTasks },
    ...(open?.participants ?? []).map((participant) => ({
      id: `participant:${participant.name}`,
      label: participant.name,
      description: `${participant.type} · ${participant.org}`,
      onClick: () => void navigate(`/sites/${encodeURIComponent(participant.name)}`),
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
