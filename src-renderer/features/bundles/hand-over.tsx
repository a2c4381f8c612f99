import { Button, Group, SegmentedControl, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../../app/texts.ts';
import { baseName } from '../../components/format.ts';
import { Copyable } from '../../components/copyable.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { TaskRun } from '../../components/task-run.tsx';
import { custodyReplica, workspaceReplica } from '../../state/replicas.ts';
import { type Place, usePick } from '../../state/pick.ts';
import { useTask } from '../../state/task.ts';
import { BundleFindings } from './bundle-summary.tsx';
import { fieldError, isFingerprint, type ShownBundle, stepText, unplaced } from './model.ts';
import classes from './bundles.module.css';

/** The hand-over: the receiving site verifies the record, the project admin signs it. */
export function HandOver({ bundle, hasProblems }: { bundle: ShownBundle; hasProblems: boolean }) {
  const t = useTexts();
  return (
    <section className={classes.section} aria-labelledby="hand-over">
      <h2 id="hand-over">{t('bundles.handOver')}</h2>
      <div className={classes.pair}>
        <Verify bundle={bundle} />
        <Sign bundle={bundle} hasProblems={hasProblems} />
      </div>
    </section>
  );
}

function Verify({ bundle }: { bundle: ShownBundle }) {
  const t = useTexts();
  const own = custodyReplica.use((replica) => replica.value?.root_fingerprint);
  const [root, setRoot] = useState('');
  const [wrong, setWrong] = useState<string>();
  const [record, setRecord] = useState<Place>();
  const verify = useTask('bundles.verify');
  const pick = usePick();
  const choose = async (): Promise<void> => {
    const place = await pick('bundle_record');
    if (place) setRecord(place);
  };
  const begin = (): void => {
    const told = root.trim();
    const problem =
      told === ''
        ? t('bundles.verify.missing')
        : isFingerprint(told)
          ? undefined
          : t('bundles.verify.malformed');
    setWrong(problem);
    if (problem !== undefined) return;
    void verify.run({
      bundle: bundle.place.token,
      root_fingerprint: told,
      ...(record ? { record: record.token } : {}),
    });
  };
  const { value } = verify;
  const problems = value?.problems ?? [];
  const notes = value?.notes ?? [];
  return (
    <form
      className={classes.column}
      aria-label={t('bundles.verify.title')}
      onSubmit={(event) => {
        event.preventDefault();
        begin();
      }}
    >
      <h3>{t('bundles.verify.title')}</h3>
      <div className="muted">{t('bundles.verify.about')}</div>
      <TextInput
        label={t('bundles.verify.fingerprint')}
        placeholder={t('bundles.verify.placeholder')}
        classNames={{ input: 'mono' }}
        spellCheck={false}
        autoComplete="off"
        value={root}
        error={wrong ?? fieldError(verify.error, 'root_fingerprint')}
        onChange={(event) => setRoot(event.currentTarget.value)}
      />
      {own === undefined ? null : (
        <Group gap="sm">
          <Button variant="default" onClick={() => setRoot(own)}>
            {t('bundles.verify.own')}
          </Button>
        </Group>
      )}
      <Group gap="sm">
        <span>
          {t('bundles.verify.record')}:{' '}
          <span className="mono">{record ? baseName(record.label) : t('bundles.verify.beside')}</span>
        </span>
        <Button variant="default" onClick={() => void choose()}>
          {t('bundles.verify.pickRecord')}
        </Button>
      </Group>
      <Group gap="sm">
        <Button type="submit" disabled={verify.status === 'running'}>
          {t('bundles.verify.run')}
        </Button>
      </Group>
      <TaskRun task={verify} label={stepText(t, verify.step)} />
      {verify.error && unplaced(verify.error, 'root_fingerprint') ? (
        <ErrorNotice error={verify.error} />
      ) : null}
      {value ? (
        <div role="status">
          <StateBadge state={problems.length > 0 ? 'bad' : 'ok'}>
            {problems.length > 0
              ? t('bundles.verify.bad', { count: problems.length })
              : t('bundles.verify.good', { count: value.files, name: value.signed_by })}
          </StateBadge>
          <div className={classes.more}>
            {t('bundles.verify.facts', {
              bundle: value.bundle,
              participant: value.participant,
              time: new Date(value.created_at).toLocaleString(),
            })}
          </div>
          {problems.length + notes.length > 0 ? <BundleFindings findings={[...problems, ...notes]} /> : null}
        </div>
      ) : null}
    </form>
  );
}

function Sign({ bundle, hasProblems }: { bundle: ShownBundle; hasProblems: boolean }) {
  const t = useTexts();
  const file = workspaceReplica.use((replica) => replica.value?.open?.file?.token);
  const [by, setBy] = useState<'root' | 'admin'>(file === undefined ? 'admin' : 'root');
  const [kit, setKit] = useState<Place>();
  const sign = useTask('bundles.inspect');
  const pick = usePick();
  const choose = async (): Promise<void> => {
    const place = await pick('admin_kit');
    if (place) setKit(place);
  };
  const begin = (): void => {
    void sign.run({
      bundle: bundle.place.token,
      sign: by,
      ...(file === undefined ? {} : { file }),
      ...(bundle.participant === undefined ? {} : { participant: bundle.participant }),
      ...(by === 'admin' && kit ? { admin_kit: kit.token } : {}),
    });
  };
  const why = hasProblems
    ? t('bundles.sign.problems')
    : by === 'root' && file === undefined
      ? t('bundles.sign.noProject')
      : by === 'admin' && !kit
        ? t('bundles.sign.pickKit')
        : undefined;
  const { value } = sign;
  return (
    <div className={classes.column} role="group" aria-label={t('bundles.sign.title')}>
      <h3>{t('bundles.sign.title')}</h3>
      <div className="muted">{t('bundles.sign.about')}</div>
      <Group gap="sm">
        <SegmentedControl
          aria-label={t('bundles.sign.by')}
          value={by}
          onChange={(value) => setBy(value === 'admin' ? 'admin' : 'root')}
          data={[
            { value: 'root', label: t('bundles.sign.root') },
            { value: 'admin', label: t('bundles.sign.admin') },
          ]}
        />
      </Group>
      {by === 'admin' ? (
        <Group gap="sm">
          <Button variant="default" onClick={() => void choose()}>
            {t('bundles.sign.pickKit')}
          </Button>
          {kit ? <span className="mono">{baseName(kit.label)}</span> : null}
        </Group>
      ) : null}
      <Group gap="sm">
        <Button
          variant="default"
          disabled={why !== undefined || sign.status === 'running'}
          title={why}
          onClick={begin}
        >
          {t('bundles.sign.run')}
        </Button>
        {why === undefined ? null : <span className="muted">{why}</span>}
      </Group>
      <TaskRun task={sign} label={stepText(t, sign.step)} />
      {sign.error ? <ErrorNotice error={sign.error} /> : null}
      {value?.record?.signed ? (
        <div role="status">
          <StateBadge state="ok">{t('bundles.sign.done', { name: value.record.name })}</StateBadge>
          {value.kit ? (
            <div className={classes.more}>
              {t('bundles.sign.tell')} <Copyable text={value.kit.root_fingerprint} length={32} />
            </div>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}
