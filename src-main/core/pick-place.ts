/** Places picked by a person: with the host's own dialog, or as text through a prompt where it has none. */
import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { DeskError } from '../contract/errors.ts';
import type { PlacePurpose } from '../contract/places.ts';
import type { CallContext, CallHandlers } from './context.ts';

const folders = new Set<PlacePurpose>([
  'project_folder',
  'admin_kit',
  'job_folder',
  'download_folder',
  'bundle_folder',
  'data_folder',
]);
const files = new Set<PlacePurpose>(['bundle_archive', 'bundle_record', 'drive_file', 'data_file']);

/** What is wrong with a typed path; undefined when it serves the purpose. */
async function problemOf(path: string, purpose: PlacePurpose): Promise<string | undefined> {
  if (!isAbsolute(path)) return 'An absolute path is needed, such as /home/ada/federation.';
  const facts = await stat(path).catch(() => undefined);
  if (purpose === 'new_project_folder') {
    return facts && !facts.isDirectory() ? 'That is a file.' : undefined;
  }
  if (purpose === 'save_file') {
    if (facts?.isDirectory()) return 'That is a folder: name a file in it.';
    const folder = await stat(dirname(path)).catch(() => undefined);
    return folder?.isDirectory() ? undefined : `There is no folder ${dirname(path)}.`;
  }
  if (!facts) return 'There is no such place.';
  if (folders.has(purpose) && purpose !== 'project_folder' && !facts.isDirectory())
    return 'That is a file, not a folder.';
  if (files.has(purpose) && !facts.isFile()) return 'That is a folder, not a file.';
  return undefined;
}

/** Asks until the path serves or the person gives up. */
async function promptForPlace(
  purpose: PlacePurpose,
  suggestedName: string | undefined,
  { core, signal }: CallContext,
): Promise<string | undefined> {
  let suggested = join(core.environment.home, suggestedName ?? '');
  let problem: string | undefined;
  for (;;) {
    const { path } = await core.prompts.ask(
      'prompts.place',
      { purpose, suggested, ...(problem === undefined ? {} : { problem }) },
      { signal, otherwise: 'Name the path on the command line.' },
    );
    if (path === null) return undefined;
    const written = path.trim();
    const home =
      written === '~' || written.startsWith('~/') ? join(core.environment.home, written.slice(1)) : written;
    const place = normalize(home).replace(/(.)\/$/, '$1');
    problem = await problemOf(place, purpose);
    if (problem === undefined) return place;
    suggested = written;
  }
}

export const handlers: Pick<CallHandlers, 'places.pick' | 'places.reveal'> = {
  'places.pick': async ({ purpose, suggested_name: suggestedName }, context) => {
    const { dialogs, places } = context.core;
    const path = dialogs
      ? await dialogs.pick(purpose, suggestedName)
      : await promptForPlace(purpose, suggestedName, context);
    return { place: path === undefined ? null : { token: places.tokenOf(path), label: path } };
  },

  'places.reveal': async ({ place }, { core }) => {
    if (!(await stat(place).catch(() => undefined)))
      throw new DeskError('not_found', `${place} is not there any more.`);
    core.dialogs?.reveal(place);
    return { shown: core.dialogs !== undefined };
  },
};
