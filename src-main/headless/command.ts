/** Small helpers to declare commands: one example each, global options everywhere, one way to run. */
import { Command, InvalidArgumentError } from 'commander';
import type { ExitCode } from './exit-codes.ts';
import { withDesk, type Desk, type GlobalOptions } from './desk.ts';
import type { Terminal } from './terminal.ts';

/** Where a command leaves its exit code. */
export interface Outcome {
  exitCode: ExitCode;
}

export interface CommandHost {
  readonly terminal: Terminal;
  readonly outcome: Outcome;
}

export type RegisterCommands = (program: Command, host: CommandHost) => void;

/** A command with its help line and an example at the end of its help. */
export function command(
  parent: Command,
  nameAndArguments: string,
  summary: string,
  ...examples: string[]
): Command {
  const lines = examples.map((example) => `  $ ${example}`).join('\n');
  const title = examples.length > 1 ? 'Examples' : 'Example';
  return parent.command(nameAndArguments).description(summary).addHelpText('after', `\n${title}:\n${lines}`);
}

/** A noun: shows its help when its verb is missing. */
export const noun = (parent: Command, name: string, summary: string, ...examples: string[]): Command =>
  command(parent, name, summary, ...examples);

/** Makes the action of a command from a function that works with a desk. */
export function run<Arguments extends unknown[]>(
  host: CommandHost,
  work: (desk: Desk, ...given: Arguments) => Promise<ExitCode>,
): (...given: [...Arguments, Command]) => Promise<void> {
  return async (...given) => {
    const self = given.at(-1) as Command;
    const rest = given.slice(0, -1) as unknown as Arguments;
    const globals: GlobalOptions = self.optsWithGlobals();
    host.outcome.exitCode = await withDesk(host.terminal, globals, (desk) => work(desk, ...rest));
  };
}

/** Collects a repeatable option. */
export const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

/** A comma-separated list; repeating the option adds. */
export const list = (value: string, before: string[] | undefined): string[] => [
  ...(before ?? []),
  ...value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
];

export function wholeNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(value);
}

export function positiveNumber(value: string): number {
  const number = Number(value);
  if (!Number.isFinite(number) || number <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return number;
}

/** The given keys whose value is set. */
export function given<Values extends Record<string, unknown>>(
  values: Values,
): { [Key in keyof Values]: Exclude<Values[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Values]: Exclude<Values[Key], undefined>;
  };
}
