import { Alert, Button, Checkbox, Skeleton, Tabs } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useCallback, useEffect, useState } from 'react';
import type { ErrorAnswer } from '../../../src-main/contract/errors.ts';
import type { CallOutput } from '../../../src-main/contract/index.ts';
import type { Envelope } from '../../../src-main/contract/kernel.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { ConfirmTyped } from '../../components/confirm-typed.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { FindingList } from '../../components/finding-list.tsx';
import { noticeColours } from '../../components/notice-colours.ts';
import { Page } from '../../components/page.tsx';
import { kbsReplica, workspaceReplica } from '../../state/replicas.ts';
import { type Compared, Differences } from './differences.tsx';
import { History, type PolicyRecord } from './history.tsx';
import classes from './kbs.module.css';
import { Images } from './images.tsx';
import { PolicyText } from './policy-text.tsx';
import { References } from './references.tsx';
import { Resources } from './resources.tsx';
import { type Simulated, Simulation } from './simulation.tsx';
import { StatusLine } from './status-line.tsx';

type Read = CallOutput<'kbs.policy_read'>;
type Findings = Read['findings'];
const settleMs = 500;
const tabs = ['policy', 'images', 'compare', 'history', 'resources', 'references'] as const;

/** The key broker of the open project: its policy in an editor, what it means, and the careful way to replace it. */
export default function KbsPage() {
  const t = useTexts();
  const client = useClient();
  const open = workspaceReplica.use((replica) => replica.value?.open);
  const current = kbsReplica.use((replica) => replica.value);
  const file = open?.file?.token;
  const word = open?.name ?? '';
  const [tab, setTab] = useState<string | null>('policy');
  const [read, setRead] = useState<{ text: string; sha256: string }>();
  const [text, setText] = useState('');
  const [checked, setChecked] = useState<{ text: string; findings: Findings; cvms: Simulated[] }>();
  const [compared, setCompared] = useState<Compared>();
  const [records, setRecords] = useState<PolicyRecord[]>([]);
  const [accepted, setAccepted] = useState(false);
  const [error, setError] = useState<ErrorAnswer>();
  useEffect(() => kbsReplica.follow(client), [client]);

  const readNow = useCallback(async (): Promise<void> => {
    if (file === undefined) return;
    setError(undefined);
    const answer = await client.call('kbs.policy_read', { file });
    if (!answer.ok) return setError(answer.error);
    setRead(answer.value);
    setText(answer.value.text);
    setCompared(undefined);
  }, [client, file]);
  useEffect(() => void readNow(), [readNow]);

  useEffect(() => {
    if (file === undefined || !read) return;
    let isOld = false;
    const timer = setTimeout(() => {
      void Promise.all([
        client.call('kbs.policy_lint', { file, text }),
        client.call('kbs.policy_simulate', { file, text }),
      ]).then(([lint, simulated]) => {
        if (isOld) return;
        if (lint.ok && simulated.ok)
          setChecked({ text, findings: lint.value.findings, cvms: simulated.value.cvms });
        else setError(lint.ok ? (simulated.ok ? undefined : simulated.error) : lint.error);
      });
    }, settleMs);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [client, file, read, text]);

  /** Opens a tab; what it shows is asked for then, and stays as it is until it is opened again. */
  const choose = async (name: string | null): Promise<void> => {
    setTab(name);
    if (file === undefined) return;
    if (name === 'compare') {
      const input = { file, text, ...(read ? { read_sha256: read.sha256 } : {}) };
      const answer = await client.call('kbs.policy_compare', input);
      if (answer.ok) setCompared(answer.value);
      else setError(answer.error);
    } else if (name === 'history') {
      const answer = await client.call('kbs.policy_history', { file });
      if (answer.ok) setRecords(answer.value.records);
      else setError(answer.error);
    }
  };

  const written = async (answer: Promise<Envelope<unknown>>): Promise<void> => {
    setError(undefined);
    const result = await answer;
    if (!result.ok) return setError(result.error);
    notifications.show({ message: t('kbs.wasSet') });
    setAccepted(false);
    await readNow();
  };
  const write = { file: file ?? '', read_sha256: read?.sha256 ?? '', confirm: word };
  const generate = async (): Promise<void> => {
    if (file === undefined) return;
    const answer = await client.call('kbs.policy_generate', { file });
    if (!answer.ok) return setError(answer.error);
    setText(answer.value.text);
    for (const { participant, reason } of answer.value.left_out)
      notifications.show({ message: t('kbs.leftOut', { name: participant, reason }) });
  };

  const isChecked = checked?.text === text;
  const findings = checked?.findings ?? [];
  const hasErrors = findings.some(({ severity }) => severity === 'error');
  const losers = (checked?.cvms ?? []).filter(({ change }) => change === 'loses');
  const why =
    text === read?.text
      ? t('kbs.unchanged')
      : !isChecked
        ? t('kbs.notChecked')
        : hasErrors && !accepted
          ? t('kbs.hasErrors')
          : undefined;
  const message = [
    t('kbs.setMessage'),
    ...(losers.length > 0
      ? [t('kbs.loses', { names: losers.map(({ participant }) => participant).join(', ') })]
      : []),
  ].join(' ');
  const foreign = current?.policy?.changed_elsewhere;
  const problem = error ?? (read ? undefined : (current?.error ?? undefined));
  return (
    <Page
      title={t('kbs.title')}
      subtitle={current?.address}
      actions={
        <>
          <Button variant="default" onClick={() => void readNow()}>
            {t('kbs.readAgain')}
          </Button>
          {read ? (
            <>
              <ConfirmTyped
                title={t('kbs.denyTitle')}
                message={t('kbs.denyMessage')}
                word={word}
                button={t('kbs.denyAll')}
                onConfirm={() => void written(client.call('kbs.policy_deny_all', write))}
              />
              <ConfirmTyped
                title={t('kbs.setTitle', { address: current?.address ?? '' })}
                message={message}
                word={word}
                button={t('kbs.set')}
                disabledReason={why}
                onConfirm={() =>
                  void written(client.call('kbs.policy_set', { ...write, text, accept_findings: accepted }))
                }
              />
            </>
          ) : null}
        </>
      }
    >
      {current ? <StatusLine value={current} /> : null}
      <div className={classes.notices}>
        {problem ? (
          <ErrorNotice error={problem}>
            {problem.code === 'conflict' ? (
              <Button size="xs" mt="xs" variant="default" onClick={() => void choose('compare')}>
                {t('kbs.compare')}
              </Button>
            ) : null}
          </ErrorNotice>
        ) : null}
        {foreign ? (
          <Alert vars={noticeColours('warn')} p="sm" role="alert">
            {t('kbs.changedElsewhere', { at: new Date(foreign.known_at).toLocaleString() })}
          </Alert>
        ) : null}
        {current?.status && current.status.findings.length > 0 ? (
          <FindingList findings={current.status.findings} />
        ) : null}
      </div>
      {!read ? (
        problem ? null : (
          <Skeleton height={200} m="md" w="auto" aria-label={t('kbs.reading')} />
        )
      ) : (
        <Tabs value={tab} onChange={(name) => void choose(name)} keepMounted={false}>
          <Tabs.List px="md">
            {tabs.map((name) => (
              <Tabs.Tab key={name} value={name}>
                {t(`kbs.tabs.${name}`)}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tabs.Panel value="policy">
            <div className={classes.columns}>
              <div>
                <div className={classes.actions}>
                  <Button size="xs" variant="default" onClick={() => void generate()}>
                    {t('kbs.generate')}
                  </Button>
                  {hasErrors && text !== read.text ? (
                    <Checkbox
                      label={t('kbs.accept')}
                      checked={accepted}
                      onChange={(event) => setAccepted(event.currentTarget.checked)}
                    />
                  ) : null}
                </div>
                <PolicyText text={text} findings={isChecked ? findings : []} onChange={setText} />
              </div>
              <div className={classes.side}>
                <section aria-labelledby="kbs-findings" aria-busy={!isChecked}>
                  <h2 id="kbs-findings" className={classes.heading}>
                    {t('kbs.findings')}
                  </h2>
                  {findings.length > 0 ? (
                    <FindingList findings={findings} />
                  ) : (
                    <p className="muted">{t(isChecked ? 'kbs.noFinding' : 'kbs.notChecked')}</p>
                  )}
                </section>
                <Simulation cvms={checked?.cvms ?? []} />
              </div>
            </div>
          </Tabs.Panel>
          <Tabs.Panel value="images">
            <Images
              file={file ?? ''}
              text={text}
              onGenerate={() => void generate().then(() => setTab('policy'))}
            />
          </Tabs.Panel>
          <Tabs.Panel value="compare">
            {compared ? (
              <Differences
                compared={compared}
                onMerge={(merged, sha256) => {
                  setRead({ text: compared.theirs_text, sha256 });
                  setText(merged);
                  setError(undefined);
                  setTab('policy');
                }}
                onTakeTheirs={() => {
                  void readNow();
                  setTab('policy');
                }}
              />
            ) : null}
          </Tabs.Panel>
          <Tabs.Panel value="history">
            <History
              records={records}
              current={read.sha256}
              word={word}
              onLoad={(old) => {
                setText(old);
                setTab('policy');
              }}
              onRollBack={(id) =>
                void written(
                  client.call('kbs.policy_roll_back', { ...write, id, accept_findings: accepted }),
                ).then(() => setTab('policy'))
              }
            />
          </Tabs.Panel>
          <Tabs.Panel value="resources">
            <Resources file={file ?? ''} word={word} />
          </Tabs.Panel>
          <Tabs.Panel value="references">
            <References file={file ?? ''} word={word} />
          </Tabs.Panel>
        </Tabs>
      )}
    </Page>
  );
}
