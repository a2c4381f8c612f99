import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconArrowBackUp, IconArrowForwardUp } from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import { useNavigate } from 'react-router';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ConfirmTyped } from '../../components/confirm-typed.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { FindingList } from '../../components/finding-list.tsx';
import { PlaceName } from '../../components/place-name.tsx';
import { isUntouched } from '../../state/draft-files.ts';
import { Page } from '../../components/page.tsx';
import { Basics } from './basics.tsx';
import { CcForm } from './cc-form.tsx';
import { Confidential } from './confidential.tsx';
import { ConflictDialog } from './conflict-dialog.tsx';
import { type Draft, type DraftParticipant, findingsOfStep, type Step, stepOfType, steps } from './draft.ts';
import { ParticipantForm } from './participant-form.tsx';
import { ParticipantList } from './participant-list.tsx';
import { Review } from './review.tsx';
import { useSave } from './save.ts';
import { YamlPane } from './yaml-pane.tsx';
import classes from './project.module.css';

const isStep = (text: string): text is Step => (steps as readonly string[]).includes(text);

interface OpenForm {
  type: string;
  /** Missing = a new one. */
  participant: DraftParticipant | undefined;
}

/** The form of one participant, which the addresses `add/TYPE` and `site/NAME` open. */
function formOf(draft: Draft, step: string, participant: string | undefined): OpenForm | undefined {
  if (participant === undefined) return undefined;
  if (step === 'add') return { type: participant, participant: undefined };
  if (step !== 'site') return undefined;
  const found = draft.model?.participants.find((item) => item.name === participant);
  return found ? { type: found.type, participant: found } : undefined;
}

/** Forms at the left, the files they change at the right: two views of one draft that main holds. */
export function Editor({
  draft,
  step,
  participant,
}: {
  draft: Draft;
  step: string;
  participant: string | undefined;
}) {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const form = formOf(draft, step, participant);
  const guarded =
    step === 'cc' ? draft.model?.participants.find((item) => item.name === participant) : undefined;
  const shown: Step = form
    ? stepOfType(form.type)
    : step === 'cc'
      ? 'confidential'
      : isStep(step)
        ? step
        : 'sites';
  const save = useSave(draft);
  useEffect(() => {
    if (isStep(step)) void client.call('drafts.set_step', { step });
  }, [client, step]);
  // The button that led here may be gone: the keyboard goes on in the form, not at the top of the window.
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) body.current?.focus();
  }, [step, participant]);
  // Nothing of one's own to lose: follow the file as another program left it.
  const follows = draft.conflict !== undefined && isUntouched(draft.files);
  useEffect(() => {
    if (follows) void client.call('drafts.save', { keep: 'disk' });
  }, [client, follows]);
  const undo = (direction: 'undo' | 'redo') => void client.call('drafts.undo', { direction });
  const next = steps[steps.indexOf(shown) + 1];
  const previous = steps[steps.indexOf(shown) - 1];
  return (
    <Page
      title={draft.kind === 'new' ? t('project.newTitle') : t('project.title')}
      subtitle={
        <>
          {t('project.editing')} <PlaceName path={draft.label} />
        </>
      }
      actions={
        <>
          <Tooltip label={t('project.undo')}>
            <ActionIcon
              variant="default"
              size={30}
              aria-label={t('project.undo')}
              disabled={!draft.can_undo}
              onClick={() => undo('undo')}
            >
              <IconArrowBackUp size={16} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={t('project.redo')}>
            <ActionIcon
              variant="default"
              size={30}
              aria-label={t('project.redo')}
              disabled={!draft.can_redo}
              onClick={() => undo('redo')}
            >
              <IconArrowForwardUp size={16} />
            </ActionIcon>
          </Tooltip>
          <ConfirmTyped
            title={t('project.discard')}
            message={t('project.discardMessage')}
            word={draft.model?.name ?? draft.label}
            button={t('project.discard')}
            onConfirm={() => void client.call('drafts.discard', {}).then(() => navigate('/overview'))}
          />
          <Button
            variant="default"
            loading={save.status === 'running'}
            onClick={() => void save.run(undefined)}
          >
            {t('project.save')}
          </Button>
        </>
      }
    >
      <div className={classes.editor}>
        <div className={classes.left}>
          <ol className={classes.steps}>
            {steps.map((item) => {
              const errors = findingsOfStep(draft, item).filter(
                (finding) => finding.severity === 'error',
              ).length;
              return (
                <li key={item}>
                  <button
                    type="button"
                    className={classes.step}
                    aria-current={item === shown ? 'step' : undefined}
                    onClick={() => void navigate(`/project/edit/${item}`)}
                  >
                    {t(`project.steps.${item}`)}
                    {errors > 0 && item !== 'review' ? <span className={classes.count}>{errors}</span> : null}
                  </button>
                </li>
              );
            })}
          </ol>
          {save.error && save.error.code !== 'conflict' ? <ErrorNotice error={save.error} /> : null}
          <div className={classes.form} ref={body} tabIndex={-1}>
            {draft.model ? (
              <StepBody draft={draft} shown={shown} form={form} guarded={guarded} />
            ) : (
              <div className={classes.formBody}>
                <p>{t('project.doesNotParse')}</p>
                <FindingList findings={draft.findings} />
              </div>
            )}
          </div>
          {form || guarded ? null : (
            <div className={classes.footer}>
              <Button
                variant="default"
                disabled={!previous}
                onClick={() => void navigate(`/project/edit/${previous}`)}
              >
                {t('common.back')}
              </Button>
              <span className={classes.grow} />
              {next ? (
                <Button variant="light" onClick={() => void navigate(`/project/edit/${next}`)}>
                  {t('common.next')}
                </Button>
              ) : null}
            </div>
          )}
        </div>
        <YamlPane key={guarded?.cc?.file ?? ''} draft={draft} first={guarded?.cc?.file} />
      </div>
      {draft.conflict && !isUntouched(draft.files) ? (
        <ConflictDialog draft={draft} onKeep={(keep) => void save.run(keep)} />
      ) : null}
    </Page>
  );
}

function StepBody({
  draft,
  shown,
  form,
  guarded,
}: {
  draft: Draft;
  shown: Step;
  form: OpenForm | undefined;
  guarded: DraftParticipant | undefined;
}) {
  if (guarded) return <CcForm key={guarded.name} draft={draft} participant={guarded} />;
  if (form) {
    const key = form.participant?.name ?? `new-${form.type}`;
    return <ParticipantForm key={key} draft={draft} participant={form.participant} type={form.type} />;
  }
  switch (shown) {
    case 'basics':
      return <Basics draft={draft} />;
    case 'server':
    case 'sites':
    case 'admins':
      return <ParticipantList key={shown} draft={draft} step={shown} />;
    case 'confidential':
      return <Confidential draft={draft} />;
    case 'review':
      return <Review draft={draft} />;
  }
}
