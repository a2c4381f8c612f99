/** Builds as the contract tells them. */
import { basename } from 'node:path';
import type { z } from 'zod';
import type { buildSchema } from '../../contract/builds.ts';
import { endedStates } from '../../domain/cc/build-state.ts';
import type { BuilderHost, BuildRecord } from '../../services/cvm/index.ts';
import type { PlaceBook } from '../place-book.ts';

type ContractBuild = z.output<typeof buildSchema>;

const timeOf = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString();

/** `isOurs`: this process follows it; `isAlive`: the process that does still runs. */
export function toContractBuild(
  record: BuildRecord,
  book: PlaceBook,
  context: { isOurs: boolean; isAlive: boolean; fetched?: { done: number; total: number } | undefined },
): ContractBuild {
  const isActive = !endedStates.has(record.state);
  const isLost = isActive && !context.isOurs && !context.isAlive;
  const state = isLost ? 'interrupted' : record.state;
  const { result, leftOvers, fetched } = { ...record, fetched: context.fetched };
  const times = {
    queued_at: timeOf(record.queuedAt),
    started_at: timeOf(record.startedAt),
    ended_at: timeOf(record.endedAt),
  };
  return {
    id: record.id,
    site: record.site,
    prod: basename(record.prod),
    state,
    ...(record.host === undefined ? {} : { host: record.host }),
    ...(record.stage === undefined ? {} : { stage: record.stage }),
    ...(record.note === undefined ? {} : { note: record.note }),
    ...Object.fromEntries(Object.entries(times).filter(([, time]) => time !== undefined)),
    ...(record.expected === undefined ? {} : { expected: record.expected }),
    ...(fetched === undefined ? {} : { fetched }),
    ...(record.error === undefined ? {} : { error: record.error }),
    ...(leftOvers === undefined ? {} : { left_overs: leftOvers }),
    ...(result === undefined
      ? {}
      : {
          archive: {
            place: { token: book.tokenOf(result.archive), label: result.archive },
            bytes: result.bytes,
            ...(result.sha256 === '' ? {} : { sha256: result.sha256 }),
            notes: result.notes,
            ...(result.builderPath === '' ? {} : { on_builder: result.builderPath }),
          },
        }),
    ...(record.task === undefined ? {} : { task: record.task }),
    actions: actionsOf(state, context.isOurs),
  };
}

function actionsOf(state: ContractBuild['state'], isOurs: boolean): ContractBuild['actions'] {
  if (state === 'interrupted') return ['resume', 'cancel'];
  if (state === 'failed' || state === 'cancelled') return ['retry'];
  if (state === 'none') return ['build'];
  return state === 'built' || !isOurs ? [] : ['cancel'];
}

/** A participant whose image was never asked for. */
export const unbuilt = (site: string, prod: string): ContractBuild => ({
  site,
  prod,
  state: 'none',
  actions: ['build'],
});

export const toContractBuilder = ({ name, ssh, command, directory }: BuilderHost) => ({
  name,
  ...(ssh === undefined ? {} : { ssh: ssh.host }),
  command,
  directory,
});
