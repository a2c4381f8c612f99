import { saveText } from '../../components/save-text.ts';

export interface Redirect {
  file: string;
  append: boolean;
}

/** Results that a redirection saves. A browser cannot append to a file it saved: what went before is kept here. */
export class ResultFiles {
  private readonly written = new Map<string, string>();

  save({ file, append }: Redirect, lines: readonly string[]): void {
    const text = lines.join('\n').concat('\n');
    const whole = append ? (this.written.get(file) ?? '') + text : text;
    this.written.set(file, whole);
    saveText(file, whole);
  }
}
