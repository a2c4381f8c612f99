import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Terminal } from '@xterm/xterm';
import type { StreamItem, StreamUp } from '../../../src-main/contract/index.ts';
import type { Translate } from '../../app/texts.ts';
import type { Client, OpenStream } from '../../bridge/client.ts';
import { saveText } from '../../components/save-text.ts';
import { confine } from './confine.ts';
import { type ConsoleKey, isOfTheWindow, keyOf } from './keys.ts';
import {
  commonPrefix,
  complete,
  edit,
  emptyLine,
  type LineState,
  searchHit,
  splitRedirect,
} from './line-editor.ts';
import { replyText, tableOf } from './reply-text.ts';
import { terminalTheme } from './terminal-theme.ts';

type Item = StreamItem<'session.console'>;
type Opened = Extract<Item, { kind: 'opened' }>;
type Reply = Extract<Item, { kind: 'reply' }>['reply'];

export interface ResultTable {
  line: string;
  rows: string[][];
}

export interface ConsoleView {
  state: 'connecting' | 'connected' | 'reconnecting' | 'closed';
  user: string;
  lastTable?: ResultTable;
  /** Lines of a paste that waits for a decision. */
  paste?: string[];
}

type Mode =
  | { kind: 'connecting' }
  | { kind: 'closed' }
  | { kind: 'prompt' }
  | { kind: 'confirm'; line: string; wanted: string; redirect?: Redirect }
  | { kind: 'running'; line: string; redirect?: Redirect };
interface Redirect {
  file: string;
  append: boolean;
}

/** A paste larger than this is refused: it is no command. */
const mostPasted = 256 * 1024;
/** Milliseconds that typing waits for a completion. */
const completionPatience = 1000;
/** Lines of a long answer that are handed to the terminal at a time. */
const linesPerPiece = 500;
/** Empties the screen and the scrollback, in order with what is written. */
const wipe = '\x1b[2J\x1b[3J\x1b[H';
const promptText = '> ';

/** One console tab: a terminal, its line editor, and the admin session behind it. Lives on while its page is not shown. */
export class ConsoleSession {
  readonly id: string;
  readonly kit: string;
  readonly terminal: Terminal;
  readonly search = new SearchAddon();
  private readonly fit = new FitAddon();
  private readonly client: Client;
  private readonly t: Translate;
  private readonly onChange: () => void;
  private stream: OpenStream<StreamUp<'session.console'>> | undefined;
  private opened: Opened | undefined;
  private mode: Mode = { kind: 'connecting' };
  private history: string[] = [];
  private line: LineState = emptyLine([]);
  private queue: string[] = [];
  private appended = new Map<string, string>();
  /** Row of the cursor within the drawn line, for redrawing it in place. */
  private cursorRow = 0;
  private lastTab = '';
  /** Keys that came while a completion was asked for; they follow its answer, as in a shell. */
  private held: ConsoleKey[] | undefined;
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
    this.terminal = new Terminal({
      fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
      fontSize: 13,
      scrollback: 20_000,
      cursorBlink: false,
      convertEol: true,
      minimumContrastRatio: 4.5,
      screenReaderMode: true,
      // Nothing the server sends may become a link.
      linkHandler: { activate: () => undefined, allowNonHttpProtocols: false },
      theme: terminalTheme(),
    });
    this.terminal.loadAddon(this.fit);
    this.terminal.loadAddon(this.search);
    this.terminal.attachCustomKeyEventHandler((event) => {
      const copies = event.ctrlKey && event.key === 'c' && this.terminal.hasSelection();
      // The selection goes once it is copied, so that the next Ctrl+C interrupts again.
      if (copies) setTimeout(() => this.terminal.clearSelection());
      return !copies && !isOfTheWindow(event);
    });
    this.terminal.onData((data) => this.onData(data));
    this.terminal.onResize(() => this.mode.kind === 'prompt' && this.draw());
    this.connect();
  }

  /** Shows the terminal in an element; call `detach` before the element goes. */
  attach(element: HTMLElement): void {
    if (this.terminal.element) element.append(this.terminal.element);
    else this.begin(element);
    this.terminal.options.theme = terminalTheme();
    this.resize();
    this.terminal.focus();
  }

  private begin(element: HTMLElement): void {
    this.terminal.open(element);
    // Before xterm and the browser have it: a few megabytes put into the terminal's text field stop a page for seconds.
    this.terminal.element?.addEventListener('paste', (event) => this.onPasteEvent(event), true);
  }

  resize(): void {
    if (this.terminal.element?.parentElement?.clientHeight) this.fit.fit();
  }

  close(): void {
    this.stream?.close();
    this.terminal.dispose();
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
    this.terminal.focus();
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
    this.print(this.t('console.connecting', { user: this.view.user }));
    this.stream = this.client.open(
      'session.console',
      { kit: this.kit },
      {
        onItem: (item) => this.onItem(item),
        onEnd: (result) => {
          this.stream = undefined;
          if (!result.ok && this.mode.kind === 'connecting') {
            this.print(this.t('console.failed', { message: confine(result.error.message) }), '31');
            if (result.error.hint) this.print(confine(result.error.hint));
            this.print(this.t('console.pressEnter'));
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
        if (this.history.length === 0) this.history = item.history;
        this.change({ state: 'connected' });
        this.print(
          this.t('console.opened', {
            user: item.user,
            role: item.role,
            org: item.org,
            version: item.version,
          }),
        );
        return this.showPrompt();
      case 'reply':
        return this.isAbandoned() ? undefined : this.onReply(item.reply);
      case 'refused':
        if (this.isAbandoned()) return undefined;
        this.print(confine(item.message), '31');
        if (item.hint) this.print(confine(item.hint));
        return this.next();
      case 'progress':
        if (this.mode.kind !== 'running' || this.abandoned > 0) return undefined;
        return this.write(
          `\r\x1b[K${this.t('console.progress', { done: item.done, total: item.total ?? '?' })}`,
        );
      case 'confirm': {
        if (this.isAbandoned()) return undefined;
        // What was typed before the question was asked is no answer to it.
        this.ahead = [];
        const redirect = this.mode.kind === 'running' ? this.mode.redirect : undefined;
        const wanted = item.how === 'auth' ? (this.opened?.user ?? '') : 'yes';
        this.mode = { kind: 'confirm', line: item.line, wanted, ...(redirect ? { redirect } : {}) };
        this.line = emptyLine([], this.line.cut);
        return this.draw();
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
      const text = replyText(reply, 10_000).join('\n').concat('\n');
      const whole = redirect.append ? (this.appended.get(redirect.file) ?? '') + text : text;
      this.appended.set(redirect.file, whole);
      saveText(redirect.file, whole);
      this.print(this.t('console.savedTo', { name: redirect.file }));
      return this.next();
    }
    const lines = replyText(reply, this.terminal.cols);
    const failed = reply.ok
      ? ''
      : `\x1b[31m${this.t('console.failedReply', { status: confine(reply.status) })}\x1b[0m\n`;
    // In pieces, so that the terminal draws and takes keys while a long answer runs through.
    void this.write('\r\x1b[K');
    for (let index = 0; index < lines.length; index += linesPerPiece) {
      void this.write(`${lines.slice(index, index + linesPerPiece).join('\n')}\n`);
    }
    const drawn = this.write(failed);
    this.next();
    return drawn;
  }

  /** Runs what waits, or shows the prompt. */
  private next(): void {
    const line = this.queue.shift();
    if (line === undefined) return this.showPrompt();
    this.print(`${promptText}${line}`);
    this.run(line);
  }

  private onData(data: string): void {
    const key = keyOf(data);
    if (key) this.onKey(key);
  }

  private onPasteEvent(event: ClipboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    this.onPaste(event.clipboardData?.getData('text/plain') ?? '');
  }

  private onPaste(data: string): void {
    if (data.length > mostPasted) {
      const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1024)} KiB`;
      return this.notice(
        this.t('console.pasteTooLong', { size: kilobytes(data.length), most: kilobytes(mostPasted) }),
      );
    }
    const lines = data
      .split(/\r\n|\r|\n/)
      .map((line) => confine(line).trimEnd())
      .filter((line) => line !== '');
    if (this.mode.kind === 'running') return this.notice(this.t('console.stillRunning'));
    if (lines.length > 1 && this.mode.kind === 'prompt') this.change({ paste: lines });
    else if (lines[0] !== undefined) this.type({ type: 'insert', text: lines[0] });
  }

  private onKey(key: ConsoleKey): void {
    if (this.held && key.type !== 'interrupt') {
      this.held.push(key);
      return;
    }
    this.held = undefined;
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
        this.print(this.t('console.interrupted'));
        this.showPrompt();
      } else this.ahead.push(key);
      return;
    }
    switch (key.type) {
      case 'enter':
        return this.onEnter();
      case 'interrupt':
        void this.write('^C\n');
        return this.showPrompt();
      case 'end-of-input':
        if (this.line.text === '') this.stream?.send({ kind: 'finish' });
        else this.type({ type: 'delete' });
        return;
      case 'complete':
        return this.completeHeld();
      case 'clear':
        void this.write(wipe);
        this.cursorRow = 0;
        return this.draw();
      default:
        return this.type(key);
    }
  }

  private type(key: Parameters<typeof edit>[1]): void {
    if (this.mode.kind !== 'prompt' && this.mode.kind !== 'confirm') return;
    this.line = edit(this.line, key, this.mode.kind === 'prompt' ? this.history : []);
    this.draw();
  }

  private onEnter(): void {
    if (this.line.search) this.line = edit(this.line, { type: 'end' }, this.history);
    this.draw();
    void this.write('\n');
    this.cursorRow = 0;
    const text = this.line.text.trim();
    if (this.mode.kind === 'confirm') {
      const { line, wanted, redirect } = this.mode;
      this.line = emptyLine(this.history, this.line.cut);
      if (text.toLowerCase() !== wanted.toLowerCase()) {
        this.print(this.t('console.notConfirmed'));
        return this.next();
      }
      return this.send(line, redirect, true);
    }
    if (text === '') return this.showPrompt();
    if (this.history.at(-1) !== text) this.history.push(text);
    this.line = emptyLine(this.history, this.line.cut);
    this.run(text);
  }

  private run(text: string): void {
    const { command, file, append } = splitRedirect(text);
    const redirect = file === undefined ? undefined : { file, append };
    const name = command.split(/\s+/)[0] ?? '';
    if (name === '?' || name === 'help') return this.help(command.split(/\s+/)[1]);
    if (name === 'clear') {
      void this.write(wipe);
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
    const commands = (this.opened?.commands ?? []).filter((item) => name === undefined || item.name === name);
    if (commands.length === 0) this.print(this.t('console.unknownCommand', { name: name ?? '' }), '31');
    else if (name !== undefined) {
      for (const item of commands) this.print(`${item.usage || item.name}\n  ${confine(item.description)}`);
    } else {
      this.print(this.t('console.help.commands'), '1');
      const width = Math.max(...commands.map((item) => item.name.length));
      for (const item of commands) {
        this.print(`  ${item.name.padEnd(width)}  ${confine(item.description)}`.slice(0, this.terminal.cols));
      }
      this.print(this.t('console.help.local'));
    }
    this.next();
  }

  /** A server that takes long does not hold up the typing: its answer then comes too late and is dropped. */
  private completeHeld(): void {
    const held: ConsoleKey[] = [];
    const release = (): void => {
      if (this.held !== held) return;
      this.held = undefined;
      for (const key of held) this.onKey(key);
    };
    this.held = held;
    const patience = setTimeout(release, completionPatience);
    void this.completeLine().finally(() => {
      clearTimeout(patience);
      release();
    });
  }

  private async completeLine(): Promise<void> {
    if (this.mode.kind !== 'prompt') return;
    const before = this.line;
    const answer = await this.client.call('session.complete', {
      kit: this.kit,
      line: before.text,
      cursor: before.cursor,
    });
    if (!answer.ok || this.line !== before) return;
    const { from, candidates } = answer.value;
    const prefix = commonPrefix(candidates.map((item) => item.text));
    const only = candidates.length === 1;
    if (candidates.length > 0 && (prefix.length > before.cursor - from || only)) {
      const ends =
        only && candidates[0]?.kind !== 'file' && candidates[0]?.kind !== 'folder' ? `${prefix} ` : prefix;
      this.line = complete(before, from, ends);
      this.draw();
      return;
    }
    if (candidates.length > 1 && this.lastTab === `${before.text}@${before.cursor}`) {
      void this.write('\n');
      this.cursorRow = 0;
      const width = Math.max(...candidates.map((item) => item.text.length)) + 2;
      const perLine = Math.max(1, Math.floor(this.terminal.cols / width));
      const shown = candidates.slice(0, 200).map((item) => confine(item.text));
      for (let index = 0; index < shown.length; index += perLine) {
        this.print(
          shown
            .slice(index, index + perLine)
            .map((text) => text.padEnd(width))
            .join('')
            .trimEnd(),
        );
      }
      this.draw();
    }
    this.lastTab = `${before.text}@${before.cursor}`;
  }

  private showPrompt(): void {
    this.mode = { kind: 'prompt' };
    this.line = emptyLine(this.history, this.line.cut);
    this.cursorRow = 0;
    this.draw();
    for (const key of this.ahead.splice(0)) this.onKey(key);
  }

  /** Draws the line in place: up to its first row, clear below, print, put the cursor where it belongs. */
  private draw(): void {
    const hit = searchHit(this.line, this.history);
    const prompt = this.line.search
      ? `${this.t('console.searchPrompt')}${this.line.search.query} | `
      : this.mode.kind === 'confirm'
        ? this.mode.wanted === 'yes'
          ? this.t('console.confirmYes')
          : this.t('console.confirmUser', { user: this.mode.wanted })
        : promptText;
    const text = this.line.search ? (hit ?? '') : this.line.text;
    const cursor = this.line.search ? text.length : this.line.cursor;
    const columns = this.terminal.cols;
    const end = prompt.length + text.length;
    const at = prompt.length + cursor;
    const up = this.cursorRow > 0 ? `\x1b[${this.cursorRow}A` : '';
    const endRow = Math.floor(end / columns);
    const atRow = Math.floor(at / columns);
    const back = endRow > atRow ? `\x1b[${endRow - atRow}A` : '';
    // A line that ends at the last column leaves the cursor pending there: a space moves it on.
    const settle = end % columns === 0 && end > 0 ? ' \r' : '\r';
    const column = at % columns;
    this.cursorRow = atRow;
    void this.write(`${up}\r\x1b[J${prompt}${text}${settle}${back}${column > 0 ? `\x1b[${column}C` : ''}`);
  }

  /** A line of our own between what is drawn: above the prompt when one is shown. */
  private notice(text: string): void {
    const prompting = this.mode.kind === 'prompt' || this.mode.kind === 'confirm';
    if (prompting) {
      const up = this.cursorRow > 0 ? `\x1b[${this.cursorRow}A` : '';
      void this.write(`${up}\r\x1b[J`);
      this.cursorRow = 0;
    }
    this.print(text, '33');
    if (prompting) this.draw();
  }

  private print(text: string, style?: string): void {
    void this.write(style ? `\x1b[${style}m${text}\x1b[0m\n` : `${text}\n`);
  }

  /** Resolves when the terminal has drawn it: the flow of replies waits for that. */
  private write(text: string): Promise<void> {
    return new Promise((resolve) => this.terminal.write(text, resolve));
  }
}
