/**
 * The one place where calls, tasks and streams enter main: unknown names refused, input parsed strictly, places
 * resolved, deadline kept, effect audited, answer checked, everything thrown turned into an envelope.
 */
import type { z } from 'zod';
import { DeskError } from '../contract/errors.ts';
import { findDeclaration, type DeskClient, type States, type StateValue } from '../contract/index.ts';
import type { CallDeclaration, Envelope, StreamDeclaration } from '../contract/kernel.ts';
import type { Caller } from '../ports.ts';
import { createChannel } from './channel.ts';
import type { CallContext, CoreParts, StreamContext } from './context.ts';
import { describeError, inputError } from './errors.ts';
import { findHandler } from './handlers.ts';
import { resolvePlaces } from './places.ts';

/** Items a stream's producer may be ahead of its reader. */
const streamCapacity = 64;

type AnyHandler = (input: unknown, context: CallContext) => Promise<unknown>;
type AnyStreamHandler = (input: unknown, context: StreamContext<never>) => Promise<void>;

/** The owner of a replicated snapshot. */
export interface StateSource<Name extends keyof States> {
  subscribe(listener: (snapshot: { version: number; value: StateValue<Name> }) => void): () => void;
}

export interface RouterOptions {
  core: CoreParts;
  states: { [Name in keyof States]: () => Promise<StateSource<Name>> };
  checkOutputs: boolean;
  /** Ends every call and stream when the core is disposed. */
  disposed: AbortSignal;
}

export interface Router {
  readonly clientFor: (caller: Caller) => DeskClient;
  /** Resolves when every ended task stands in the audit trail. */
  readonly settled: () => Promise<void>;
}

const unknownName = (kind: string, name: string): DeskError =>
  new DeskError('invalid_input', `There is no ${kind} "${String(name).slice(0, 100)}".`);

/** Ends with the signal's reason even when the work does not listen to it. */
function raceAbort<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const stopped = new Promise<never>((_, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  // Work that ends after its deadline has nobody to tell.
  work.catch(() => undefined);
  return Promise.race([work, stopped]);
}

export function createRouter({ core, states, checkOutputs, disposed }: RouterOptions): Router {
  const { logger } = core;
  const closing = new Set<Promise<unknown>>();

  const guard = async <Value>(work: () => Promise<Value>): Promise<Envelope<Value>> => {
    try {
      return { ok: true, value: await work() };
    } catch (error) {
      return { ok: false, error: describeError(error, logger) };
    }
  };

  const parseInput = (
    declaration: { name: string; input: z.ZodType; places?: readonly string[] },
    payload: unknown,
    caller: Caller,
  ): unknown => {
    const parsed = declaration.input.safeParse(payload);
    if (!parsed.success) throw inputError(declaration.name, parsed.error);
    return resolvePlaces(parsed.data, declaration.places ?? [], caller);
  };

  const checked = (declaration: { name: string }, schema: z.ZodType, value: unknown): unknown => {
    if (!checkOutputs) return value;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new Error(`${declaration.name} answered outside the contract: ${parsed.error.message}`);
  };

  /** The names of what was acted on, for the audit trail. */
  const targetOf = (input: unknown): string => {
    const fields = (input ?? {}) as Record<string, unknown>;
    const named = ['file', 'kit', 'directory', 'job', 'job_id', 'id'].filter(
      (key) => fields[key] !== undefined,
    );
    return named.map((key) => String(fields[key])).join(' ');
  };

  const auditCall = async (
    declaration: CallDeclaration,
    input: unknown,
    caller: Caller,
    outcome: string,
  ): Promise<void> => {
    if (declaration.effect !== 'write') return;
    const trail = await core.audit();
    await trail.append({ actor: caller.name, action: declaration.name, target: targetOf(input), outcome });
  };

  const call = async (
    name: string,
    payload: unknown,
    caller: Caller,
    asked: AbortSignal | undefined,
  ): Promise<unknown> => {
    const declaration = await findDeclaration('call', name);
    const handler = declaration && ((await findHandler(name as never)) as AnyHandler | undefined);
    if (!declaration || !handler) throw unknownName('call', name);
    const input = parseInput(declaration, payload, caller);
    const deadline = new AbortController();
    const timer = setTimeout(
      () =>
        deadline.abort(
          new DeskError('timeout', `${name} gave no answer within ${declaration.deadlineMs / 1000} s.`, {
            retryable: true,
          }),
        ),
      declaration.deadlineMs,
    );
    const signal = AbortSignal.any([deadline.signal, disposed, ...(asked ? [asked] : [])]);
    try {
      signal.throwIfAborted();
      const value = await raceAbort(handler(input, { core, caller, signal }), signal);
      await auditCall(declaration, input, caller, 'done');
      return checked(declaration, declaration.output, value);
    } catch (error) {
      await auditCall(declaration, input, caller, error instanceof DeskError ? error.code : 'internal');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };

  const start = async (name: string, payload: unknown, caller: Caller): Promise<{ id: string }> => {
    const declaration = await findDeclaration('task', name);
    if (!declaration) throw unknownName('task', name);
    const input = parseInput(declaration, payload, caller);
    const tasks = await core.tasks();
    if (declaration.effect === 'read') return { id: (await tasks.start(name, input)).id };
    // Written before the work begins: what cannot be recorded is not done.
    const trail = await core.audit();
    const event = { actor: caller.name, action: name, target: targetOf(input) };
    await trail.append({ ...event, outcome: 'started' });
    const { id } = await tasks.start(name, input);
    const written = tasks
      .settled(id)
      .then((record) =>
        trail.append({ ...event, outcome: record.error?.code ?? record.status, detail: { task: id } }),
      )
      .catch((error: unknown) =>
        logger.error('The end of a task is missing in the audit trail.', { id, error }),
      )
      .finally(() => closing.delete(written));
    closing.add(written);
    return { id };
  };

  const open = async (name: string, payload: unknown, caller: Caller, asked: AbortSignal | undefined) => {
    const declaration = await findDeclaration('stream', name);
    const handler = declaration && ((await findHandler(name as never)) as AnyStreamHandler | undefined);
    if (!declaration || !handler) throw unknownName('stream', name);
    return openStream(declaration, handler, parseInput(declaration, payload, caller), caller, asked);
  };

  const openStream = (
    declaration: StreamDeclaration,
    handler: AnyStreamHandler,
    input: unknown,
    caller: Caller,
    asked: AbortSignal | undefined,
  ) => {
    const closing = new AbortController();
    const signal = AbortSignal.any([closing.signal, disposed, ...(asked ? [asked] : [])]);
    const down = createChannel<unknown>(streamCapacity);
    const up = createChannel<unknown>(streamCapacity);
    const context = {
      core,
      caller,
      signal,
      received: up.items,
      send: (item: unknown) => down.push(checked(declaration, declaration.item, item)),
    } as unknown as StreamContext<never>;
    signal.addEventListener('abort', () => up.close(), { once: true });
    const ended = guard(async () => {
      try {
        await handler(input, context);
        return null;
      } finally {
        down.close();
        up.close();
      }
    });
    return {
      items: down.items,
      ended,
      send: (item: unknown): Envelope<null> => {
        const parsed = declaration.up.safeParse(item);
        if (!parsed.success) {
          return { ok: false, error: describeError(inputError(declaration.name, parsed.error), logger) };
        }
        if (up.size >= streamCapacity) {
          const full = new DeskError('too_large', 'Too many lines wait already.', { retryable: true });
          return { ok: false, error: full.toAnswer() };
        }
        void up.push(parsed.data);
        return { ok: true, value: null };
      },
      close: () => closing.abort(new DeskError('cancelled', 'The stream was closed.')),
    };
  };

  const subscribe = (name: string, listener: (snapshot: unknown) => void): (() => void) => {
    if (!Object.hasOwn(states, name)) return () => undefined;
    let stop: (() => void) | undefined;
    let stopped = false;
    states[name as keyof States]()
      .then((source) => {
        if (!stopped) stop = source.subscribe(listener);
      })
      .catch((error: unknown) => logger.error('A state could not be told.', { name, error }));
    return () => {
      stopped = true;
      stop?.();
    };
  };

  return {
    clientFor: (caller) =>
      ({
        call: (name: string, payload: unknown, options?: { signal?: AbortSignal }) =>
          guard(() => call(name, payload, caller, options?.signal)),
        start: (name: string, payload: unknown) => guard(() => start(name, payload, caller)),
        open: (name: string, payload: unknown, options?: { signal?: AbortSignal }) =>
          guard(() => open(name, payload, caller, options?.signal)),
        subscribe: (name: string, listener: (snapshot: unknown) => void) => subscribe(name, listener),
      }) as unknown as DeskClient,
    settled: async () => void (await Promise.all(closing)),
  };
}
