/** Image builds: a queue over builder hosts. */
export { newBuildId } from './build.ts';
export { type BuildLogLine, type BuildLogs, createBuildLogs } from './build-logs.ts';
export type { Watchdog } from './follow.ts';
export { beginJob, clearJob, endJob, followJob } from './job.ts';
export { localMachine, type Machine, remoteMachine } from './machine.ts';
export { builtArchive } from './publish.ts';
export { type BuildContext, type BuildQueue, type BuildQueueOptions, createBuildQueue } from './queue.ts';
export {
  type BuilderHost,
  type BuildRecord,
  type BuildRequest,
  type BuildResult,
  type BuildStore,
  type LeftOver,
} from './types.ts';
