/** The open project: what is open, what was open before, and the picture of it, kept fresh while somebody looks. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { DeskError } from '../../contract/errors.ts';
import type { StateValue } from '../../contract/index.ts';
import type { SiteResult, SiteStep } from '../../services/sites/index.ts';
import { siteVerbs } from '../../contract/names.ts';
import type { TaskRecord } from '../../services/store/index.ts';
import type { CoreParts } from '../context.ts';
import type { PlaceBook } from '../place-book.ts';
import type { Workspace } from '../parts.ts';
import { createStateCell } from '../state-cell.ts';
import { type Facts, learn, readFacts, writeFacts } from './facts.ts';
import { type OpenedPlace, recognisePlace } from './open-place.ts';
import { pictureOf } from './picture.ts';

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
/** Task events that come close together are one refresh. */
const settleMs = 150;

const idOf = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 16);
const pathOf = (opened: OpenedPlace): string => (opened.kind === 'project' ? opened.file : opened.folder);
const isStep = (verb: unknown): verb is SiteStep => (siteVerbs as readonly unknown[]).includes(verb);
const running = new Set<string>(['queued', 'running', 'waiting_for_user', 'cancelling']);

export async function createWorkspace(core: CoreParts, book: PlaceBook): Promise<Workspace> {
  const documents = (await core.store()).documents;
  const runner = await core.tasks();
  let opened: OpenedPlace | undefined;
  let facts: Facts = {};
  let recents: Recent[] = recentsSchema.safeParse(await documents.read(recentsKey)).data ?? [];
  let connected: { names: ReadonlySet<string>; at: string } | undefined;
  let stamp = '';
  let timer: NodeJS.Timeout | undefined;
  let watcher: NodeJS.Timeout | undefined;
  let generation = 0;

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

  /** The files whose change by others matters, as one text that differs when one of them does. */
  const stampOf = async (): Promise<string> => {
    if (!opened) return '';
    const path = pathOf(opened);
    const files = opened.kind === 'project' ? [path, join(dirname(path), 'desk.yml')] : [path];
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

  const busyStages = async (picture: NonNullable<Value['open']>): Promise<void> => {
    if (opened?.kind !== 'project') return;
    const file = opened.file;
    const tasks = await runner.list(200);
    for (const task of tasks) {
      const input = task.input as { verb?: unknown; file?: unknown } | undefined;
      if (!running.has(task.status) || task.kind !== 'sites.run' || input?.file !== file) continue;
      for (const child of await runner.children(task.id)) {
        const site = picture.participants.find((participant) => participant.name === child.target);
        if (!site || !running.has(child.status)) continue;
        const { done, total, message, step } = child.progress ?? {};
        const text =
          done !== undefined && total
            ? `${Math.floor((100 * done) / total)} %`
            : (message ?? step ?? 'working');
        const busy = { state: 'busy' as const, text, task: task.id };
        if (input.verb === 'check') site.reachable = busy;
        else if (input.verb === 'distribute') site.delivered = busy;
        else site.running = busy;
      }
    }
  };

  const refresh = async (): Promise<void> => {
    const mine = ++generation;
    const place = opened;
    stamp = await stampOf();
    const picture = place ? await pictureOf(place, { book, facts, now: core.clock.now(), connected }) : null;
    if (picture) await busyStages(picture);
    // A newer refresh has overtaken this one.
    if (mine === generation) state.set({ open: picture, recent: recentValue() });
  };

  const soon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      refresh().catch((error: unknown) =>
        core.logger.error('The open project could not be shown.', { error }),
      );
    }, settleMs).unref();
  };

  const lookAtFiles = async (): Promise<void> => {
    if (opened && (await stampOf()) !== stamp) soon();
  };

  const learnFrom = async (task: TaskRecord): Promise<void> => {
    const parent = task.parent === undefined ? task : await runner.get(task.parent);
    const input = parent.input as { verb?: unknown; file?: unknown } | undefined;
    if (parent.kind !== 'sites.run' || typeof input?.file !== 'string' || !isStep(input.verb)) return;
    const results = (task.result as { sites?: SiteResult[] } | undefined)?.sites ?? [];
    if (results.length === 0) return;
    const known =
      opened?.kind === 'project' && opened.file === input.file
        ? facts
        : await readFacts(documents, input.file);
    const at = new Date(core.clock.now()).toISOString();
    for (const result of results)
      known[result.name] = learn(known[result.name] ?? {}, input.verb, result, at);
    await writeFacts(documents, input.file, known);
  };

  const stopWatching = runner.watch(undefined, (event) => {
    if (event.kind === 'progress') return soon();
    const ended = !running.has(event.task.status) && event.task.parent === undefined;
    if (!ended) return soon();
    learnFrom(event.task)
      .catch((error: unknown) => core.logger.error('What a task learned of the sites is lost.', { error }))
      .finally(soon);
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
