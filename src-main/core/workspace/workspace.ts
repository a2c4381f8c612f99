/** The open project: what is open, what was open before, and the picture of it, kept fresh while somebody looks. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { DeskError } from '../../contract/errors.ts';
import type { StateValue } from '../../contract/index.ts';
import type { SiteResult, SiteStep } from '../../services/sites/index.ts';
import { siteVerbs } from '../../contract/names.ts';
import type { TaskRecord } from '../../services/store/index.ts';
import type { TaskEvent } from '../../services/tasks/index.ts';
import type { CoreParts } from '../context.ts';
import type { PlaceBook } from '../place-book.ts';
import type { Workspace } from '../parts.ts';
import { createStateCell } from '../state-cell.ts';
import { createBusyStages, isWorking } from './busy-stages.ts';
import { type Facts, learn, readFacts, writeFacts } from './facts.ts';
import { type OpenedPlace, recognisePlace } from './open-place.ts';
import { dressed, type ReadPlace, readPlace } from './picture.ts';

type Value = StateValue<'workspace.current'>;

const recentsSchema = z.array(
  z.object({
    path: z.string(),
    name: z.string(),
    kind: z.enum(['project', 'workspace', 'kit']),
    opened_at: z.string(),
  }),
);
type Recent = z.infer<typeof recentsSchema>[number];

const recentsKey = 'recent-projects';
const openKey = 'open-project';
const mostRecents = 20;
/** How often the files are looked at for changes by other programs. */
const watchMs = 3000;
/** Task events that come close together are told once: sooner for a few sites than for hundreds, whose picture is large. */
const settleMs = (sites: number): number => Math.min(Math.max(150, 2 * sites), 1000);
/** Certificates run out without any file changing. */
const rereadMs = 3_600_000;

const idOf = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 16);
const pathOf = (opened: OpenedPlace): string => (opened.kind === 'project' ? opened.file : opened.folder);
const isStep = (verb: unknown): verb is SiteStep => (siteVerbs as readonly unknown[]).includes(verb);

/** What a task does on the hosts of a project; undefined for a task that is about something else. */
function siteStepOf(task: TaskRecord): { verb: SiteStep; file: string } | undefined {
  const input = task.input as { verb?: unknown; file?: unknown } | undefined;
  if (task.kind !== 'sites.run' || typeof input?.file !== 'string' || !isStep(input.verb)) return undefined;
  return { verb: input.verb, file: input.file };
}

/** Tasks that leave kits, images or hand-over records below `prod_NN`. */
const writesProd: ReadonlySet<string> = new Set(['provisioning.run', 'builds.run', 'hosts.check']);

export async function createWorkspace(core: CoreParts, book: PlaceBook): Promise<Workspace> {
  const documents = (await core.store()).documents;
  const runner = await core.tasks();
  let opened: OpenedPlace | undefined;
  let facts: Facts = {};
  let recents: Recent[] = recentsSchema.safeParse(await documents.read(recentsKey)).data ?? [];
  let connected: { names: ReadonlySet<string>; at: string } | undefined;
  let read: (ReadPlace & { place: OpenedPlace; stamp: string; at: number }) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let watcher: NodeJS.Timeout | undefined;
  let generation = 0;
  const readers = new Set<() => void>();

  const state = createStateCell<Value>({ open: null, recent: [] }, (count) => {
    clearInterval(watcher);
    watcher = count > 0 ? setInterval(() => void lookAtFiles(), watchMs).unref() : undefined;
  });

  const recentValue = (): Value['recent'] =>
    recents.map(({ path, name, kind, opened_at }) => ({
      id: idOf(path),
      name,
      label: kind === 'project' ? dirname(path) : path,
      kind,
      opened_at,
      available: existsSync(path),
    }));

  const pathOfOpened = (): string | undefined => opened && pathOf(opened);

  /** One text that differs when one of these files was changed, by whomever. */
  const stampOf = async (files: readonly string[]): Promise<string> => {
    const parts = await Promise.all(
      files.map((file) =>
        stat(file).then(
          (found) => `${found.mtimeMs}:${found.size}:${found.mode}`,
          () => 'none',
        ),
      ),
    );
    return parts.join('|');
  };

  const busy = createBusyStages(siteStepOf);

  /** Tells the picture anew from what was read last. */
  const tell = (): void => {
    // Another place was opened and is being read: its picture comes soon.
    if (read?.place !== opened) return;
    const open = read && dressed(read.picture, { facts, connected, busy: busy.of(pathOf(read.place)) });
    state.set({ open: open ?? null, recent: recentValue() });
  };

  const refresh = async (): Promise<void> => {
    const mine = ++generation;
    const place = opened;
    const now = core.clock.now();
    // Stamped before it is read: what changes meanwhile is read again.
    const before = read && place && (await stampOf(read.watched));
    const found = place && { place, at: now, ...(await readPlace(place, { book, now })) };
    // A newer refresh has overtaken this one.
    if (mine !== generation) return;
    const same = before !== undefined && found?.watched.join('|') === read?.watched.join('|');
    read = found && { ...found, stamp: same ? before : await stampOf(found.watched) };
    tell();
    for (const reader of readers) reader();
  };

  const refreshLogged = (): Promise<void> =>
    refresh().catch((error: unknown) => core.logger.error('The open project could not be shown.', { error }));

  const soon = (): void => {
    timer ??= setTimeout(
      () => {
        timer = undefined;
        tell();
      },
      settleMs(read?.picture.participants.length ?? 0),
    ).unref();
  };

  const lookAtFiles = async (): Promise<void> => {
    if (!opened || !read) return;
    const { stamp, at, watched } = read;
    if (core.clock.now() - at > rereadMs || (await stampOf(watched)) !== stamp) await refreshLogged();
  };

  const learnFrom = async (task: TaskRecord): Promise<void> => {
    const step = siteStepOf(task);
    const results = (task.result as { sites?: SiteResult[] } | undefined)?.sites ?? [];
    if (!step || results.length === 0) return;
    const known =
      opened?.kind === 'project' && opened.file === step.file ? facts : await readFacts(documents, step.file);
    const at = new Date(core.clock.now()).toISOString();
    for (const result of results) known[result.name] = learn(known[result.name] ?? {}, step.verb, result, at);
    await writeFacts(documents, step.file, known);
  };

  /** What one site's part of a task brought, as soon as it has ended; kept with the others at the end of the task. */
  const learnFromSite = ({ target, result, error }: TaskRecord, root: TaskRecord): void => {
    const step = siteStepOf(root);
    const part = result as Pick<SiteResult, 'state' | 'steps' | 'status'> | undefined;
    if (!step || !part || target === undefined || pathOfOpened() !== step.file) return;
    const at = new Date(core.clock.now()).toISOString();
    const site: SiteResult = { name: target, ...part, ...(error ? { error } : {}) };
    facts[target] = learn(facts[target] ?? {}, step.verb, site, at);
  };

  const hear = async (event: TaskEvent): Promise<void> => {
    if (event.kind === 'progress' || isWorking(event.task)) return;
    if (event.task.parent === undefined) return learnFrom(event.task);
    learnFromSite(event.task, await runner.get(event.task.parent));
  };

  const stopWatching = runner.watch(undefined, (event) => {
    const told = hear(event)
      .catch((error: unknown) => core.logger.error('What a task learned of the sites is lost.', { error }))
      .finally(() => busy.hear(event));
    const rereads = event.kind === 'task' && writesProd.has(event.task.kind) && !isWorking(event.task);
    void told.then(() => (rereads ? refreshLogged() : soon()));
  });

  const open = async (path: string): Promise<{ name: string; kind: OpenedPlace['kind'] }> => {
    const place = await recognisePlace(path);
    opened = place;
    connected = undefined;
    facts = place.kind === 'project' ? await readFacts(documents, place.file) : {};
    await refresh();
    const name = state.get().open?.name ?? basename(path);
    const key = pathOf(place);
    const entry = { path: key, name, kind: place.kind, opened_at: new Date(core.clock.now()).toISOString() };
    recents = [entry, ...recents.filter((item) => item.path !== key)].slice(0, mostRecents);
    await documents.write(recentsKey, recents);
    await documents.write(openKey, key);
    state.set({ open: state.get().open, recent: recentValue() });
    return { name, kind: place.kind };
  };

  const last = await documents.read(openKey);
  if (typeof last === 'string' && existsSync(last)) {
    await open(last).catch((error: unknown) =>
      core.logger.warn('The project of before was not opened.', { error }),
    );
  }
  if (!opened) await refresh();

  return {
    state,
    opened: () => opened,
    open,
    async openRecent(id) {
      const found = recents.find((item) => idOf(item.path) === id);
      if (found) return open(found.path);
      throw new DeskError('not_found', 'That project is not in the list any more.');
    },
    async forgetRecent(id) {
      recents = recents.filter((item) => idOf(item.path) !== id);
      await documents.write(recentsKey, recents);
      await refresh();
    },
    async close() {
      opened = undefined;
      facts = {};
      connected = undefined;
      await documents.remove(openKey);
      await refresh();
    },
    refresh,
    onRead(listener) {
      readers.add(listener);
      return () => void readers.delete(listener);
    },
    sawConnected(names) {
      connected = names ? { names, at: new Date(core.clock.now()).toISOString() } : undefined;
      soon();
    },
    launchOf: (participant) => facts[participant]?.launch,
    logOf: (participant) => facts[participant]?.log,
    dispose() {
      stopWatching();
      clearTimeout(timer);
      clearInterval(watcher);
    },
  };
}
