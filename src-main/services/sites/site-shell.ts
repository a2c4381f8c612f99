/** Runs our small POSIX sh scripts in a participant's folder on its host. Values go as arguments, never into the text. */
import { DeskError } from '../../contract/errors.ts';
import { type ExecOptions, printable, runScript, type SshConnection, withoutControls } from '../ssh/index.ts';
import { prelude } from './scripts/prelude.ts';
import type { SiteTarget } from './types.ts';

export interface ScriptResult {
  code: number;
  /** Lines of standard output between the marks. */
  lines: string[];
  /** What the script itself wrote to standard error, at most some lines. */
  errors: string;
}

const opening = `
dir=$1 name=$2 extra=$3
shift 3
usual_umask=$(umask)
umask 077
[ -z "$extra" ] || { PATH=$extra:$PATH; export PATH; }
`;

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
    const { name, directory, path } = this.#target;
    const { code, output, errors } = await runScript(
      this.connection,
      opening + prelude + script,
      [directory, name, (path ?? []).join(':'), ...args],
      options,
    );
    const lines = output
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(withoutControls);
    return { code, lines, errors };
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
