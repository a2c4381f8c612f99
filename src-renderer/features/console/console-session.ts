import type { StreamItem, StreamUp } from '../../../src-main/contract/index.ts';
import type { Translate } from '../../app/texts.ts';
import type { Client, OpenStream } from '../../bridge/client.ts';
import { confine } from './confine.ts';
import type { ConsoleView } from './console-view.ts';
import { HeldKeys } from './held-keys.ts';
import { helpText } from './help-text.ts';
import { type ConsoleKey, keyOf } from './keys.ts';
import { InputLine } from './input-line.ts';
import { type EditKey, splitRedirect } from './line-editor.ts';
import { pastedLines } from './pasted-lines.ts';
import { replyText, tableOf } from './reply-text.ts';
import { type Redirect, ResultFiles } from './result-files.ts';
import { TerminalScreen } from './terminal-screen.ts';

type Item = StreamItem<'session.console'>;
type Opened = Extract<Item, { kind: 'opened' }>;
type Reply = Extract<Item, { kind: 'reply' }>['reply'];

type Mode =
  | { kind: 'connecting' }
  | { kind: 'closed' }
  | { kind: 'prompt' }
  | { kind: 'confirm'; line: string; wanted: string; redirect?: Redirect }
  | { kind: 'running'; line: string; redirect?: Redirect };

/** Milliseconds that typing waits for a completion. */
const completionPatience = 1000;
const promptText = '> ';

/** One console tab: a terminal, its line editor, and the admin session behind it. Lives on while its page is not shown. */
export class ConsoleSession {
  readonly id: string;
  readonly kit: string;
  readonly screen: TerminalScreen;
  private readonly client: Client;
  private readonly t: Translate;
  private readonly onChange: () => void;
  private stream: OpenStream<StreamUp<'session.console'>> | undefined;
  private opened: Opened | undefined;
  private mode: Mode = { kind: 'connecting' };
  private readonly input: InputLine;
  private readonly files = new ResultFiles();
  /** Lines of a paste that are run one after the other. */
  private queue: string[] = [];
  private readonly held = new HeldKeys();
  /** Keys typed while a command runs; they follow at the next prompt. */
  private ahead: ConsoleKey[] = [];
  /** Answers still to come of lines that nobody waits for any more. */
  private abandoned = 0;
  view: ConsoleView;

  constructor(options: {
    id: string;
    kit: string;
    user: string;
    client: Client;
    t: Translate;
    onChange: () => void;
  }) {
    this.id = options.id;
    this.kit = options.kit;
    this.client = options.client;
    this.t = options.t;
    this.onChange = options.onChange;
    this.view = { state: 'connecting', user: options.user };
    this.screen = new TerminalScreen({
      onData: (data) => this.onData(data),
      onPaste: (text) => this.onPaste(text),
      onResize: () => this.mode.kind === 'prompt' && this.input.draw(),
    });
    this.input = new InputLine(this.screen, options.t);
    this.connect();
  }

  close(): void {
    this.stream?.close();
    this.screen.terminal.dispose();
  }

  /** Decides about a paste of several lines. */
  decidePaste(what: 'run' | 'first' | 'drop'): void {
    const lines = this.view.paste ?? [];
    this.change({ paste: undefined });
    if (what === 'first') this.type({ type: 'insert', text: lines[0] ?? '' });
    if (what === 'run' && this.mode.kind === 'prompt') {
      this.queue.push(...lines);
      this.next();
    }
    this.screen.terminal.focus();
  }

  private change(part: { [K in keyof ConsoleView]?: ConsoleView[K] | undefined }): void {
    this.view = { ...this.view, ...part };
    this.onChange();
  }

  private connect(): void {
    this.mode = { kind: 'connecting' };
    this.abandoned = 0;
    this.ahead = [];
    this.change({ state: 'connecting' });
    this.screen.print(this.t('console.connecting', { user: this.view.user }));
    this.stream = this.client.open(
      'session.console',
      { kit: this.kit },
      {
        onItem: (item) => this.onItem(item),
        onEnd: (result) => {
          this.stream = undefined;
          if (!result.ok && this.mode.kind === 'connecting') {
            this.screen.print(this.t('console.failed', { message: confine(result.error.message) }), '31');
            if (result.error.hint) this.screen.print(confine(result.error.hint));
            this.screen.print(this.t('console.pressEnter'));
          }
          this.mode = { kind: 'closed' };
          this.queue = [];
          this.change({ state: 'closed' });
        },
      },
    );
  }

  private onItem(item: Item): void | Promise<void> {
    switch (item.kind) {
      case 'opened':
        this.opened = item;
        this.input.recall(item.history);
        this.change({ state: 'connected' });
        this.screen.print(
          this.t('console.opened', {
            user: confine(item.user),
            role: confine(item.role),
            org: confine(item.org),
            version: confine(item.version),
          }),
        );
        return this.showPrompt();
      case 'reply':
        return this.isAbandoned() ? undefined : this.onReply(item.reply);
      case 'refused':
        if (this.isAbandoned()) return undefined;
        this.screen.print(confine(item.message), '31');
        if (item.hint) this.screen.print(confine(item.hint));
        return this.next();
      case 'progress':
        if (this.mode.kind !== 'running' || this.abandoned > 0) return undefined;
        return this.screen.write(
          `\r\x1b[K${this.t('console.progress', { done: item.done, total: item.total ?? '?' })}`,
        );
      case 'confirm': {
        if (this.isAbandoned()) return undefined;
        // What was typed before the question was asked is no answer to it.
        this.ahead = [];
        const redirect = this.mode.kind === 'running' ? this.mode.redirect : undefined;
        const wanted = item.how === 'auth' ? (this.opened?.user ?? '') : 'yes';
        this.mode = { kind: 'confirm', line: item.line, wanted, ...(redirect ? { redirect } : {}) };
        return this.input.begin(
          wanted === 'yes'
            ? this.t('console.confirmYes')
            : this.t('console.confirmUser', { user: confine(wanted) }),
          false,
        );
      }
      case 'state':
        if (item.state === 'reconnecting') {
          this.change({ state: 'reconnecting' });
          this.notice(this.t('console.reconnecting'));
        } else if (item.state === 'connected' && this.view.state === 'reconnecting') {
          this.change({ state: 'connected' });
          this.notice(this.t('console.reconnected'));
        }
        return undefined;
      case 'ended':
        this.notice(this.t('console.ended', { reason: item.reason }));
        this.mode = { kind: 'closed' };
        this.change({ state: 'closed' });
        return undefined;
    }
  }

  /** Each line has one answer, in order: the first to come belong to the lines that were given up. */
  private isAbandoned(): boolean {
    if (this.abandoned === 0) return false;
    this.abandoned -= 1;
    return true;
  }

  private onReply(reply: Reply): void | Promise<void> {
    const redirect = this.mode.kind === 'running' ? this.mode.redirect : undefined;
    const table = tableOf(reply);
    if (table) this.change({ lastTable: { line: reply.line, rows: table } });
    if (redirect) {
      this.files.save(redirect, replyText(reply, 10_000));
      this.screen.print(this.t('console.savedTo', { name: redirect.file }));
      return this.next();
    }
    this.screen.printLong(replyText(reply, this.screen.columns));
    const drawn = this.screen.write(
      reply.ok ? '' : `\x1b[31m${this.t('console.failedReply', { status: confine(reply.status) })}\x1b[0m\n`,
    );
    this.next();
    return drawn;
  }

  /** Runs what waits, or shows the prompt. */
  private next(): void {
    const line = this.queue.shift();
    if (line === undefined) return this.showPrompt();
    this.screen.print(`${promptText}${line}`);
    this.run(line);
  }

  private onData(data: string): void {
    const key = keyOf(data);
    if (key) this.onKey(key);
  }

  private onPaste(data: string): void {
    const pasted = pastedLines(data);
    if (pasted.kind === 'too-long') {
      return this.notice(this.t('console.pasteTooLong', { size: pasted.size, most: pasted.most }));
    }
    const { lines } = pasted;
    if (this.mode.kind === 'running') return this.notice(this.t('console.stillRunning'));
    if (lines.length > 1 && this.mode.kind === 'prompt') this.change({ paste: lines });
    else if (lines[0] !== undefined) this.type({ type: 'insert', text: lines[0] });
  }

  private onKey(key: ConsoleKey): void {
    if (this.held.take(key)) return;
    if (this.mode.kind === 'closed') {
      if (key.type === 'enter') this.connect();
      return;
    }
    if (this.mode.kind === 'connecting') return;
    if (this.mode.kind === 'running') {
      if (key.type === 'interrupt') {
        this.stream?.send({ kind: 'interrupt' });
        this.abandoned += 1;
        this.queue = [];
        this.ahead = [];
        this.screen.print(this.t('console.interrupted'));
        this.showPrompt();
      } else this.ahead.push(key);
      return;
    }
    switch (key.type) {
      case 'enter':
        return this.onEnter();
      case 'interrupt':
        void this.screen.write('^C\n');
        this.queue = [];
        return this.showPrompt();
      case 'end-of-input':
        if (this.input.isEmpty) this.stream?.send({ kind: 'finish' });
        else this.type({ type: 'delete' });
        return;
      case 'complete':
        return this.completeHeld();
      case 'clear':
        this.screen.wipe();
        return this.input.draw();
      default:
        return this.type(key);
    }
  }

  private type(key: EditKey): void {
    if (this.mode.kind === 'prompt' || this.mode.kind === 'confirm') this.input.type(key);
  }

  private onEnter(): void {
    const text = this.input.take();
    if (this.mode.kind === 'confirm') {
      const { line, wanted, redirect } = this.mode;
      if (text.toLowerCase() !== wanted.toLowerCase()) {
        this.screen.print(this.t('console.notConfirmed'));
        return this.next();
      }
      return this.send(line, redirect, true);
    }
    if (text === '') return this.showPrompt();
    this.input.remember(text);
    this.run(text);
  }

  private run(text: string): void {
    const { command, file, append } = splitRedirect(text);
    const redirect = file === undefined ? undefined : { file, append };
    const name = command.split(/\s+/)[0] ?? '';
    if (name === '?' || name === 'help') return this.help(command.split(/\s+/)[1]);
    if (name === 'clear') {
      this.screen.wipe();
      return this.next();
    }
    if (name === 'bye') return this.stream?.send({ kind: 'finish' });
    this.send(command, redirect, false);
  }

  private send(line: string, redirect: Redirect | undefined, confirmed: boolean): void {
    this.mode = { kind: 'running', line, ...(redirect ? { redirect } : {}) };
    this.stream?.send({ kind: 'line', line, ...(confirmed ? { confirmed } : {}) });
  }

  private help(name: string | undefined): void {
    const lines = helpText(this.opened?.commands ?? [], name, this.screen.columns, this.t);
    for (const { text, style } of lines) this.screen.print(text, style);
    this.next();
  }

  /** A server that takes long does not hold up the typing: its answer then comes too late and is dropped. */
  private completeHeld(): void {
    this.held.during(
      () => this.input.complete(this.client, this.kit),
      completionPatience,
      (key) => this.onKey(key),
    );
  }

  private showPrompt(): void {
    this.mode = { kind: 'prompt' };
    this.screen.leaveLine();
    this.input.begin(promptText, true);
    for (const key of this.ahead.splice(0)) this.onKey(key);
  }

  /** A line of our own between what is drawn: above the prompt when one is shown. */
  private notice(text: string): void {
    const prompting = this.mode.kind === 'prompt' || this.mode.kind === 'confirm';
    if (prompting) this.screen.eraseLine();
    this.screen.print(text, '33');
    if (prompting) this.input.draw();
  }
}
