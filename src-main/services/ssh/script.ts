/**
 * Small POSIX sh scripts on a host. Output is framed by marks made anew for each run, so a host whose rc files or forced
 * commands print something around every command does not disturb us. Values go as arguments, never into the text.
 */
import { randomBytes } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import type { SshConnection } from './connection.ts';
import { printable } from './printable.ts';
import type { ExecOptions } from './types.ts';

export interface ScriptOutput {
  code: number;
  /** Standard output between the marks, byte for byte. */
  output: Buffer;
  /** What the script itself wrote to standard error, at most some lines. */
  errors: string;
}

const frame = `
export LC_ALL=C
mark=$2
shift 2
printf '\\n%s begin\\n' "$mark"
printf '\\n%s begin\\n' "$mark" >&2
(
BODY
)
printf '\\n%s end %s\\n' "$mark" "$?"
`;

/**
 * The script goes as one word without line breaks, quotes, backslashes or exclamation marks of its own: csh and fish, which
 * some accounts have as login shell, read those in quotes differently from sh. `printf %b` puts them back.
 */
const unwrap = 'eval "$(printf %b "$1")"';

function wrap(script: string): string {
  return script.replace(/[\\\n'!]/g, (char) => `\\0${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/**
 * Runs a script with `$1…` = args on the host; standard input is empty unless given. A non-zero end is an answer.
 * Errors: those of `SshConnection.exec`, and `remote_failed` when the account's shell does not run commands.
 */
export async function runScript(
  connection: SshConnection,
  script: string,
  args: readonly string[] = [],
  options: ExecOptions = {},
): Promise<ScriptOutput> {
  const mark = `flaredesk-${randomBytes(8).toString('hex')}`;
  const text = frame.replace('BODY', () => script);
  const words = ['sh', '-c', unwrap, 'flaredesk', wrap(text), mark, ...args];
  const result = await connection.exec(words, { ...options, stdin: options.stdin ?? '' });
  const begin = `\n${mark} begin\n`;
  const start = result.stdout.indexOf(begin);
  const stop = result.stdout.lastIndexOf(`\n${mark} end `);
  const end = /^\n\S+ end (\d+)(?:\r?\n|$)/.exec(result.stdout.subarray(stop).toString('latin1'));
  const err = result.stderr.toString('utf8');
  if (start < 0 || stop < start || !end)
    throw new DeskError(
      'remote_failed',
      `${connection.label} did not run a command as asked${firstWords(result.stdout.toString('utf8'), err)}.`,
      {
        hint: 'The account needs a POSIX shell: not sftp only, and no forced command that swallows the request.',
      },
    );
  const errStart = err.indexOf(begin);
  return {
    code: Number(end[1]),
    output: result.stdout.subarray(start + begin.length, Math.max(stop, start + begin.length)),
    errors: (errStart < 0 ? err : err.slice(errStart + begin.length)).trim().slice(0, 2000),
  };
}

function firstWords(out: string, err: string): string {
  const said = printable(out.trim() === '' ? err : out, 160);
  return said === '' ? '' : `; it said: ${said}`;
}
