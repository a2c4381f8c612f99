/** What the handlers of the contract are given, and the form they have. */
import type { z } from 'zod';
import type { Calls, StateValue, StreamItem, Streams, Tasks } from '../contract/index.ts';
import type { Caller, Clock, Dialogs, Environment, Logger } from '../ports.ts';
import type { Audit } from '../services/audit/index.ts';
import type { SecretStore } from '../services/secrets/index.ts';
import type { SettingsFile } from '../services/settings/index.ts';
import type { Store } from '../services/store/index.ts';
import type { TaskContext, TaskRunner } from '../services/tasks/index.ts';
import type { Drafts } from '../services/drafts/index.ts';
import type { PlaceBook } from './place-book.ts';
import type { PromptQueue } from './prompt-queue.ts';
import type { SessionPool } from './session-pool.ts';
import type { AttestationDesk } from './attestation/desk.ts';
import type { Builds, Custody, HostMatrix, HostNews, JobBoard, KbsWatch, Workspace } from './parts.ts';
import type { StateCell } from './state-cell.ts';
import type { TaskLogs } from './task-logs.ts';

/** The parts of a running core. What costs time to make is made when first asked for. */
export interface CoreParts {
  readonly stateFolder: string;
  readonly version: string;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prompts: PromptQueue;
  readonly dialogs: Dialogs | undefined;
  readonly places: PlaceBook;
  readonly sessions: SessionPool;
  readonly settings: () => Promise<SettingsFile>;
  readonly store: () => Promise<Store>;
  readonly audit: () => Promise<Audit>;
  readonly tasks: () => Promise<TaskRunner>;
  readonly taskLogs: () => Promise<TaskLogs>;
  readonly workspace: () => Promise<Workspace>;
  readonly drafts: () => Promise<Drafts>;
  readonly board: () => Promise<JobBoard>;
  readonly secrets: () => Promise<SecretStore>;
  readonly settingsState: () => Promise<StateCell<StateValue<'settings.current'>>>;
  readonly custody: () => Promise<Custody>;
  readonly hostMatrix: () => Promise<HostMatrix>;
  readonly hostNews: HostNews;
  readonly builds: () => Promise<Builds>;
  readonly kbs: () => Promise<KbsWatch>;
  readonly attestation: () => Promise<AttestationDesk>;
}

export interface CallContext {
  readonly core: CoreParts;
  readonly caller: Caller;
  readonly signal: AbortSignal;
}

export interface WorkContext {
  readonly core: CoreParts;
  readonly signal: AbortSignal;
  readonly task: TaskContext;
}

export interface StreamContext<Name extends keyof Streams> extends CallContext {
  /** Resolves when the reader has room again. */
  readonly send: (item: StreamItem<Name>) => Promise<void>;
  readonly received: AsyncIterable<z.output<Streams[Name]['up']>>;
}

export type CallHandlers = {
  [Name in keyof Calls]: (
    input: z.output<Calls[Name]['input']>,
    context: CallContext,
  ) => Promise<z.input<Calls[Name]['output']>>;
};

export interface Work<Name extends keyof Tasks> {
  title(input: z.output<Tasks[Name]['input']>): string;
  target(input: z.output<Tasks[Name]['input']>): string;
  steps(input: z.output<Tasks[Name]['input']>): readonly string[];
  run(input: z.output<Tasks[Name]['input']>, context: WorkContext): Promise<z.input<Tasks[Name]['output']>>;
  isPartly?(output: z.output<Tasks[Name]['output']>): boolean;
  readonly idempotent: boolean;
}

export type TaskHandlers = { [Name in keyof Tasks]: Work<Name> };

export type StreamHandlers = {
  [Name in keyof Streams]: (
    input: z.output<Streams[Name]['input']>,
    context: StreamContext<Name>,
  ) => Promise<void>;
};
