import type { Translate } from '../../app/texts.ts';
import type { Client } from '../../bridge/client.ts';
import { completionOf, inColumns } from './completion.ts';
import { edit, type EditKey, emptyLine, type LineState, searchHit } from './line-editor.ts';
import type { TerminalScreen } from './terminal-screen.ts';

/** The line that is being typed, on the screen: its prompt, its history, its completion. */
export class InputLine {
  private readonly screen: TerminalScreen;
  private readonly t: Translate;
  private line: LineState = emptyLine([]);
  private prompt = '';
  private recalls = false;
  private past: string[] = [];
  /** Where Tab was pressed last: a second Tab at the same place lists what fits. */
  private lastTab = '';

  constructor(screen: TerminalScreen, t: Translate) {
    this.screen = screen;
    this.t = t;
  }

  get isEmpty(): boolean {
    return this.line.text === '';
  }

  /** Lines typed before this console was opened, oldest first; later ones are kept when there are some already. */
  recall(lines: readonly string[]): void {
    if (this.past.length === 0) this.past = [...lines];
  }

  remember(text: string): void {
    if (this.past.at(-1) !== text) this.past.push(text);
  }

  /** Begins an empty line; an answer to a question has no history. */
  begin(prompt: string, recalls: boolean): void {
    this.prompt = prompt;
    this.recalls = recalls;
    this.line = emptyLine(this.history, this.line.cut);
    this.draw();
  }

  type(key: EditKey): void {
    this.line = edit(this.line, key, this.history);
    this.draw();
  }

  /** The line as Enter leaves it: what is written next stands below. */
  take(): string {
    if (this.line.search) this.line = edit(this.line, { type: 'end' }, this.history);
    this.draw();
    void this.screen.write('\n');
    this.screen.leaveLine();
    const { text } = this.line;
    this.line = emptyLine(this.history, this.line.cut);
    return text.trim();
  }

  async complete(client: Client, kit: string): Promise<void> {
    if (!this.recalls) return;
    const before = this.line;
    const completion = await completionOf(client, kit, before);
    if (this.line !== before) return;
    if (completion?.kind === 'line') {
      this.line = completion.line;
      this.draw();
      return;
    }
    const place = `${before.text}@${before.cursor}`;
    if (completion && this.lastTab === place) {
      void this.screen.write('\n');
      this.screen.leaveLine();
      for (const text of inColumns(completion.texts, this.screen.columns)) this.screen.print(text);
      this.draw();
    }
    this.lastTab = place;
  }

  draw(): void {
    const { search } = this.line;
    if (!search) return this.screen.drawLine(this.prompt, this.line.text, this.line.cursor);
    const text = searchHit(this.line, this.history) ?? '';
    this.screen.drawLine(`${this.t('console.searchPrompt')}${search.query} | `, text, text.length);
  }

  private get history(): string[] {
    return this.recalls ? this.past : [];
  }
}
