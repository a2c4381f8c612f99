/**
 * Runs our small POSIX sh scripts on a host. Output is framed by marks made anew for each run, so a host whose rc files or
 * forced commands print something around every command does not disturb us. Values go as arguments, never into the text.
 */
import { randomBytes } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import { type ExecOptions, printable, type SshConnection, withoutControls } from '../ssh/index.ts';
import { prelude } from './scripts.ts';
import type { SiteTarget } from './types.ts';

export interface ScriptResult {
  code: number;
  /** Lines of standard output between the marks. */
  lines: string[];
  /** What the script itself wrote to standard error, at most some lines. */
  errors: string;
}

const wrapper = `
export LC_ALL=C
mark=$2 dir=$3 name=$4 extra=$5
shift 5
usual_umask=$(umask)
umask 077
[ -z "$extra" ] || { PATH=$extra:$PATH; export PATH; }
printf '\\n%s begin\\n' "$mark"
printf '\\n%s begin\\n' "$mark" >&2
(
PRELUDE
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

export class SiteShell {
  readonly connection: SshConnection;
  readonly #target: SiteTarget;

  constructor(connection: SshConnection, target: SiteTarget) {
    this.connection = connection;
    this.#target = target;
  }

  /**
   * Runs a script with `$1…` = args; `$base` is the participant's folder on the host. Errors: those of the connection,
   * and `remote_failed` when the account's shell does not run commands.
   */
  async run(script: string, args: readonly string[] = [], options: ExecOptions = {}): Promise<ScriptResult> {
    const mark = `flaredesk-${randomBytes(8).toString('hex')}`;
    const text = wrapper.replace('PRELUDE', () => prelude).replace('BODY', () => script);
    const { name, directory, path } = this.#target;
    const words = [
      'sh',
      '-c',
      unwrap,
      'flaredesk',
      wrap(text),
      mark,
      directory,
      name,
      (path ?? []).join(':'),
      ...args,
    ];
    const result = await this.connection.exec(words, { ...options, stdin: options.stdin ?? '' });
    const out = result.stdout.toString('utf8');
    const begin = `\n${mark} begin\n`;
    const start = out.indexOf(begin);
    const end = new RegExp(`\\n${mark} end (\\d+)(?:\\r?\\n|$)`).exec(out);
    if (start < 0 || !end)
      throw new DeskError(
        'remote_failed',
        `${this.connection.label} did not run a command as asked${firstWords(out, result.stderr.toString('utf8'))}.`,
        {
          hint: 'The account needs a POSIX shell: not sftp only, and no forced command that swallows the request.',
        },
      );
    const body = out.slice(start + begin.length, end.index);
    const err = result.stderr.toString('utf8');
    const errStart = err.indexOf(begin);
    return {
      code: Number(end[1]),
      lines: body
        .split('\n')
        .filter((line) => line !== '')
        .map(withoutControls),
      errors: (errStart < 0 ? err : err.slice(errStart + begin.length)).trim().slice(0, 2000),
    };
  }

  /** As `run`, but a non-zero end becomes an error that names what was being done and the folder on the host. */
  async must(
    doing: string,
    script: string,
    args: readonly string[] = [],
    options: ExecOptions = {},
  ): Promise<string[]> {
    const result = await this.run(script, args, options);
    if (result.code === 0) return result.lines;
    throw this.failure(doing, result.errors || result.lines.slice(-3).join(' '));
  }

  /** Host and folder, for messages. */
  get place(): string {
    return `${this.connection.label}:${this.#target.directory}/${this.#target.name}`;
  }

  /** The error for a failed script, by what the host's tools said. */
  failure(doing: string, said: string): DeskError {
    const text = printable(said);
    const message = `${doing} failed on ${this.place}: ${text || 'no reason was given'}.`;
    if (/no space left|disk quota exceeded|file too large|file size limit/i.test(text))
      return new DeskError('remote_failed', message, {
        hint: 'Free some space on the host (or raise the quota), then run the step again.',
        retryable: true,
      });
    if (/read-only file system/i.test(text))
      return new DeskError('denied', message, {
        hint: 'Mount the folder writable, or name another "directory".',
      });
    if (/permission denied|operation not permitted|cannot create directory/i.test(text))
      return new DeskError('denied', message, {
        hint: 'Give the account the folder (chown), or name another "directory" or "user" in desk.yml.',
      });
    return new DeskError('remote_failed', message);
  }
}

function firstWords(out: string, err: string): string {
  const said = printable(out.trim() === '' ? err : out, 160);
  return said === '' ? '' : `; it said: ${said}`;
}

/** The values of lines `key value`. A key that comes more than once keeps its last value. */
export function valuesOf(lines: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of lines) {
    const at = line.indexOf(' ');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
    else values.set(line, '');
  }
  return values;
}
