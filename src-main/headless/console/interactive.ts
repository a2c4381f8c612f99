/** The console at a terminal: a line editor with history and completion around the stream `session.console`. */
import { createInterface, type Interface } from 'node:readline';
import type { OpenStream, StreamItem } from '../../contract/index.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { renderError } from '../printer.ts';
import { table } from '../table.ts';
import { complete, namesIn, type Opened } from './complete.ts';
import { renderReply } from './render-reply.ts';

type Item = StreamItem<'session.console'>;
type Stream = OpenStream<'session.console'>;

const endWords: Record<string, string> = {
  logout: 'Logged out after a long time without a command.',
  expired: 'The certificate of this admin has ended.',
  server_down: 'The server shut down.',
  lost: 'The connection was lost for too long.',
  server_changed: 'Another server answered: the session was closed.',
};

function help(opened: Opened, word: string | undefined): string {
  const fitting = opened.commands.filter(({ name }) => word === undefined || name.startsWith(word));
  if (word !== undefined && fitting.length === 1 && fitting[0]) {
    return confine(`${fitting[0].description}\nusage: ${fitting[0].usage}\n`);
  }
  const rows = fitting.map(({ name, description }) => [name, description]);
  const own = word === undefined ? [['bye', 'log out and leave (also Ctrl-D)']] : [];
  return rows.length + own.length > 0
    ? table([...rows, ...own])
    : confine(`No command begins with ${word}.\n`);
}

class InteractiveConsole {
  readonly #desk: Desk;
  readonly #stream: Stream;
  readonly #opened: Opened;
  readonly #seen = new Set<string>();
  readonly #lines: Interface;
  #waiting = false;

  constructor(desk: Desk, stream: Stream, opened: Opened) {
    this.#desk = desk;
    this.#stream = stream;
    this.#opened = opened;
    const { stdin, stdout } = desk.terminal;
    this.#lines = createInterface({
      input: stdin,
      output: stdout,
      terminal: true,
      history: [...opened.history].reverse(),
      historySize: 1000,
      removeHistoryDuplicates: true,
      prompt: '> ',
      completer: (line: string) => complete(line, opened, this.#seen),
    });
    this.#lines.on('line', (line) => this.#take(line));
    this.#lines.on('SIGINT', () => this.#interrupt());
    this.#lines.on('close', () => void this.#stream.send({ kind: 'finish' }));
  }

  begin(): void {
    const { user, role, version } = this.#opened;
    this.#print(confine(`${user}, ${role}, FLARE ${version}. help lists the commands.\n`));
    this.#lines.prompt();
  }

  #print(text: string): void {
    this.#desk.terminal.stdout.write(text);
  }

  #interrupt(): void {
    if (this.#waiting) {
      this.#stream.send({ kind: 'interrupt' });
      return;
    }
    this.#print('\n');
    this.#lines.prompt();
  }

  #take(typed: string): void {
    const line = typed.trim();
    const [word, argument] = line.split(/\s+/);
    if (line === '') this.#lines.prompt();
    else if (word === 'bye' || word === 'exit') this.#lines.close();
    else if (word === '?' || word === 'help') {
      this.#print(help(this.#opened, argument));
      this.#lines.prompt();
    } else {
      this.#waiting = true;
      this.#report(this.#stream.send({ kind: 'line', line }));
    }
  }

  #report(answer: ReturnType<Stream['send']>): void {
    if (answer.ok) return;
    this.#waiting = false;
    this.#print(renderError(answer.error, this.#desk.terminal));
    this.#lines.prompt();
  }

  #confirm(item: Extract<Item, { kind: 'confirm' }>): void {
    const wanted = item.how === 'auth' ? this.#opened.user : undefined;
    const question =
      wanted === undefined ? 'Are you sure? [y/N] ' : `Type your user name (${wanted}) to go on: `;
    this.#lines.question(confine(question), (typed) => {
      const yes = wanted === undefined ? /^y(es)?$/i.test(typed.trim()) : typed.trim() === wanted;
      if (yes) return this.#report(this.#stream.send({ kind: 'line', line: item.line, confirmed: true }));
      this.#waiting = false;
      this.#print('Not done.\n');
      this.#lines.prompt();
    });
  }

  /** Shows one item of the stream. */
  show(item: Item): void {
    switch (item.kind) {
      case 'reply':
        for (const name of namesIn(item.reply.meta)) this.#seen.add(name);
        this.#print(renderReply(item.reply));
        break;
      case 'refused':
        this.#print(
          renderError({ ...item, code: item.code as never, retryable: false }, this.#desk.terminal),
        );
        break;
      case 'confirm':
        return this.#confirm(item);
      case 'state':
        this.#desk.printer.note(`\n[${item.state}]`);
        break;
      case 'ended':
        this.#desk.printer.note(`\n${endWords[item.reason] ?? item.reason}`);
        this.#lines.close();
        return;
      case 'progress':
      case 'opened':
        return;
    }
    if (item.kind !== 'state') this.#waiting = false;
    if (!this.#waiting) this.#lines.prompt();
  }

  close(): void {
    this.#lines.close();
  }
}

/** Runs until the person leaves or the session ends. */
export async function interact(desk: Desk, stream: Stream): Promise<void> {
  let console: InteractiveConsole | undefined;
  try {
    for await (const item of stream.items) {
      if (item.kind === 'opened') {
        console = new InteractiveConsole(desk, stream, item);
        console.begin();
      } else console?.show(item);
    }
  } finally {
    console?.close();
  }
}
