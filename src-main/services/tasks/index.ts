/** Long work: steps, progress, cancel, a record that survives a crash. */
export { isAlive, type Owner, thisProcess } from './owner.ts';
export { createTaskRunner, type TaskRunnerOptions } from './runner.ts';
export type { ChildTask, TaskContext, TaskEvent, TaskKind, TaskRunner } from './types.ts';
