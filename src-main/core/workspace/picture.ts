/**
 * The open place as the overview shows it, in two steps: read from its files, which takes a while for hundreds of sites, and
 * dressed with what tasks and sessions tell, which may come many times a second.
 */
import { access, constants, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { z } from 'zod';
import type { openProjectSchema } from '../../contract/workspace.ts';
import { DeskError } from '../../contract/errors.ts';
import type { DeskFile } from '../../services/projects/index.ts';
import type { PlaceBook } from '../place-book.ts';
import { prodOf } from '../site-targets.ts';
import { attentionOf } from './attention.ts';
import type { BusyStages } from './busy-stages.ts';
import type { Facts } from './facts.ts';
import { imageParts } from './image-stage.ts';
import type { OpenedPlace } from './open-place.ts';

type Open = z.infer<typeof openProjectSchema>;
type Participant = Open['participants'][number];

interface ReadContext {
  book: PlaceBook;
  now: number;
}

/** What the files of the open place say. */
export interface ReadPlace {
  picture: Omit<Open, 'attention'>;
  /** Files and folders whose change means: read again. */
  watched: readonly string[];
}

export interface Dress {
  facts: Facts;
  /** Names of the clients that an open admin session sees connected, with the time it saw them. */
  connected: { names: ReadonlySet<string>; at: string } | undefined;
  /** Stages that a task works on now, by participant. */
  busy: ReturnType<BusyStages['of']>;
}

interface KitFacts {
  kit: NonNullable<Participant['kit']>;
  place: NonNullable<Participant['kit_place']>;
  daysLeft: number | undefined;
  type: Participant['type'];
  org: string;
  role: string | undefined;
  flare: string | null;
  project: string | null;
  name: string | null;
}

const day = 86_400_000;

async function kitFacts(
  folder: string,
  prod: string,
  { book, now }: ReadContext,
): Promise<KitFacts | undefined> {
  const { inspectKit } = await import('../../services/kits/index.ts');
  const place = { token: book.tokenOf(folder), label: folder };
  try {
    const info = await inspectKit(folder);
    const end = Date.parse(info.not_after);
    return {
      kit: {
        state: end < now ? 'bad' : 'ok',
        text: info.signed ? `${prod} signed` : prod,
        at: info.not_before,
      },
      place,
      daysLeft: Math.floor((end - now) / day),
      type: info.kind,
      org: info.org ?? '',
      role: info.role ?? undefined,
      flare: info.flare,
      project: info.project,
      name: info.name,
    };
  } catch (error) {
    if (!(error instanceof DeskError) || error.code === 'not_found') return undefined;
    return {
      kit: {
        state: 'bad',
        text: 'damaged',
        message: error.message,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      },
      place,
      daysLeft: undefined,
      type: 'client',
      org: '',
      role: undefined,
      flare: null,
      project: null,
      name: null,
    };
  }
}

function connectedStage(
  { name, type }: Participant,
  seen: Dress['connected'],
): Pick<Participant, 'connected'> {
  if (!seen || (type !== 'client' && type !== 'relay')) return {};
  return seen.names.has(name)
    ? { connected: { state: 'ok', text: 'connected', at: seen.at } }
    : { connected: { state: 'warn', text: 'not connected', at: seen.at } };
}

const hostOf = (desk: DeskFile | undefined, name: string): Pick<Participant, 'host'> => {
  const host = desk?.hosts.get(name);
  if (!host) return {};
  const { ssh, user, port, identity, via, directory, hostKey, path } = host;
  return {
    host: {
      ssh,
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port }),
      ...(identity === undefined ? {} : { identity }),
      ...(via === undefined ? {} : { via }),
      directory,
      ...(hostKey === undefined ? {} : { host_key: hostKey }),
      ...(path.length === 0 ? {} : { path: [...path] }),
    },
  };
};

const kitParts = (facts: KitFacts | undefined): Partial<Participant> =>
  facts
    ? {
        kit: facts.kit,
        kit_place: facts.place,
        ...(facts.daysLeft === undefined ? {} : { certificate_days_left: facts.daysLeft }),
      }
    : {};

async function readProject(file: string, context: ReadContext): Promise<ReadPlace> {
  const { loadProject, defaultWorkspace } = await import('../../services/projects/index.ts');
  const folder = dirname(file);
  const { project, findings, desk, line, consulted } = await loadProject({ file, currentFolder: folder });
  const unreadable = findings.find((one) => one.code === 'file_missing' || one.code === 'file_unreadable');
  const newer = findings.find(
    (one) => one.path === 'version' && one.file?.endsWith('desk.yml') && one.severity === 'error',
  );
  const readOnly = await access(folder, constants.W_OK).then(
    () => false,
    () => true,
  );
  const projectFolder = project ? join(desk?.workspace ?? defaultWorkspace(file), project.name) : undefined;
  const prod = projectFolder === undefined ? undefined : prodOf(projectFolder, undefined);
  const problem = unreadable ?? newer;
  const state = unreadable
    ? unreadable.code === 'file_missing'
      ? 'missing'
      : 'unreadable'
    : newer
      ? 'newer_version'
      : readOnly
        ? 'read_only'
        : 'ok';
  const message =
    problem?.message ?? (readOnly ? `${folder} is read-only: it can be looked at, not changed.` : undefined);
  const participants = await Promise.all(
    (project?.participants ?? []).map(async (participant, index): Promise<Participant> => {
      const { name, type, org, role } = participant;
      const problems = findings.filter(
        ({ severity, path = '' }) =>
          severity === 'error' &&
          (path.startsWith(`participants[${index}]`) || `${path}.`.startsWith(`hosts.${name}.`)),
      ).length;
      const kit =
        prod === undefined || projectFolder === undefined
          ? undefined
          : await kitFacts(join(projectFolder, prod, name), prod, context);
      return {
        name,
        type,
        org,
        ...(role === undefined ? {} : { role }),
        ...hostOf(desk, name),
        problems,
        ...kitParts(kit),
        ...(await imageParts(project, participant, prod && projectFolder && join(projectFolder, prod))),
      };
    }),
  );
  const picture: ReadPlace['picture'] = {
    kind: 'project',
    name: project?.name ?? basename(folder),
    label: folder,
    file: { token: context.book.tokenOf(file), label: file },
    flare: line,
    state,
    ...(message === undefined ? {} : { message }),
    errors: findings.filter((one) => one.severity === 'error').length,
    warnings: findings.filter((one) => one.severity === 'warning').length,
    participants,
    ...(prod === undefined ? {} : { prod }),
    ...(desk?.kbs ? { key_broker: desk.kbs.address } : {}),
  };
  const kits = prod && projectFolder ? participants.map(({ name }) => join(projectFolder, prod, name)) : [];
  return {
    picture,
    watched: [...consulted, ...(projectFolder === undefined ? [] : [projectFolder]), ...kits],
  };
}

async function readKits(
  kind: 'workspace' | 'kit',
  label: string,
  folders: string[],
  prod: string | undefined,
  context: ReadContext,
): Promise<ReadPlace['picture']> {
  const read = await Promise.all(
    folders.map(async (folder) => ({ folder, facts: await kitFacts(folder, prod ?? 'kit', context) })),
  );
  const kits = read.flatMap(({ folder, facts }) => (facts ? [{ folder, facts }] : []));
  return {
    kind,
    name: kits.find(({ facts }) => facts.project !== null)?.facts.project ?? basename(label),
    label,
    flare: kits.find(({ facts }) => facts.flare !== null)?.facts.flare ?? 'unknown',
    state: 'ok',
    errors: 0,
    warnings: 0,
    participants: kits.map(({ folder, facts }) => ({
      name: facts.name ?? basename(folder),
      type: facts.type,
      org: facts.org,
      ...(facts.role === undefined ? {} : { role: facts.role }),
      problems: 0,
      ...kitParts(facts),
    })),
    ...(prod === undefined ? {} : { prod }),
  };
}

/** Reads the open place. Never throws for bad files: they are in the picture. */
export async function readPlace(opened: OpenedPlace, context: ReadContext): Promise<ReadPlace> {
  if (opened.kind === 'project') return readProject(opened.file, context);
  const { folder } = opened;
  if (opened.kind === 'kit') {
    return { picture: await readKits('kit', folder, [folder], undefined, context), watched: [folder] };
  }
  const prod = prodOf(folder, undefined);
  const names = await readdir(join(folder, prod ?? ''), { withFileTypes: true }).catch(() => []);
  const kits = names
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, prod ?? '', entry.name));
  return { picture: await readKits('workspace', folder, kits, prod, context), watched: [folder] };
}

/** The whole picture: what the files say, and what is known and done beyond them. Pure. */
export function dressed(picture: ReadPlace['picture'], { facts, connected, busy }: Dress): Open {
  const participants = picture.participants.map((participant): Participant => {
    const { reachable, delivered, running } = facts[participant.name] ?? {};
    return {
      ...participant,
      ...(reachable ? { reachable } : {}),
      ...(delivered ? { delivered } : {}),
      ...(running ? { running } : {}),
      ...connectedStage(participant, connected),
    };
  });
  // What needs attention was so before the work that goes on now, and is until it has ended.
  const attention = attentionOf({ ...picture, participants });
  return {
    ...picture,
    participants: participants.map((participant) => ({ ...participant, ...busy.get(participant.name) })),
    attention,
  };
}
