import type { ErrorAnswer } from '../../contract/errors.ts';
import type { Progress, ReportProgress } from '../../ports.ts';
import type { TaskRecord, TaskStatus } from '../store/index.ts';

/** One part of a task that succeeds or fails by itself: a site. */
export interface ChildTask {
  readonly id: string;
  report: ReportProgress;
  /** Ends the child; later reports are dropped. */
  end(outcome: { status: TaskStatus; error?: ErrorAnswer; result?: unknown }): void;
}

/** What the work is given. */
export interface TaskContext {
  readonly id: string;
  readonly signal: AbortSignal;
  /** Progress; naming a step begins it and ends the one before. */
  readonly report: ReportProgress;
  readonly child: (target: string) => ChildTask;
  /** Marks the task `waiting_for_user` while the question is open. */
  readonly waiting: <Answer>(ask: () => Promise<Answer>) => Promise<Answer>;
}

/** A kind of long work. */
export interface TaskKind {
  readonly name: string;
  title(input: unknown): string;
  target(input: unknown): string | undefined;
  /** In order. Reports may name others; those are added where they appear. */
  steps(input: unknown): readonly string[];
  run(input: unknown, context: TaskContext): Promise<unknown>;
  /** Whether the output says that only a part was done. */
  isPartly?(output: unknown): boolean;
  /** Doing it again does only what is missing, so that an interrupted one may be resumed. */
  readonly idempotent: boolean;
}

export type TaskEvent =
  | { kind: 'task'; task: TaskRecord }
  | { kind: 'progress'; id: string; progress: Progress };

export interface TaskRunner {
  register(kind: TaskKind): void;
  /** Begins the work and answers its record at once. Throws `invalid_input` for an unknown kind. */
  start(kind: string, input: unknown): Promise<TaskRecord>;
  /** Asks the work to stop. Throws: not_found; conflict when another process runs it. */
  cancel(id: string): Promise<TaskRecord>;
  /** Begins the same work again. Throws: not_found; conflict while it runs or when its kind is not known. */
  retry(id: string): Promise<TaskRecord>;
  get(id: string): Promise<TaskRecord>;
  children(id: string): Promise<TaskRecord[]>;
  /** Newest first; with `results: false` without what they brought forth, which can be large. */
  list(limit: number, options?: { results?: boolean }): Promise<TaskRecord[]>;
  actionsOf(record: TaskRecord): ('cancel' | 'retry' | 'resume')[];
  /** Events of one task and its children from now on; without an id, of all. */
  watch(id: string | undefined, listener: (event: TaskEvent) => void): () => void;
  /** Resolves with the ended record. */
  settled(id: string): Promise<TaskRecord>;
  /** Marks tasks of dead processes `interrupted`; answers how many. */
  recover(): Promise<number>;
  /** Cancels what runs and waits for it to end. */
  dispose(): Promise<void>;
}
