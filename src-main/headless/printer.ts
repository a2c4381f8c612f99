/** Answers to standard output, everything else to standard error; with `--json` exactly one document. */
import type { ErrorAnswer, FieldError } from '../contract/errors.ts';
import type { Envelope } from '../contract/kernel.ts';
import { confine } from './confine.ts';
import { exitCodeOf, type ExitCode } from './exit-codes.ts';
import { paint, type Terminal } from './terminal.ts';

export interface Printer {
  readonly json: boolean;
  /** A line to standard output; nothing under `--json`. */
  say(text: string): void;
  /** A line to standard error. */
  note(text: string): void;
  /** Prints the answer, for people by `render`, and decides the exit code. */
  answer<Value>(
    envelope: Envelope<Value>,
    render: (value: Value) => string,
    exitOf?: (value: Value) => ExitCode,
  ): ExitCode;
}

const placeOf = (field: FieldError): string =>
  [field.file, field.line, field.column].filter((part) => part !== undefined).join(':');

/** The most problems printed for people; `--json` has all. */
const shownProblems = 100;

export function renderError(error: ErrorAnswer, terminal: Terminal): string {
  const colour = paint(terminal, 'stderr');
  const lines = [`${colour.red('error')}: ${error.message} ${colour.dim(`[${error.code}]`)}`];
  const fields = (error.fields ?? []).filter((field) => field.message !== error.message);
  for (const field of fields.slice(0, shownProblems)) {
    const where = [placeOf(field), field.path].filter((part) => part).join(' ');
    lines.push(`  ${where ? `${where}: ` : ''}${field.message}${field.hint ? ` ${field.hint}` : ''}`);
  }
  if (fields.length > shownProblems)
    lines.push(`  … and ${fields.length - shownProblems} more (--json has all)`);
  if (error.hint) lines.push(`${colour.cyan('hint')}: ${error.hint}`);
  return lines.map((line) => `${confineButColours(line)}\n`).join('');
}

/** Our own colours stay, all else is confined. */
function confineButColours(text: string): string {
  return text
    .split(/(\u001b\[\d+m)/)
    .map((part, index) => (index % 2 === 1 ? part : confine(part)))
    .join('');
}

export function createPrinter(terminal: Terminal, json: boolean): Printer {
  return {
    json,
    say: (text) => {
      if (!json) terminal.stdout.write(`${confineButColours(text)}\n`);
    },
    note: (text) => void terminal.stderr.write(`${confineButColours(text)}\n`),
    answer(envelope, render, exitOf = () => 0) {
      if (json) terminal.stdout.write(`${JSON.stringify(envelope)}\n`);
      else if (envelope.ok) terminal.stdout.write(render(envelope.value));
      else terminal.stderr.write(renderError(envelope.error, terminal));
      return envelope.ok ? exitOf(envelope.value) : exitCodeOf(envelope.error);
    },
  };
}
