import type { Client } from '../bridge/client.ts';
import { createReplica } from './replica.ts';

/** One replica for each state of main. Features read them; nobody here writes them. */
export const workspaceReplica = createReplica('workspace.current');
export const draftsReplica = createReplica('drafts.current');
export const tasksReplica = createReplica('tasks.recent');
export const connectionsReplica = createReplica('session.connections');
export const boardReplica = createReplica('jobs.board');
export const settingsReplica = createReplica('settings.current');
export const hostMatrixReplica = createReplica('hosts.matrix');
export const attestationReplica = createReplica('attestation.board');
export const buildsReplica = createReplica('builds.board');
/** Followed by its page alone: while somebody looks, the key broker is asked again and again. */
export const kbsReplica = createReplica('kbs.current');
export const custodyReplica = createReplica('custody.current');

export function followAll(client: Client): () => void {
  const stops = [
    workspaceReplica,
    draftsReplica,
    tasksReplica,
    connectionsReplica,
    boardReplica,
    settingsReplica,
    hostMatrixReplica,
    attestationReplica,
    buildsReplica,
    custodyReplica,
  ].map((replica) => replica.follow(client));
  return () => {
    for (const stop of stops) stop();
  };
}
