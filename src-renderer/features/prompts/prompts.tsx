import { Button, Checkbox, Group, Modal, PasswordInput, TextInput } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import type { TextKey } from '../../app/texts.ts';
import { useTexts } from '../../app/texts.ts';
import type { Client, Prompt } from '../../bridge/client.ts';
import { useClient } from '../../bridge/provider.tsx';
import { Copyable } from '../../components/copyable.tsx';
import { useNow } from '../../components/now.ts';
import { StateBadge } from '../../components/state-badge.tsx';
import { useReturnFocus } from '../../components/use-return-focus.ts';

/** Main's questions, one at a time, each with what it is about. No answer in time is a no, and the window says so. */
export function Prompts() {
  const client = useClient();
  const [queue, setQueue] = useState<Prompt[]>([]);
  useReturnFocus(queue.length > 0);
  useEffect(
    () =>
      client.onPrompt(
        (prompt) => setQueue((was) => [...was.filter((item) => item.id !== prompt.id), prompt]),
        (id) => setQueue((was) => was.filter((item) => item.id !== id)),
      ),
    [client],
  );
  const prompt = queue[0];
  if (!prompt) return null;
  return (
    <PromptDialog
      key={prompt.id}
      client={client}
      prompt={prompt}
      onDone={() => setQueue((was) => was.filter((item) => item.id !== prompt.id))}
    />
  );
}

const titles: Record<Prompt['name'], TextKey> = {
  'prompts.host_key': 'prompts.hostKey.title',
  'prompts.passphrase': 'prompts.passphrase.title',
  'prompts.new_passphrase': 'prompts.newPassphrase.title',
  'prompts.place': 'prompts.place.title',
  'prompts.confirm': 'prompts.confirm.title',
};

const refusal = (prompt: Prompt): unknown => {
  switch (prompt.name) {
    case 'prompts.host_key':
      return { accept: false };
    case 'prompts.confirm':
      return { yes: false };
    case 'prompts.place':
      return { path: null };
    case 'prompts.passphrase':
    case 'prompts.new_passphrase':
      return { passphrase: null };
  }
};

function PromptDialog({ client, prompt, onDone }: { client: Client; prompt: Prompt; onDone: () => void }) {
  const t = useTexts();
  const now = useNow();
  const left = Math.max(0, Math.ceil((prompt.deadline - now) / 1000));
  const answer = (value: unknown): void => {
    client.answer(prompt.id, value as never);
    onDone();
  };
  return (
    <Modal opened onClose={() => answer(refusal(prompt))} title={t(titles[prompt.name])} size="lg">
      <PromptBody prompt={prompt} answer={answer} />
      <div className="muted" style={{ marginTop: 12 }}>
        {t('prompts.deadline', { count: left })}
      </div>
    </Modal>
  );
}

function PromptBody({ prompt, answer }: { prompt: Prompt; answer: (value: unknown) => void }) {
  switch (prompt.name) {
    case 'prompts.host_key':
      return <HostKey question={prompt.question} answer={answer} />;
    case 'prompts.passphrase':
      return <Passphrase question={prompt.question} answer={answer} />;
    case 'prompts.new_passphrase':
      return <NewPassphrase question={prompt.question} answer={answer} />;
    case 'prompts.place':
      return <Place question={prompt.question} answer={answer} />;
    case 'prompts.confirm':
      return <Confirm question={prompt.question} answer={answer} />;
  }
}

type Question<Name extends Prompt['name']> = Extract<Prompt, { name: Name }>['question'];
type BodyProps<Name extends Prompt['name']> = { question: Question<Name>; answer: (value: unknown) => void };

/** An unknown host key: compare it with what the site's operator says; pasting the expected one compares for you. */
function HostKey({ question, answer }: BodyProps<'prompts.host_key'>) {
  const t = useTexts();
  const [expected, setExpected] = useState('');
  // The whole line of `ssh-keygen -l` may be pasted, or the fingerprint with or without its prefix.
  const pasted =
    /SHA256:[A-Za-z0-9+/]{43}/.exec(expected)?.[0] ?? expected.trim().replace(/^(?!SHA256:)/, 'SHA256:');
  const matches = expected.trim() === '' ? undefined : pasted === question.fingerprint;
  return (
    <>
      <p>{t('prompts.hostKey.explained', { host: `${question.host}:${question.port}` })}</p>
      <dl style={{ display: 'grid', gridTemplateColumns: '120px 1fr', gap: 6 }}>
        <dt className="muted">{t('prompts.hostKey.site')}</dt>
        <dd style={{ margin: 0 }}>{question.target ?? '–'}</dd>
        <dt className="muted">{t('prompts.hostKey.type')}</dt>
        <dd style={{ margin: 0 }} className="mono">
          {question.key_type}
        </dd>
        <dt className="muted">{t('prompts.hostKey.fingerprint')}</dt>
        <dd style={{ margin: 0 }}>
          <Copyable text={question.fingerprint} />
        </dd>
      </dl>
      {question.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
      <TextInput
        label={t('prompts.hostKey.expected')}
        value={expected}
        onChange={(event) => setExpected(event.currentTarget.value)}
        placeholder="SHA256:"
        classNames={{ input: 'mono' }}
        error={matches === false ? t('prompts.hostKey.differs') : undefined}
      />
      {matches ? <StateBadge state="ok">{t('prompts.hostKey.same')}</StateBadge> : null}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => answer({ accept: false })} data-autofocus>
          {t('prompts.hostKey.refuse')}
        </Button>
        <Button disabled={matches === false} onClick={() => answer({ accept: true })}>
          {t('prompts.hostKey.accept')}
        </Button>
      </Group>
    </>
  );
}

function Passphrase({ question, answer }: BodyProps<'prompts.passphrase'>) {
  const t = useTexts();
  const [value, setValue] = useState('');
  const [remember, setRemember] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    answer({ passphrase: value, ...(question.can_remember ? { remember } : {}) });
    setValue('');
  };
  return (
    <form onSubmit={submit}>
      <PasswordInput
        data-autofocus
        label={t('prompts.passphrase.label', { what: question.what })}
        value={value}
        autoComplete="off"
        onChange={(event) => setValue(event.currentTarget.value)}
        error={question.attempt > 1 ? t('prompts.passphrase.wrong') : undefined}
      />
      {question.can_remember ? (
        <Checkbox
          mt="sm"
          label={t('prompts.passphrase.remember')}
          description={t('prompts.passphrase.rememberAbout')}
          checked={remember}
          onChange={(event) => setRemember(event.currentTarget.checked)}
        />
      ) : null}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => answer({ passphrase: null })}>
          {t('common.cancel')}
        </Button>
        <Button type="submit" disabled={value === ''}>
          {t('prompts.passphrase.use')}
        </Button>
      </Group>
    </form>
  );
}

function NewPassphrase({ question, answer }: BodyProps<'prompts.new_passphrase'>) {
  const t = useTexts();
  const [first, setFirst] = useState('');
  const [second, setSecond] = useState('');
  const short = first.length < 8;
  const differs = first !== second;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        answer({ passphrase: first });
      }}
    >
      <p>{t('prompts.newPassphrase.explained', { what: question.what })}</p>
      <PasswordInput
        data-autofocus
        label={t('prompts.newPassphrase.first')}
        value={first}
        autoComplete="new-password"
        onChange={(event) => setFirst(event.currentTarget.value)}
        error={first !== '' && short ? t('prompts.newPassphrase.short') : undefined}
      />
      <PasswordInput
        mt="sm"
        label={t('prompts.newPassphrase.second')}
        value={second}
        autoComplete="new-password"
        onChange={(event) => setSecond(event.currentTarget.value)}
        error={second !== '' && differs ? t('prompts.newPassphrase.differs') : undefined}
      />
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => answer({ passphrase: null })}>
          {t('common.cancel')}
        </Button>
        <Button type="submit" disabled={short || differs}>
          {t('prompts.newPassphrase.set')}
        </Button>
      </Group>
    </form>
  );
}

function Place({ question, answer }: BodyProps<'prompts.place'>) {
  const t = useTexts();
  const [path, setPath] = useState(question.suggested);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        answer({ path });
      }}
    >
      <TextInput
        data-autofocus
        label={t(`prompts.place.purpose.${question.purpose}`)}
        description={t('prompts.place.explained')}
        value={path}
        classNames={{ input: 'mono' }}
        onChange={(event) => setPath(event.currentTarget.value)}
        error={question.problem}
      />
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => answer({ path: null })}>
          {t('common.cancel')}
        </Button>
        <Button type="submit" disabled={path.trim() === ''}>
          {t('prompts.place.use')}
        </Button>
      </Group>
    </form>
  );
}

function Confirm({ question, answer }: BodyProps<'prompts.confirm'>) {
  const t = useTexts();
  const [typed, setTyped] = useState('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        answer({ yes: true });
      }}
    >
      <p>{question.question}</p>
      {question.typed ? (
        <TextInput
          data-autofocus
          label={t('common.typeToConfirm', { word: question.typed })}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      ) : null}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => answer({ yes: false })}>
          {t('common.no')}
        </Button>
        <Button type="submit" disabled={question.typed !== undefined && typed !== question.typed}>
          {t('common.yes')}
        </Button>
      </Group>
    </form>
  );
}
