/** What every command works with: a client of the core, and the ways to run a call or a task to its end. */
import { join, resolve } from 'node:path';
import type { ErrorAnswer } from '../contract/errors.ts';
import type { DeskClient, TaskInput, TaskOutput, Tasks } from '../contract/index.ts';
import type { Envelope } from '../contract/kernel.ts';
import { createCore, type Core } from '../core.ts';
import { stateFolderOf } from '../core/state-folder.ts';
import type { ExitCode } from './exit-codes.ts';
import { createPrinter, type Printer } from './printer.ts';
import { createProgressView, type ProgressView } from './progress.ts';
import { createPrompter } from './prompter.ts';
import type { Terminal } from './terminal.ts';
import { version } from './version.ts';

export interface GlobalOptions {
  json?: boolean;
  passphraseFd?: number;
}

export interface Desk {
  readonly terminal: Terminal;
  readonly printer: Printer;
  readonly client: DeskClient;
  /** Aborts at the first Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** The path a person meant, absolute; `~` is the home folder. Undefined: they named none. */
  place(given: string): string;
  place(given: string | undefined): string | undefined;
  /** Runs a task, progress on standard error, to its end. Ctrl-C cancels it in order. */
  runTask<Name extends keyof Tasks>(name: Name, input: TaskInput<Name>): Promise<Envelope<TaskOutput<Name>>>;
  /** Follows a task that runs in this process to its end, as `runTask` does. */
  followTask<Name extends keyof Tasks>(name: Name, id: string): Promise<Envelope<TaskOutput<Name>>>;
  /** Begins a recorded task again and runs it to its end. */
  retryTask(id: string): Promise<Envelope<unknown>>;
}

function placeOf(terminal: Terminal): Desk['place'] {
  function place(given: string): string;
  function place(given: string | undefined): string | undefined;
  function place(given: string | undefined): string | undefined {
    if (given === undefined) return undefined;
    if (given === '~' || given.startsWith('~/')) return join(terminal.home, given.slice(2));
    return resolve(terminal.currentFolder, given);
  }
  return place;
}

const failed = (error: ErrorAnswer): Envelope<never> => ({ ok: false, error });

async function followTask(client: DeskClient, id: string, view: ProgressView): Promise<Envelope<unknown>> {
  const opened = await client.open('tasks.watch', { id });
  if (!opened.ok) return opened;
  let result: Envelope<unknown> | undefined;
  for await (const event of opened.value.items) {
    view.show(event);
    if (event.kind !== 'task' || event.task.id !== id) continue;
    const { status, error, result: value } = event.task;
    if (status === 'succeeded' || status === 'partly_done') result = { ok: true, value };
    else if (error) result = failed(error);
  }
  const ended = await opened.value.ended;
  if (result) return result;
  if (!ended.ok) return ended;
  return failed({ code: 'interrupted', message: `Task ${id} has no end.`, retryable: true });
}

/** Runs `work` with a desk, and puts everything away after it, whatever happens. */
export async function withDesk(
  terminal: Terminal,
  options: GlobalOptions,
  work: (desk: Desk) => Promise<ExitCode>,
): Promise<ExitCode> {
  const interrupt = new AbortController();
  let view: ProgressView | undefined;
  const agent = terminal.environment['SSH_AUTH_SOCK'];
  const testRoot = terminal.environment['FLAREDESK_TEST_ATTESTATION_ROOT'];
  const core: Core = createCore({
    stateFolder: stateFolderOf(terminal.environment, terminal.home, terminal.currentFolder),
    version,
    environment: {
      home: terminal.home,
      user: terminal.user,
      ...(agent ? { sshAgentSocket: agent } : {}),
      ...(testRoot ? { testAttestationRoot: resolve(terminal.currentFolder, testRoot) } : {}),
    },
    prompter: createPrompter(terminal, {
      ...(options.passphraseFd === undefined ? {} : { passphraseFd: options.passphraseFd }),
      aside: () => view?.end(),
    }),
    checkOutputs: terminal.environment['FLAREDESK_CHECK'] === '1',
  });
  const client = core.clientFor({ name: 'command', placeOf: (given) => given });
  const stopListening = terminal.onInterrupt(() => interrupt.abort());
  const runToEnd = async (started: Envelope<{ id: string }>): Promise<Envelope<unknown>> => {
    if (!started.ok) return started;
    const { id } = started.value;
    const shown = createProgressView(terminal);
    view = shown;
    const cancel = (): void => {
      terminal.stderr.write('Cancelling… (Ctrl-C again to leave at once)\n');
      void client.call('tasks.cancel', { id });
    };
    if (interrupt.signal.aborted) cancel();
    else interrupt.signal.addEventListener('abort', cancel, { once: true });
    try {
      return await followTask(client, id, shown);
    } finally {
      interrupt.signal.removeEventListener('abort', cancel);
      shown.end();
    }
  };
  try {
    return await work({
      terminal,
      printer: createPrinter(terminal, options.json === true),
      client,
      interrupted: interrupt.signal,
      place: placeOf(terminal),
      runTask: async (name, input) =>
        (await runToEnd(await client.start(name, input))) as Envelope<TaskOutput<typeof name>>,
      followTask: async (name, id) =>
        (await runToEnd({ ok: true, value: { id } })) as Envelope<TaskOutput<typeof name>>,
      retryTask: async (id) => runToEnd(await client.call('tasks.retry', { id })),
    });
  } finally {
    stopListening();
    await core.dispose();
  }
}
