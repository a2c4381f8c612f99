/** What an earlier run of the program left behind for a participant: a build on its host, or an archive whose record says otherwise. */
import { DeskError } from '../../../contract/errors.ts';
import { endedStates } from '../../../domain/cc/build-state.ts';
import type { Build, BuildTools } from './build.ts';
import { cleanUp, giveFree } from './end-build.ts';
import type { Machine } from './machine.ts';
import type { BuilderHost, BuildRecord, BuildRequest } from './types.ts';

/** A build that an earlier run began, and how it stands on its host now. */
export interface EarlierBuild {
  record: BuildRecord;
  host: BuilderHost;
  machine: Machine;
  state: string;
}

/** The build has a host and no outcome. */
export const isUnfinished = (record: BuildRecord | undefined): record is BuildRecord & { host: string } =>
  record?.host !== undefined && !endedStates.has(record.state);

/**
 * The host on which an earlier run may have left a build; undefined when desk.yml names it no more and it is to be built anew. Throws
 * `conflict` when another living process is at it, and when the host is gone otherwise.
 */
export function hostOfEarlier(
  record: BuildRecord & { host: string },
  request: BuildRequest,
  anew: boolean,
  tools: Pick<BuildTools, 'process' | 'isAlive'>,
): BuilderHost | undefined {
  if (record.process !== undefined && record.process !== tools.process && tools.isAlive(record.process))
    throw new DeskError('conflict', `${request.site} is being built by another running flaredesk.`, {
      hint: 'See its window or command; cancel it there.',
    });
  const host = request.hosts.find(({ name }) => name === record.host);
  if (host === undefined && !anew)
    throw new DeskError(
      'conflict',
      `${request.site} was being built on ${record.host}, which desk.yml does not name any more.`,
      { hint: 'Put the builder back, or build anew when you know that nothing runs there.' },
    );
  return host;
}

/**
 * The archive is in its place, so it was verified: the record is told, and what lies on the host cleared. A program that died right
 * then left both as they were.
 */
export async function closeBuilt(
  build: Build,
  there: { archive: string; bytes: number },
  found: EarlierBuild | undefined,
  endedAt: number,
): Promise<void> {
  if (found !== undefined && found.state !== 'running') {
    await giveFree(build, found.machine).catch(() => undefined);
    await cleanUp(build, found.machine);
  }
  const result = build.record.result ?? { ...there, sha256: '', builderPath: '', notes: [] };
  await build.change({ state: 'built', result, error: undefined, note: undefined, endedAt });
}
