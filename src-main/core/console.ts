/** The console stream: one admin session, lines up, replies down, in order. */
import { createHash } from 'node:crypto';
import type { StreamItem } from '../contract/index.ts';
import type { Caller, ReportProgress } from '../ports.ts';
import type { AdminKit, AdminSession } from '../services/flare/index.ts';
import { appCommandOf, commandOf, wordsOf } from './console-line.ts';
import { replyOf } from './console-reply.ts';
import { runTransfer } from './console-transfer.ts';
import type { StreamContext, StreamHandlers } from './context.ts';
import { describeError } from './errors.ts';
import { openFor } from './with-session.ts';

type Context = StreamContext<'session.console'>;
type Item = StreamItem<'session.console'>;

/** History lines handed to a new console. */
const recalledLines = 500;

/** One history per project, whatever its kit's folder is. */
const historyKey = (kit: AdminKit): string =>
  createHash('sha256').update(`${kit.projectName}\n${kit.serverIdentity}`).digest('hex').slice(0, 32);

interface Console {
  readonly caller: Caller;
  readonly session: AdminSession;
  readonly kit: AdminKit;
  readonly siteTimeoutMs: number | undefined;
  readonly progress: (line: string) => ReportProgress;
}

/** Runs one line. Upload and download commands move files with the jobs service, all others go to the server. */
async function runLine(line: string, console: Console, signal: AbortSignal): Promise<Item> {
  const { session, kit, caller, siteTimeoutMs, progress } = console;
  const [name = '', ...words] = wordsOf(line);
  const command = commandOf(name, session.commands);
  const transfer =
    command && runTransfer({ line, command, words, session, kit, caller, signal, report: progress(line) });
  if (transfer) return transfer;
  const { text, data } = appCommandOf(line, command);
  const reply = await session.execute(text, {
    ...(siteTimeoutMs === undefined ? {} : { siteTimeoutMs }),
    ...(data === undefined ? {} : { commandProps: data }),
    signal,
  });
  return replyOf({ ...reply, line });
}

async function openConsole(input: { kit: string; study?: string | undefined }, context: Context) {
  const { kit, session } = await openFor(input, context);
  const { core } = context;
  const history = (async () => (await core.store()).history)();
  // History is a comfort: a console works without it.
  const recalled = await history
    .then((repository) => repository.newest(historyKey(kit), recalledLines))
    .catch((error: unknown) => {
      core.logger.warn('The console history could not be read.', { error });
      return [] as string[];
    });
  const remember = async (line: string): Promise<void> => {
    const { redactText } = await import('../services/logging/index.ts');
    await (await history).add(historyKey(kit), redactText(line), new Date(core.clock.now()).toISOString());
  };
  return { kit, session, recalled, remember };
}

export const handlers: Pick<StreamHandlers, 'session.console'> = {
  'session.console': async (input, context) => {
    const { core, signal, send, received, caller } = context;
    const { kit, session, recalled, remember } = await openConsole(input, context);
    const running = new Set<AbortController>();
    const console: Console = {
      caller,
      session,
      kit,
      siteTimeoutMs: input.site_timeout === undefined ? undefined : input.site_timeout * 1000,
      progress:
        (line) =>
        ({ done, total }) => {
          if (done !== undefined)
            void send({ kind: 'progress', line, done, ...(total === undefined ? {} : { total }) });
        },
    };
    const record = async (line: string, outcome: string): Promise<void> => {
      await remember(line);
      const trail = await core.audit();
      await trail.append({
        actor: caller.name,
        action: 'session.console',
        target: input.kit,
        outcome,
        detail: { line },
      });
    };
    const answer = async (line: string, confirmed: boolean): Promise<void> => {
      const command = commandOf(wordsOf(line)[0] ?? '', session.commands);
      if (command && command.confirm !== 'none' && !confirmed) {
        return send({ kind: 'confirm', line, how: command.confirm });
      }
      const stop = new AbortController();
      running.add(stop);
      let outcome = 'done';
      try {
        const item = await runLine(line, console, AbortSignal.any([stop.signal, signal]));
        if (item.kind === 'reply' && !item.reply.ok) outcome = item.reply.status;
        await send(item);
      } catch (error) {
        const { code, message, hint } = describeError(error, core.logger);
        outcome = code;
        await send({ kind: 'refused', line, code, message, ...(hint === undefined ? {} : { hint }) });
      } finally {
        running.delete(stop);
        await record(line, outcome).catch((error: unknown) =>
          core.logger.error('A console line could not be recorded.', { error }),
        );
      }
    };

    try {
      const stopListening = session.onState((state) => void send({ kind: 'state', state }));
      const { user, org, role, study } = session.identity;
      await send({
        kind: 'opened',
        user,
        org,
        role,
        ...(study === undefined ? {} : { study }),
        project: kit.projectName,
        version: session.serverVersion,
        commands: session.commands
          .filter((command) => command.visible)
          .map(({ scope, name, description, usage, confirm, clientCommand }) => ({
            scope,
            name,
            description,
            usage,
            confirm,
            ...(clientCommand === undefined ? {} : { client_command: clientCommand }),
          })),
        history: recalled,
      });
      let turn: Promise<void> = Promise.resolve();
      const ups = (async () => {
        for await (const up of received) {
          if (up.kind === 'finish') break;
          if (up.kind === 'interrupt') for (const stop of running) stop.abort();
          else turn = turn.then(() => answer(up.line, up.confirmed === true));
        }
        await turn;
      })();
      const end = await Promise.race([session.ended, ups.then(() => undefined)]);
      stopListening();
      if (end !== undefined) {
        await turn;
        await send({ kind: 'ended', reason: end });
      }
    } finally {
      await session.close();
    }
  },
};
