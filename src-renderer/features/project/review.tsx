import { Button, Checkbox, Group, Skeleton } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import type { Finding } from '../../../src-main/contract/finding.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { FindingList } from '../../components/finding-list.tsx';
import { nameList } from '../../components/name-list.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import { useAction } from '../../state/action.ts';
import { ccOwnerOf, type Draft } from './draft.ts';
import { useSave } from './save.ts';
import classes from './project.module.css';

/** What provisioning would do and why, before anything is written; then one button. */
export function Review({ draft }: { draft: Draft }) {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  const [reissue, setReissue] = useState<string[]>([]);
  const errors = draft.findings.filter((finding) => finding.severity === 'error').length;
  const plan = useAction(() => client.call('drafts.plan', {}));
  const { run } = plan;
  useEffect(() => {
    if (errors === 0) void run(undefined);
  }, [run, draft.revision, errors]);
  const save = useSave(draft);
  const provision = useAction(async () => {
    const saved = await save.run(undefined);
    if (!saved.ok) return saved;
    const started = await client.start('provisioning.run', {
      file: saved.value.file.token,
      ...(reissue.length > 0 ? { reissue } : {}),
    });
    if (started.ok) void navigate('/overview');
    return started;
  });
  const openFinding = (finding: Finding): void => {
    const owner = ccOwnerOf(draft, finding);
    if (owner !== undefined) {
      void navigate(`/project/edit/cc/${encodeURIComponent(owner)}`);
      return;
    }
    if (/^(?:packager|kbs|builders\.)/.test(finding.path ?? '')) {
      void navigate('/project/edit/confidential');
      return;
    }
    const index = /^participants\[(\d+)\]/.exec(finding.path ?? '')?.[1];
    const name = index === undefined ? undefined : draft.model?.participants[Number(index)]?.name;
    void navigate(
      name === undefined ? '/project/edit/basics' : `/project/edit/site/${encodeURIComponent(name)}`,
    );
  };
  const undecided = (plan.value?.changed ?? []).filter((item) => !reissue.includes(item.participant));
  const reason = errors > 0 ? t('project.mendFirst') : undefined;
  const names = (list: string[]): string =>
    list.length === 0 ? t('project.planNone') : nameList(t, list, 10);
  return (
    <div className={classes.formBody}>
      <h3 className={classes.heading}>{t('project.findings')}</h3>
      {draft.findings.length === 0 ? (
        <StateBadge state="ok">{t('project.noFindings')}</StateBadge>
      ) : (
        <FindingList findings={draft.findings} onOpen={openFinding} />
      )}
      {errors === 0 ? (
        <>
          <h3 className={classes.heading}>{t('project.reviewTitle')}</h3>
          {plan.error ? <ErrorNotice error={plan.error} /> : null}
          {!plan.value && plan.status === 'running' ? <Skeleton height={80} /> : null}
          {plan.value ? (
            <dl className={classes.plan}>
              <dt>{t('project.planNext')}</dt>
              <dd className="mono">{plan.value.next}</dd>
              <dt>
                {t('project.planCreate')} ({plan.value.create.length})
              </dt>
              <dd>{names(plan.value.create)}</dd>
              <dt>
                {t('project.planReuse')} ({plan.value.reuse.length})
              </dt>
              <dd>{names(plan.value.reuse)}</dd>
              {plan.value.changed.length > 0 ? (
                <>
                  <dt>
                    {t('project.planChanged')} ({plan.value.changed.length})
                  </dt>
                  {plan.value.changed.map((item) => (
                    <dd key={item.participant}>
                      <Checkbox
                        label={t('project.reissue', { name: item.participant })}
                        description={item.why}
                        checked={reissue.includes(item.participant)}
                        onChange={(event) => {
                          const wanted = event.currentTarget.checked;
                          setReissue((was) =>
                            wanted
                              ? [...was, item.participant]
                              : was.filter((name) => name !== item.participant),
                          );
                        }}
                      />
                    </dd>
                  ))}
                </>
              ) : null}
            </dl>
          ) : null}
        </>
      ) : null}
      {save.error && save.error.code !== 'conflict' ? <ErrorNotice error={save.error} /> : null}
      {provision.error && provision.error.code !== 'conflict' && provision.error !== save.error ? (
        <ErrorNotice error={provision.error} />
      ) : null}
      <Group gap="sm">
        <Button
          loading={provision.status === 'running'}
          disabled={reason !== undefined || undecided.length > 0}
          title={reason ?? (undecided.length > 0 ? t('project.planChanged') : undefined)}
          onClick={() => void provision.run(undefined)}
        >
          {t('project.saveAndProvision')}
        </Button>
        <Button
          variant="default"
          loading={save.status === 'running'}
          onClick={() => void save.run(undefined)}
        >
          {t('project.save')}
        </Button>
      </Group>
    </div>
  );
}
