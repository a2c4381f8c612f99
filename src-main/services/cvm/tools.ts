/** Programs of this machine: qemu-img and the ext tools. No shell, a time limit, an end on cancel. */
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { DeskError } from '../../contract/errors.ts';

export type Tool = 'qemu-img' | 'debugfs' | 'mkfs.ext4' | 'e2fsck' | 'resize2fs';

export interface ToolResult {
  /** Exit status; null when a signal ended it. */
  code: number | null;
  stdout: Buffer;
  /** The first 4 KiB, for messages. */
  errors: string;
}

export interface ToolOptions {
  signal?: AbortSignal;
  /** Default 60 000. */
  timeoutMs?: number;
  /** Bytes kept of stdout; more is an error. Default 4 MiB. */
  maxOutput?: number;
  /** Exit statuses that are no failure. Default 0. */
  accept?: readonly number[];
}

/** The ext tools lie outside of an ordinary account's search path. */
const folders = [
  '/usr/sbin',
  '/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/opt/e2fsprogs/sbin',
  '/usr/local/opt/e2fsprogs/sbin',
];
const found = new Map<Tool, string>();

async function locate(tool: Tool): Promise<string> {
  const known = found.get(tool);
  if (known !== undefined) return known;
  let place: string = tool;
  for (const folder of tool === 'qemu-img' ? [] : folders) {
    const path = `${folder}/${tool}`;
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    ) {
      place = path;
      break;
    }
  }
  found.set(tool, place);
  return place;
}

const missingTool = (tool: Tool): DeskError =>
  new DeskError('unsupported', `${tool} is not on this machine.`, {
    hint:
      tool === 'qemu-img'
        ? 'Install it: "apt-get install qemu-utils", "dnf install qemu-img" or "brew install qemu".'
        : 'Install it: "apt-get install e2fsprogs", "dnf install e2fsprogs" or "brew install e2fsprogs".',
  });

/**
 * Runs a program to its end.
 * @throws DeskError `unsupported` (not installed), `timeout`, `cancelled`, `too_large` (says more than expected),
 *   `remote_failed` with its last words for any other exit status than those accepted
 */
export async function runTool(
  tool: Tool,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  const { signal, timeoutMs = 60_000, maxOutput = 4 * 1024 ** 2, accept = [0] } = options;
  const program = await locate(tool);
  if (signal?.aborted) throw new DeskError('cancelled', `${tool} was cancelled.`);
  const result = await new Promise<ToolResult>((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    let size = 0;
    let errors = '';
    let failure: DeskError | undefined;
    const stop = (error: DeskError): void => {
      failure ??= error;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(
      () =>
        stop(
          new DeskError('timeout', `${tool} did not end within ${Math.round(timeoutMs / 1000)} s.`, {
            retryable: true,
          }),
        ),
      timeoutMs,
    );
    const onAbort = (): void => stop(new DeskError('cancelled', `${tool} was cancelled.`));
    signal?.addEventListener('abort', onAbort, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxOutput) stop(new DeskError('too_large', `${tool} says more than expected.`));
      else out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (errors.length < 4096) errors += chunk.toString('utf8');
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(
        error.code === 'ENOENT'
          ? missingTool(tool)
          : new DeskError('unsupported', `${tool} cannot be started: ${error.message}.`),
      );
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (failure) reject(failure);
      else resolve({ code, stdout: Buffer.concat(out), errors: errors.trim() });
    });
  });
  if (result.code !== null && accept.includes(result.code)) return result;
  throw toolError(tool, result);
}

/** What a program said, as an error: a full disk and an image in use have their own words. */
function toolError(tool: Tool, { code, errors }: ToolResult): DeskError {
  const said = lastWords(errors) || `exit status ${code ?? 'none'}`;
  if (/no space left|ENOSPC|disk quota/i.test(errors)) {
    return new DeskError('remote_failed', `${tool}: the disk is full (${said}).`, {
      hint: 'Free some space and try again. The drive as it was is untouched.',
      retryable: true,
    });
  }
  if (/Failed to get (?:shared )?"?write"? lock|another process using the image/i.test(errors)) {
    return new DeskError('conflict', 'The drive is in use: another program holds it, most likely its VM.', {
      hint: 'Stop the VM first.',
      retryable: true,
    });
  }
  return new DeskError('remote_failed', `${tool} failed: ${said}.`);
}

const lastWords = (text: string): string =>
  text
    .split('\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    .map((line) => line.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ').trim())
    .filter((line) => line !== '' && !/^(?:mke2fs|e2fsck|resize2fs|debugfs) [0-9.]+ \(/.test(line))
    .slice(-2)
    .join(' ')
    .slice(0, 300)
    .replace(/[.\s]+$/, '');
