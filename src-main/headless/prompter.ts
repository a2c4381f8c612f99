/** Puts the core's questions to the person at the terminal; without one, says which option gives the answer. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { DeskError } from '../contract/errors.ts';
import type { PromptQuestion } from '../contract/index.ts';
import type { Prompter } from '../ports.ts';
import { confine } from './confine.ts';
import type { Terminal } from './terminal.ts';

export interface PrompterOptions {
  /** File descriptor whose first line is the passphrase. */
  passphraseFd?: number;
  /** Called around a question, so that the progress block is out of the way. */
  aside?: () => void;
}

/** Reads one line from the terminal. Undefined: end of input or Ctrl-C. Hidden: what is typed is not shown. */
export function readLine(
  terminal: Terminal,
  question: string,
  options: { hidden?: boolean; signal?: AbortSignal } = {},
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({
      input: terminal.stdin,
      output: options.hidden ? silent : terminal.stderr,
      terminal: true,
      historySize: 0,
    });
    let answer: string | undefined;
    const stop = (): void => lines.close();
    options.signal?.addEventListener('abort', stop, { once: true });
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      options.signal?.removeEventListener('abort', stop);
      if (options.hidden || answer === undefined) terminal.stderr.write('\n');
      resolve(answer);
    });
    if (options.hidden) terminal.stderr.write(question);
    lines.question(options.hidden ? '' : question, (line) => {
      answer = line;
      lines.close();
    });
  });
}

const nobody = (question: string, hint: string): DeskError =>
  new DeskError('needs_confirmation', `${question} There is no terminal to ask on.`, { hint });

export function createPrompter(terminal: Terminal, options: PrompterOptions): Prompter {
  const canAsk = terminal.stdin.isTTY === true && terminal.stderr.isTTY === true;
  let fromFd: string | undefined;
  let fdRead = false;

  const passphraseOfFd = (fd: number): string => {
    if (fdRead) return fromFd ?? '';
    fdRead = true;
    try {
      fromFd = readFileSync(fd, 'utf8').split(/\r?\n/, 1)[0] ?? '';
    } catch (error) {
      throw new DeskError('bad_usage', `No passphrase can be read from file descriptor ${fd}.`, {
        hint: 'Open it: flaredesk … --passphrase-fd 3 3<FILE',
        cause: error,
      });
    }
    return fromFd;
  };

  const passphrase = async (question: PromptQuestion<'prompts.passphrase'>, signal: AbortSignal) => {
    if (options.passphraseFd !== undefined) {
      // The one passphrase that was handed over is tried once.
      return { passphrase: question.attempt > 1 ? null : passphraseOfFd(options.passphraseFd) };
    }
    if (!canAsk) {
      throw nobody(`A passphrase for ${question.what} is needed.`, 'Hand it over with --passphrase-fd N.');
    }
    options.aside?.();
    const again = question.attempt > 1 ? 'Wrong passphrase. ' : '';
    const line = await readLine(terminal, confine(`${again}Passphrase for ${question.what}: `), {
      hidden: true,
      signal,
    });
    return { passphrase: line ?? null };
  };

  const hostKey = async (question: PromptQuestion<'prompts.host_key'>, signal: AbortSignal) => {
    const where = question.port === 22 ? question.host : `[${question.host}]:${question.port}`;
    const key = `${question.key_type} key ${question.fingerprint}`;
    if (!canAsk) {
      throw nobody(
        `The host ${where} is not known. It shows the ${key}.`,
        `Compare it with the host's own, then pin it in desk.yml (host_key) or add --accept-host-key ${question.target ?? 'NAME'}=${question.fingerprint}.`,
      );
    }
    options.aside?.();
    const lines = [
      `The host ${where}${question.target ? ` (${question.target})` : ''} is not known. It shows the ${key}.`,
      ...question.notes,
    ];
    terminal.stderr.write(confine(`${lines.join('\n')}\n`));
    const answer = await readLine(terminal, 'Is this the key of that host? Type yes to connect: ', {
      signal,
    });
    return { accept: answer?.trim().toLowerCase() === 'yes' };
  };

  const confirm = async (question: PromptQuestion<'prompts.confirm'>, signal: AbortSignal) => {
    const wanted = question.typed;
    if (!canAsk)
      throw nobody(question.question, wanted === undefined ? 'Add --yes.' : `Add --confirm ${wanted}`);
    options.aside?.();
    const tail = wanted === undefined ? '[y/N] ' : `Type ${wanted} to go on: `;
    const answer = (await readLine(terminal, confine(`${question.question} ${tail}`), { signal }))?.trim();
    return { yes: wanted === undefined ? /^y(es)?$/i.test(answer ?? '') : answer === wanted };
  };

  return (name, question, signal) => {
    switch (name) {
      case 'prompts.passphrase':
        return passphrase(question as PromptQuestion<'prompts.passphrase'>, signal);
      case 'prompts.host_key':
        return hostKey(question as PromptQuestion<'prompts.host_key'>, signal);
      case 'prompts.confirm':
        return confirm(question as PromptQuestion<'prompts.confirm'>, signal);
      // Only a window asks for these: a command names its paths, and wraps no key.
      case 'prompts.place':
      case 'prompts.new_passphrase':
        return Promise.reject(
          nobody('This question is put in a window only.', 'Open it with: flaredesk serve'),
        );
    }
  };
}
