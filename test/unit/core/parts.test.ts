import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DeskError } from '../../../src-main/contract/errors.ts';
import { createChannel } from '../../../src-main/core/channel.ts';
import { commandOf, wordsOf } from '../../../src-main/core/console-line.ts';
import { describeError } from '../../../src-main/core/errors.ts';
import { createPromptQueue } from '../../../src-main/core/prompt-queue.ts';
import type { Logger, Prompter } from '../../../src-main/ports.ts';
import type { CommandInfo } from '../../../src-main/services/flare/index.ts';

const lines: unknown[] = [];
const logger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error: (message, data) => void lines.push({ message, data }),
};

describe('an error for a caller', () => {
  it('is a DeskError as it was, secrets taken out', () => {
    const error = new DeskError('conflict', 'No: token=abc12345', { hint: 'passphrase: hunter2' });
    expect(describeError(error, logger)).toEqual({
      code: 'conflict',
      message: 'No: token=[redacted]',
      hint: 'passphrase: [redacted]',
      retryable: false,
    });
  });

  it('is cancelled for an aborted wait', () => {
    expect(describeError(new DOMException('x', 'AbortError'), logger).code).toBe('cancelled');
  });

  it.each([new TypeError('boom at /home/me'), 'text', undefined, null, { message: 'boom' }])(
    'is internal with a number for anything else (%s)',
    (thrown) => {
      const answer = describeError(thrown, logger);
      expect(answer.code).toBe('internal');
      expect(JSON.stringify(answer)).not.toContain('boom');
      const number = /number ([0-9a-f]{8})/.exec(answer.message)?.[1] ?? 'none';
      expect(JSON.stringify(lines.at(-1))).toContain(number);
    },
  );
});

describe('a channel', () => {
  it('makes the producer wait while the reader is slow', async () => {
    const channel = createChannel<number>(2);
    let pushed = 0;
    const producer = (async () => {
      for (let item = 1; item <= 6; item += 1) {
        await channel.push(item);
        pushed = item;
      }
      channel.close();
    })();
    await pause(10);
    expect(pushed).toBe(2);
    const seen: number[] = [];
    for await (const item of channel.items) seen.push(item);
    await producer;
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('lets everybody go when it is closed', async () => {
    const channel = createChannel<number>(1);
    await channel.push(1);
    const waiting = channel.push(2);
    channel.close();
    await waiting;
    const seen: number[] = [];
    for await (const item of channel.items) seen.push(item);
    expect(seen).toEqual([1]);
  });
});

describe('questions', () => {
  const question = { question: 'Go on?' };
  const options = { otherwise: 'Add --yes.' };
  const queue = (prompter?: Prompter) => createPromptQueue(prompter, logger);

  it('need a confirmation by option when nobody can be asked', async () => {
    await expect(queue().ask('prompts.confirm', question, options)).rejects.toMatchObject({
      code: 'needs_confirmation',
      hint: 'Add --yes.',
    });
  });

  it.each<[string, Prompter]>([
    ['an answer of another shape', () => Promise.resolve({ yes: 'yes' })],
    ['an answer with more in it', () => Promise.resolve({ yes: true, more: 1 })],
    ['a bare true', () => Promise.resolve(true)],
    ['nothing', () => Promise.resolve(undefined)],
    ['a failing prompter', () => Promise.reject(new Error('no terminal'))],
  ])('mean no for %s', async (_what, prompter) => {
    await expect(queue(prompter).ask('prompts.confirm', question, options)).rejects.toMatchObject({
      code: 'denied',
    });
  });

  it('mean no when the work is cancelled meanwhile', async () => {
    const stop = new AbortController();
    const asked = queue(() => new Promise(() => undefined)).ask('prompts.confirm', question, {
      ...options,
      signal: stop.signal,
    });
    setTimeout(() => stop.abort(new DeskError('cancelled', 'Stop.')), 5);
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('are put one at a time', async () => {
    let open = 0;
    let most = 0;
    const prompts = queue(async () => {
      open += 1;
      most = Math.max(most, open);
      await pause(5);
      open -= 1;
      return { yes: true };
    });
    const answers = await Promise.all([1, 2, 3].map(() => prompts.ask('prompts.confirm', question, options)));
    expect(answers).toEqual([{ yes: true }, { yes: true }, { yes: true }]);
    expect(most).toBe(1);
  });
});

describe('a console line', () => {
  it.each([
    ['check_status server', ['check_status', 'server']],
    ['cat "my file.txt"  x', ['cat', 'my file.txt', 'x']],
    ["grep 'a b' c\\ d", ['grep', 'a b', 'c d']],
    ['submit_job ""', ['submit_job', '']],
    ['  ', []],
  ])('%s falls into its words', (line, words) => {
    expect(wordsOf(line)).toEqual(words);
  });

  it('names a command bare or with its scope, and none when it is ambiguous', () => {
    const info = (scope: string, name: string): CommandInfo => ({
      scope,
      name,
      description: '',
      usage: '',
      confirm: 'none',
      visible: true,
    });
    const commands = [info('sys', 'restart'), info('job', 'list'), info('study', 'list')];
    expect(commandOf('restart', commands)?.scope).toBe('sys');
    expect(commandOf('study.list', commands)?.scope).toBe('study');
    expect(commandOf('list', commands)).toBeUndefined();
    expect(commandOf('nothing', commands)).toBeUndefined();
  });
});
