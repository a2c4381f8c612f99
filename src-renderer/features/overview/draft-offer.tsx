import { Button } from '@mantine/core';
import { useNavigate } from 'react-router';
import { useTexts } from '../../app/texts.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import { isUntouched } from '../../state/draft-files.ts';
import { draftsReplica } from '../../state/replicas.ts';
import classes from './attention.module.css';

/** What was begun and not saved, and the way back to it: the step it was left at. */
export function DraftOffer() {
  const t = useTexts();
  const navigate = useNavigate();
  const draft = draftsReplica.use((replica) => replica.value?.draft);
  if (!draft || (draft.kind !== 'new' && isUntouched(draft.files))) return null;
  return (
    <section className={classes.attention} aria-label={t('overview.draft')}>
      <div className={classes.list}>
        <div className={classes.item}>
          <StateBadge state="warn">{draft.model?.name ?? draft.label}</StateBadge>
          <span className={classes.message}>{t('overview.draft')}</span>
          <Button variant="subtle" onClick={() => void navigate('/project')}>
            {t('overview.goOn')}
          </Button>
        </div>
      </div>
    </section>
  );
}
