import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Terminal } from '@xterm/xterm';
import { isOfTheWindow } from './keys.ts';
import { terminalTheme } from './terminal-theme.ts';

/** Empties the screen and the scrollback, in order with what is written. */
const wipe = '\x1b[2J\x1b[3J\x1b[H';
/** Lines of a long text that are handed to the terminal at a time. */
const linesPerPiece = 500;

export interface ScreenEvents {
  /** What a key, or a few at once, sent. */
  onData(data: string): void;
  onPaste(text: string): void;
  onResize(): void;
}

/** The terminal of a console: what was written, and one line in place that is being edited. */
export class TerminalScreen {
  readonly terminal: Terminal;
  readonly search = new SearchAddon();
  private readonly fit = new FitAddon();
  private readonly events: ScreenEvents;
  /** Row of the cursor within the drawn line, for redrawing it in place. */
  private cursorRow = 0;

  constructor(events: ScreenEvents) {
    this.events = events;
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
    this.terminal.onData((data) => events.onData(data));
    this.terminal.onResize(() => events.onResize());
  }

  get columns(): number {
    return this.terminal.cols;
  }

  /** Shows the terminal in an element; take it out before the element goes. */
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
    this.terminal.element?.addEventListener('paste', (event) => this.takePaste(event), true);
  }

  private takePaste(event: ClipboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    this.events.onPaste(event.clipboardData?.getData('text/plain') ?? '');
  }

  resize(): void {
    if (this.terminal.element?.parentElement?.clientHeight) this.fit.fit();
  }

  /** Resolves when the terminal has drawn it: the flow of replies waits for that. */
  write(text: string): Promise<void> {
    return new Promise((resolve) => this.terminal.write(text, resolve));
  }

  print(text: string, style?: string): void {
    void this.write(style ? `\x1b[${style}m${text}\x1b[0m\n` : `${text}\n`);
  }

  /** In pieces, so that the terminal draws and takes keys while a long text runs through. */
  printLong(lines: readonly string[]): void {
    void this.write('\r\x1b[K');
    for (let index = 0; index < lines.length; index += linesPerPiece) {
      void this.write(`${lines.slice(index, index + linesPerPiece).join('\n')}\n`);
    }
  }

  wipe(): void {
    void this.write(wipe);
    this.cursorRow = 0;
  }

  /** Leaves the drawn line as it stands: the next one begins here. */
  leaveLine(): void {
    this.cursorRow = 0;
  }

  /** Takes the drawn line away. */
  eraseLine(): void {
    const up = this.cursorRow > 0 ? `\x1b[${this.cursorRow}A` : '';
    void this.write(`${up}\r\x1b[J`);
    this.cursorRow = 0;
  }

  /** Draws the line in place: up to its first row, clear below, print, put the cursor where it belongs. */
  drawLine(prompt: string, text: string, cursor: number): void {
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
}
