import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { StateValue } from '../../src-main/contract/index.ts';
import { useTexts } from '../app/texts.ts';
import { useClient } from '../bridge/provider.tsx';
import { ConfirmTyped } from './confirm-typed.tsx';
import { nameList } from './name-list.ts';

type Open = NonNullable<StateValue<'workspace.current'>['open']>;
type Participant = Open['participants'][number];
type Verb = 'check' | 'distribute' | 'start' | 'stop' | 'status';

/** Check, deliver, start, stop on one or many participants: one task, a failing site never stops the others. */
export function SiteActions({
  project,
  participants,
  onStarted,
}: {
  project: Open;
  participants: Participant[];
  onStarted?: () => void;
}) {
  const t = useTexts();
  const client = useClient();
  const hosted = participants.filter((participant) => participant.host !== undefined);
  const names = hosted.map((participant) => participant.name);
  const confidential = hosted.filter((participant) => participant.confidential);
  const run = async (verb: Verb, force = false): Promise<void> => {
    if (!project.file) return;
    const started = await client.start('sites.run', {
      verb,
      file: project.file.token,
      only: force ? confidential.map((participant) => participant.name) : names,
      ...(force ? { force } : {}),
    });
    if (started.ok) onStarted?.();
    else
      notifications.show({ color: 'red', title: started.error.message, message: started.error.hint ?? '' });
  };
  const reason = !project.file
    ? t('common.sites.noProjectFile')
    : names.length === 0
      ? t('common.sites.noHost')
      : undefined;
  const noKit = reason ?? (project.prod ? undefined : t('common.sites.noKit'));
  const first = names[0] ?? '';
  return (
    <>
      <Action text={t('common.sites.check')} reason={reason} onClick={() => void run('check')} />
      <Action text={t('common.sites.deliver')} reason={noKit} onClick={() => void run('distribute')} />
      <Action text={t('common.sites.start')} reason={noKit} onClick={() => void run('start')} />
      <ConfirmTyped
        title={t('common.sites.stopTitle')}
        message={[
          t('common.sites.stopMessage', { names: nameList(t, names) }),
          ...(confidential.length > 0 ? [t('common.sites.stopConfidential')] : []),
        ].join(' ')}
        word={names.length === 1 ? first : project.name}
        button={t('common.sites.stop')}
        disabledReason={noKit}
        onConfirm={() => void run('stop')}
      />
      {participants.length === 1 && confidential.length === 1 && confidential[0]?.running ? (
        <ConfirmTyped
          title={t('common.sites.endVmTitle')}
          message={t('common.sites.endVmMessage', { names: first })}
          word={first}
          button={t('common.sites.endVm')}
          disabledReason={noKit}
          onConfirm={() => void run('stop', true)}
        />
      ) : null}
      <Action text={t('common.sites.status')} reason={reason} onClick={() => void run('status')} />
    </>
  );
}

function Action({
  text,
  reason,
  onClick,
}: {
  text: string;
  reason: string | undefined;
  onClick: () => void;
}) {
  return (
    <Button
      variant="default"
      data-disabled={reason ? true : undefined}
      aria-disabled={reason ? true : undefined}
      title={reason}
      onClick={(event) => {
        event.stopPropagation();
        if (!reason) onClick();
      }}
    >
      {text}
    </Button>
  );
}
