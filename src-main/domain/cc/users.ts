/** Who uses a `cc_config` file, and what these participants connect to and listen on. */
import type { Participant } from '../project/model.ts';
import type { CcUser } from './cc-file.ts';

/** `all` = every participant of the project that could be read. */
export function ccUserOf(participant: Participant, all: readonly Participant[]): CcUser {
  const { name, type } = participant;
  const server = all.find((one) => one.type === 'server');
  const listener = participant.listeningHost?.port;
  const own = type === 'server' ? [participant.fedLearnPort, participant.adminPort, listener] : [listener];
  const listens = [...new Set(own.filter((port) => port !== undefined))];
  if (type === 'server' || !server) return { name, type, listens };
  const { connectTo } = participant;
  const relay =
    connectTo?.name === undefined
      ? undefined
      : all.find((one) => one.type === 'relay' && one.name === connectTo.name);
  const host = connectTo?.host ?? relay?.listeningHost?.defaultHost ?? server.defaultHost;
  const port = connectTo?.port ?? relay?.listeningHost?.port ?? server.fedLearnPort;
  return { name, type, listens, ...(port === undefined ? {} : { reaches: { host, port } }) };
}
