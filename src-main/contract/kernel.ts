/**
 * The language between main and whoever asks it: four kinds of declaration, each one value in one file.
 * Everything is parsed strictly where it enters main, and every answer is an envelope: nothing is thrown across.
 */
import type { z } from 'zod';
import type { ErrorAnswer } from './errors.ts';

/** Short work: one question, one answer before its deadline. Long work is started by a call that answers a task id. */
export interface CallDeclaration<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly kind: 'call';
  readonly name: string;
  readonly input: Input;
  readonly output: Output;
  /** `write` calls change something on disk, on a host or on a server, and are audited. */
  readonly effect: 'read' | 'write';
  /** After this many milliseconds the answer is `timeout`. */
  readonly deadlineMs: number;
}

/** A task kind: ordered steps, progress, one AbortSignal, a record that survives a crash, and a result. */
export interface TaskDeclaration<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly kind: 'task';
  readonly name: string;
  readonly input: Input;
  readonly output: Output;
}

/** A replicated snapshot owned by main. Each change carries the next version. */
export interface StateDeclaration<Value extends z.ZodType = z.ZodType> {
  readonly kind: 'state';
  readonly name: string;
  readonly value: Value;
}

/** A flow of items from main with an end; may take items from the asker too. */
export interface StreamDeclaration<
  Input extends z.ZodType = z.ZodType,
  Item extends z.ZodType = z.ZodType,
  Up extends z.ZodType = z.ZodType,
> {
  readonly kind: 'stream';
  readonly name: string;
  readonly input: Input;
  readonly item: Item;
  readonly up: Up;
}

/** Main asks, a person answers. No answer in time means no. */
export interface PromptDeclaration<
  Question extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  readonly kind: 'prompt';
  readonly name: string;
  readonly question: Question;
  readonly answer: Answer;
  readonly deadlineMs: number;
}

export const defineCall = <Input extends z.ZodType, Output extends z.ZodType>(
  declaration: Omit<CallDeclaration<Input, Output>, 'kind'>,
): CallDeclaration<Input, Output> => ({ kind: 'call', ...declaration });

export const defineTask = <Input extends z.ZodType, Output extends z.ZodType>(
  declaration: Omit<TaskDeclaration<Input, Output>, 'kind'>,
): TaskDeclaration<Input, Output> => ({ kind: 'task', ...declaration });

export const defineState = <Value extends z.ZodType>(
  declaration: Omit<StateDeclaration<Value>, 'kind'>,
): StateDeclaration<Value> => ({ kind: 'state', ...declaration });

export const defineStream = <Input extends z.ZodType, Item extends z.ZodType, Up extends z.ZodType>(
  declaration: Omit<StreamDeclaration<Input, Item, Up>, 'kind'>,
): StreamDeclaration<Input, Item, Up> => ({ kind: 'stream', ...declaration });

export const definePrompt = <Question extends z.ZodType, Answer extends z.ZodType>(
  declaration: Omit<PromptDeclaration<Question, Answer>, 'kind'>,
): PromptDeclaration<Question, Answer> => ({ kind: 'prompt', ...declaration });

/** The only form an answer has. */
export type Envelope<Value> = { ok: true; value: Value } | { ok: false; error: ErrorAnswer };

export type InputOf<D extends { input: z.ZodType }> = z.input<D['input']>;
export type OutputOf<D extends { output: z.ZodType }> = z.output<D['output']>;
