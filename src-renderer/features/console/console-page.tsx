import '@xterm/xterm/css/xterm.css';
import {
  ActionIcon,
  Button,
  Group,
  Menu,
  Modal,
  TextInput,
  Tooltip,
  useComputedColorScheme,
} from '@mantine/core';
import { IconPlus, IconSearch, IconTable, IconX } from '@tabler/icons-react';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import { useShallow } from 'zustand/react/shallow';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { useTexts } from '../../app/texts.ts';
import { useClient } from '../../bridge/provider.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { formatSeconds } from '../../components/format.ts';
import { useNow } from '../../components/now.ts';
import { Page } from '../../components/page.tsx';
import { StateBadge, type StateKind } from '../../components/state-badge.tsx';
import { connectionsReplica, workspaceReplica } from '../../state/replicas.ts';
import type { ConsoleSession } from './console-session.ts';
import type { ConsoleView } from './console-view.ts';
import { ResultDrawer } from './result-drawer.tsx';
import { useSessions } from './sessions.ts';
import { terminalTheme } from './terminal-theme.ts';
import classes from './console-page.module.css';

type Participant = NonNullable<StateValue<'workspace.current'>['open']>['participants'][number];

const states: Record<ConsoleView['state'], StateKind> = {
  connecting: 'busy',
  connected: 'ok',
  reconnecting: 'warn',
  closed: 'unknown',
};

/** Admin sessions side by side as tabs. */
export default function ConsolePage() {
  const t = useTexts();
  const navigate = useNavigate();
  const client = useClient();
  const { sessions, views, active, open, choose, close } = useSessions();
  const admins = workspaceReplica.use(
    useShallow(({ value }) =>
      (value?.open?.participants ?? []).filter((item) => item.type === 'admin' && item.kit_place),
    ),
  );
  const [tableOpen, setTableOpen] = useState(false);
  const session = sessions.find((item) => item.id === active);
  const view = session ? views[session.id] : undefined;
  const openAs = (admin: Participant): void => {
    if (admin.kit_place) open(client, t, admin.kit_place.token, admin.name);
  };
  return (
    <Page
      title={t('console.title')}
      subtitle={session ? <IdleCountdown user={view?.user ?? ''} /> : null}
      actions={
        sessions.length === 0 ? null : (
          <>
            <Tooltip label={t('console.asTable')}>
              <ActionIcon
                variant="default"
                size={30}
                aria-label={t('console.asTable')}
                disabled={!view?.lastTable}
                onClick={() => setTableOpen(true)}
              >
                <IconTable size={16} />
              </ActionIcon>
            </Tooltip>
            <Menu position="bottom-end">
              <Menu.Target>
                <Button variant="default" leftSection={<IconPlus size={14} />} disabled={admins.length === 0}>
                  {t('console.newTab')}
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {admins.map((admin) => (
                  <Menu.Item key={admin.name} onClick={() => openAs(admin)}>
                    {t('console.openAs', { name: admin.name })}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
          </>
        )
      }
    >
      {sessions.length === 0 ? (
        <EmptyState
          title={t('console.none')}
          reason={admins.length > 0 ? t('console.noneReason') : t('console.noKits')}
        >
          {admins.map((admin) => (
            <Button key={admin.name} onClick={() => openAs(admin)}>
              {t('console.openAs', { name: admin.name })}
            </Button>
          ))}
          {admins.length === 0 ? (
            <Button variant="default" onClick={() => void navigate('/overview')}>
              {t('console.toOverview')}
            </Button>
          ) : null}
        </EmptyState>
      ) : (
        <div className={classes.console}>
          <div className={classes.tabs}>
            <div
              role="tablist"
              className={classes.tablist}
              aria-label={t('console.title')}
              onKeyDown={moveAmongTabs}
            >
              {sessions.map((item) => (
                <button
                  key={item.id}
                  type="button"
                  role="tab"
                  id={`${item.id}-tab`}
                  aria-selected={item.id === active}
                  tabIndex={item.id === active ? 0 : -1}
                  aria-controls={item.id === active ? `${item.id}-panel` : undefined}
                  className={classes.tab}
                  onClick={() => choose(item.id)}
                >
                  <StateBadge state={states[views[item.id]?.state ?? 'closed']}>
                    {views[item.id]?.user}
                  </StateBadge>
                </button>
              ))}
            </div>
            {session ? (
              <Tooltip label={t('console.closeTab', { name: view?.user ?? '' })}>
                <ActionIcon
                  size={24}
                  variant="subtle"
                  color="gray"
                  aria-label={t('console.closeTab', { name: view?.user ?? '' })}
                  onClick={() => close(session.id)}
                >
                  <IconX size={14} />
                </ActionIcon>
              </Tooltip>
            ) : null}
            {session ? <Find key={session.id} session={session} /> : null}
          </div>
          {session ? <TerminalPane key={session.id} session={session} /> : null}
        </div>
      )}
      {session && view?.paste ? <PasteGuard session={session} lines={view.paste} /> : null}
      <ResultDrawer opened={tableOpen} table={view?.lastTable} onClose={() => setTableOpen(false)} />
    </Page>
  );
}

/** Arrows go from tab to tab; Enter shows its terminal. */
function moveAmongTabs(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined) return;
  const tabs = [...event.currentTarget.querySelectorAll<HTMLElement>('[role="tab"]')];
  const now = tabs.findIndex((tab) => tab === document.activeElement);
  tabs.at((now + step) % tabs.length)?.focus();
}

function TerminalPane({ session }: { session: ConsoleSession }) {
  const element = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme();
  useEffect(() => {
    const host = element.current;
    if (!host) return undefined;
    session.screen.attach(host);
    const observer = new ResizeObserver(() => session.screen.resize());
    observer.observe(host);
    return () => {
      observer.disconnect();
      session.screen.terminal.element?.remove();
    };
  }, [session]);
  useEffect(() => {
    session.screen.terminal.options.theme = terminalTheme();
  }, [scheme, session]);
  return (
    <div
      role="tabpanel"
      id={`${session.id}-panel`}
      aria-labelledby={`${session.id}-tab`}
      className={classes.terminal}
      ref={element}
    />
  );
}

/** Finds in what the terminal showed: Enter goes up, Shift+Enter down. */
function Find({ session }: { session: ConsoleSession }) {
  const t = useTexts();
  const [missing, setMissing] = useState(false);
  return (
    <TextInput
      className={classes.find ?? ''}
      aria-label={t('console.find')}
      placeholder={t('console.find')}
      leftSection={<IconSearch size={14} />}
      error={missing}
      onChange={() => setMissing(false)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter') return;
        const { value } = event.currentTarget;
        const found = event.shiftKey
          ? session.screen.search.findNext(value)
          : session.screen.search.findPrevious(value);
        setMissing(value !== '' && !found);
      }}
    />
  );
}

/** The server forgets an idle session; the tab says when. */
function IdleCountdown({ user }: { user: string }) {
  const t = useTexts();
  const now = useNow();
  const sessions = connectionsReplica.use((replica) => replica.value?.sessions) ?? [];
  const found = sessions.find((item) => item.user === user && item.idle_at !== undefined);
  if (!found?.idle_at) return null;
  const seconds = Math.max(0, (Date.parse(found.idle_at) - now) / 1000);
  return <>{t('console.idleIn', { time: formatSeconds(seconds) })}</>;
}

function PasteGuard({ session, lines }: { session: ConsoleSession; lines: string[] }) {
  const t = useTexts();
  return (
    <Modal opened onClose={() => session.decidePaste('drop')} title={t('console.pasteTitle')} size="lg">
      <p>{t('console.pasteMessage', { count: lines.length })}</p>
      <pre className={`mono ${classes.paste}`} tabIndex={0}>
        {lines.slice(0, 50).join('\n')}
        {lines.length > 50 ? '\n…' : ''}
      </pre>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => session.decidePaste('drop')} data-autofocus>
          {t('common.cancel')}
        </Button>
        <Button variant="default" onClick={() => session.decidePaste('first')}>
          {t('console.pasteFirst')}
        </Button>
        <Button onClick={() => session.decidePaste('run')}>{t('console.pasteRun')}</Button>
      </Group>
    </Modal>
  );
}
