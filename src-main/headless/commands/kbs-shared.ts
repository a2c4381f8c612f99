/** What the commands about a key broker share. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { DeskError } from '../../contract/errors.ts';
import type { Finding } from '../../contract/finding.ts';
import type { CallInput, Calls } from '../../contract/index.ts';
import { command } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { paint } from '../terminal.ts';

export interface ProjectOption {
  project: string;
}

type KbsCall = Extract<keyof Calls, `kbs.${string}`>;

export const ask = <Name extends KbsCall>(desk: Desk, name: Name, input: CallInput<Name>) =>
  desk.client.call(name, input, { signal: desk.interrupted });

/** `-` is standard input. */
export async function textOf(desk: Desk, file: string): Promise<string> {
  if (file === '-') {
    const chunks: Buffer[] = [];
    for await (const chunk of desk.terminal.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks).toString('utf8');
  }
  const path = desk.place(file);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof TypeError)
      throw new DeskError('invalid_input', `${path} is not UTF-8 text.`, { cause: error });
    throw new DeskError('not_found', `${path} cannot be read.`, { cause: error });
  }
}

export function findingLines(desk: Desk, findings: readonly Finding[], file = ''): string {
  const colour = paint(desk.terminal, 'stdout');
  const marks = { error: colour.red('error'), warning: colour.yellow('warning'), info: 'note' };
  return findings
    .map(({ severity, message, hint, line }) => {
      const where = line === undefined ? file : `${file === '' ? 'line ' : `${file}:`}${line}`;
      const lead = where === '' ? '' : `${where}: `;
      return `${marks[severity]}: ${confine(`${lead}${message}${hint ? ` ${hint}` : ''}`)}\n`;
    })
    .join('');
}

/** A verb below `parent`, about the key broker of a project. */
export const verb = (parent: Command, name: string, summary: string, example: string): Command =>
  command(parent, name, summary, `flaredesk kbs ${example} -p project.yml`).option(
    '-p, --project <file>',
    'project.yml, with kbs in the desk.yml beside it',
    'project.yml',
  );

/** For a verb that asks for the project's name. */
export const confirming = (made: Command): Command =>
  made.option('--confirm <name>', 'the project’s name, in place of the question');
