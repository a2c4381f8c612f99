/**
 * The language between main and whoever asks it: five kinds of declaration, each one value in one file.
 * Everything is parsed strictly where it enters main, and every answer is an envelope: nothing is thrown across.
 */
import type { z } from 'zod';
import type { ErrorAnswer } from './errors.ts';

/**
 * The input fields that name a place on this machine. A caller that may not choose paths itself (a page) sends
 * an opaque token there, which its host redeems; the command sends the path.
 */
type PlaceFields<Input extends z.ZodType> = readonly (keyof z.input<Input> & string)[];

/** Short work: one question, one answer before its deadline. Long work is a task. */
export interface CallDeclaration<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> {
  readonly kind: 'call';
  readonly name: Name;
  readonly input: Input;
  readonly output: Output;
  /** `write` calls change something on disk, on a host or on a server, and are audited. */
  readonly effect: 'read' | 'write';
  /** After this many milliseconds the answer is `timeout`. */
  readonly deadlineMs: number;
  readonly places?: readonly string[];
}

/** A task kind: ordered steps, progress, one AbortSignal, a record that survives a crash, and a result. */
export interface TaskDeclaration<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> {
  readonly kind: 'task';
  readonly name: Name;
  readonly input: Input;
  readonly output: Output;
  /** `write` tasks are audited. */
  readonly effect: 'read' | 'write';
  readonly places?: readonly string[];
}

/** A replicated snapshot owned by main. Each change carries the next version; a gap means: ask for it afresh. */
export interface StateDeclaration<Name extends string = string, Value extends z.ZodType = z.ZodType> {
  readonly kind: 'state';
  readonly name: Name;
  readonly value: Value;
}

/** One difference between two snapshots: the keys that lead to the part, and what stands there now. */
export type Change = readonly [path: readonly (string | number)[], value: unknown];

/** A flow of items from main with an end; may take items from the asker too. */
export interface StreamDeclaration<
  Name extends string = string,
  Input extends z.ZodType = z.ZodType,
  Item extends z.ZodType = z.ZodType,
  Up extends z.ZodType = z.ZodType,
> {
  readonly kind: 'stream';
  readonly name: Name;
  readonly input: Input;
  readonly item: Item;
  readonly up: Up;
  readonly places?: readonly string[];
}

/** Main asks, a person answers. No answer in time means no. */
export interface PromptDeclaration<
  Name extends string = string,
  Question extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  readonly kind: 'prompt';
  readonly name: Name;
  readonly question: Question;
  readonly answer: Answer;
  readonly deadlineMs: number;
}

export type Declaration =
  | CallDeclaration
  | TaskDeclaration
  | StateDeclaration
  | StreamDeclaration
  | PromptDeclaration;

type WithPlaces<D, Input extends z.ZodType> = Omit<D, 'kind' | 'places'> & { places?: PlaceFields<Input> };

export const defineCall = <const Name extends string, Input extends z.ZodType, Output extends z.ZodType>(
  declaration: WithPlaces<CallDeclaration<Name, Input, Output>, Input>,
): CallDeclaration<Name, Input, Output> => ({ kind: 'call', ...declaration });

export const defineTask = <const Name extends string, Input extends z.ZodType, Output extends z.ZodType>(
  declaration: WithPlaces<TaskDeclaration<Name, Input, Output>, Input>,
): TaskDeclaration<Name, Input, Output> => ({ kind: 'task', ...declaration });

export const defineState = <const Name extends string, Value extends z.ZodType>(
  declaration: Omit<StateDeclaration<Name, Value>, 'kind'>,
): StateDeclaration<Name, Value> => ({ kind: 'state', ...declaration });

export const defineStream = <
  const Name extends string,
  Input extends z.ZodType,
  Item extends z.ZodType,
  Up extends z.ZodType,
>(
  declaration: WithPlaces<StreamDeclaration<Name, Input, Item, Up>, Input>,
): StreamDeclaration<Name, Input, Item, Up> => ({ kind: 'stream', ...declaration });

export const definePrompt = <const Name extends string, Question extends z.ZodType, Answer extends z.ZodType>(
  declaration: Omit<PromptDeclaration<Name, Question, Answer>, 'kind'>,
): PromptDeclaration<Name, Question, Answer> => ({ kind: 'prompt', ...declaration });

/** The only form an answer has. */
export type Envelope<Value> = { ok: true; value: Value } | { ok: false; error: ErrorAnswer };

export type InputOf<D extends { input: z.ZodType }> = z.input<D['input']>;
export type OutputOf<D extends { output: z.ZodType }> = z.output<D['output']>;
