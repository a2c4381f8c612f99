import { Skeleton } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { Suspense, useEffect, useState } from 'react';
import { Navigate, NavLink, Route, Routes, useLocation, useNavigate, useSearchParams } from 'react-router';
import { useShallow } from 'zustand/react/shallow';
import { useClient } from '../bridge/provider.tsx';
import { notifyAlarms } from '../features/attestation/notify.ts';
import { TaskDrawer } from '../features/tasks/task-drawer.tsx';
import { workspaceReplica } from '../state/replicas.ts';
import { ConnectionBanner } from './connection-banner.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { focusContent, focusNextRegion } from './focus.ts';
import { KeyList } from './key-list.tsx';
import { Palette, openPalette } from './palette.tsx';
import { pages, pagesOf, subPages } from './pages.ts';
import { ProjectMenu } from './project-menu.tsx';
import { StatusBar } from './status-bar.tsx';
import { useTexts } from './texts.ts';
import classes from './shell.module.css';

/** Side bar, page, status bar; the task drawer and the palette over all of them. */
export function Shell() {
  const t = useTexts();
  const client = useClient();
  const navigate = useNavigate();
  // Not the whole picture: it changes all the time while sites are worked on, and this is drawn with the page in it.
  const isOpen = workspaceReplica.use((replica) => Boolean(replica.value?.open));
  const shown = workspaceReplica.use(useShallow((replica) => pagesOf(replica.value?.open)));
  const [tasksOpen, setTasksOpen] = useState(false);
  const [keysOpen, setKeysOpen] = useState(false);
  // A notification that was clicked leads to its task, over the page that is shown.
  const [search, setSearch] = useSearchParams();
  const [wantedTask, setWantedTask] = useState<string>();
  const askedTask = search.get('task');
  useEffect(() => {
    if (askedTask === null) return;
    setWantedTask(askedTask);
    setTasksOpen(true);
    setSearch(
      (was) => {
        was.delete('task');
        return was;
      },
      { replace: true },
    );
  }, [askedTask, setSearch]);
  const closeTasks = (): void => {
    setTasksOpen(false);
    setWantedTask(undefined);
  };
  useEffect(() => notifyAlarms(t('shell.pages.attestation')), [t]);
  const isDisabled = (page: (typeof pages)[number]): boolean =>
    page.needsProject && !isOpen && page.path !== '/project';
  // These work while a field or the console is typed in, too: without a mouse there is no other way out of a terminal.
  useHotkeys(
    [
      ['mod+K', () => openPalette()],
      ['mod+J', () => setTasksOpen((was) => !was)],
      ['F6', () => focusNextRegion(1)],
      ['shift+F6', () => focusNextRegion(-1)],
      ...shown.slice(0, 9).map((page, index): [string, () => void] => [
        `alt+${index + 1}`,
        () => {
          if (isDisabled(page)) return;
          focusContent();
          void navigate(page.path);
        },
      ]),
    ],
    [],
  );
  useHotkeys([['?', () => setKeysOpen(true)]]);
  // What had the focus may have gone with the page before: go on in this one, not at the top of the window. A drawer that
  // closes gives the focus back first.
  const { pathname } = useLocation();
  useEffect(() => {
    const timer = setTimeout(() => document.activeElement === document.body && focusContent(), 50);
    return () => clearTimeout(timer);
  }, [pathname]);
  return (
    <div className={classes.shell}>
      <a
        href="#content"
        className={classes.skip}
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('content')?.focus();
        }}
      >
        {t('shell.skipToContent')}
      </a>
      <nav className={classes.side} data-region aria-label={t('shell.navigation')}>
        <ProjectMenu client={client} />
        {shown.map((page) => {
          const disabled = isDisabled(page);
          const Icon = page.icon;
          return (
            <NavLink
              key={page.path}
              to={page.path}
              className={classes.link ?? ''}
              data-bottom={page.path === '/settings' || undefined}
              aria-disabled={disabled || undefined}
              title={disabled ? t('shell.disabledNoProject') : undefined}
              onClick={(event) => disabled && event.preventDefault()}
            >
              <Icon size={16} stroke={1.75} aria-hidden />
              {t(page.text)}
            </NavLink>
          );
        })}
      </nav>
      <main id="content" data-region tabIndex={-1} className={classes.content}>
        <ConnectionBanner />
        <div className={classes.page}>
          <ErrorBoundary key={pathname.split('/')[1]}>
            <Suspense fallback={<Skeleton height={200} m="lg" w="auto" />}>
              <Routes>
                {[...pages, ...subPages].map((page) => (
                  <Route key={page.path} path={`${page.path}/*`} element={<page.view />} />
                ))}
                <Route path="*" element={<Navigate to="/overview" replace />} />
              </Routes>
            </Suspense>
          </ErrorBoundary>
        </div>
      </main>
      <StatusBar onTasks={() => setTasksOpen((was) => !was)} />
      <TaskDrawer opened={tasksOpen} wanted={wantedTask} onClose={closeTasks} />
      <Palette onTasks={() => setTasksOpen(true)} />
      <KeyList opened={keysOpen} onClose={() => setKeysOpen(false)} />
    </div>
  );
}
