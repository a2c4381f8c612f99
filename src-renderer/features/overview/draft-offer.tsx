import { Button } from '@mantine/core';
import { useNavigate } from 'react-router';
import { useTexts } from '../../app/texts.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import { draftsReplica } from '../../state/replicas.ts';
import classes from './attention.module.css';

/** What was begun and not saved, and the way back to it: the step it was left at. */
export function DraftOffer() {
  const t = useTexts();
  const navigate = useNavigate();
  const draft = draftsReplica.use((replica) => replica.value?.draft);
  const isUnsaved =
    draft?.kind === 'new' || Object.values(draft?.files ?? {}).some(({ text, base }) => text !== base);
  if (!draft || !isUnsaved) return null;
  return (
    <section className={classes.attention} aria-label={t('overview.draft')}>
      <div className={classes.item}>
        <StateBadge state="warn">{draft.model?.name ?? draft.label}</StateBadge>
        <span className={classes.message}>{t('overview.draft')}</span>
        <Button variant="subtle" onClick={() => void navigate('/project')}>
          {t('overview.goOn')}
        </Button>
      </div>
    </section>
  );
}
