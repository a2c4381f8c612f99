import { Button } from '@mantine/core';
import { useNavigate } from 'react-router';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';

type Open = NonNullable<StateValue<'workspace.current'>['open']>;

/** Leads to the review, which shows the plan before anything is written. */
export function ProvisionButton({ project }: { project: Open }) {
  const t = useTexts();
  const navigate = useNavigate();
  return (
    <Button
      variant={project.prod || project.errors > 0 || project.state !== 'ok' ? 'default' : 'filled'}
      onClick={() => void navigate('/project/edit/review')}
    >
      {t('overview.provision')}
    </Button>
  );
}
