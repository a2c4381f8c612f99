/** Questions to a person, one at a time. No answer in time, a broken answer, a failing prompter: all mean no. */
import type { PromptAnswer, Prompts } from '../contract/index.ts';
import { findDeclaration } from '../contract/index.ts';
import type { z } from 'zod';
import { DeskError } from '../contract/errors.ts';
import type { Logger, Prompter } from '../ports.ts';

export interface PromptQueue {
  /**
   * Asks and waits. Throws `needs_confirmation` when nobody can be asked, `denied` when no valid answer came in
   * time, `cancelled`.
   */
  ask<Name extends keyof Prompts>(
    name: Name,
    question: z.input<Prompts[Name]['question']>,
    options: { signal?: AbortSignal; otherwise: string },
  ): Promise<PromptAnswer<Name>>;
}

export function createPromptQueue(prompter: Prompter | undefined, logger: Logger): PromptQueue {
  let last: Promise<unknown> = Promise.resolve();

  const askNow = async (name: keyof Prompts, question: unknown, signal?: AbortSignal): Promise<unknown> => {
    signal?.throwIfAborted();
    const declaration = await findDeclaration('prompt', name);
    if (!declaration || !prompter) throw new DeskError('denied', 'Nobody could be asked.');
    const parsed = declaration.question.parse(question);
    const late = AbortSignal.timeout(declaration.deadlineMs);
    const stop = signal ? AbortSignal.any([signal, late]) : late;
    const stopped = new Promise<never>((_, reject) => {
      stop.addEventListener('abort', () => reject(new DeskError('denied', 'No answer was given.')), {
        once: true,
      });
    });
    let answer: unknown;
    try {
      answer = await Promise.race([prompter(name, parsed, stop), stopped]);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof DeskError) throw error;
      logger.error('A question could not be put.', { name, error });
      throw new DeskError('denied', 'No answer was given.', { cause: error });
    }
    const checked = declaration.answer.safeParse(answer);
    if (!checked.success) throw new DeskError('denied', `The answer to ${name} was not understood.`);
    return checked.data;
  };

  return {
    async ask(name, question, { signal, otherwise }) {
      if (!prompter) {
        throw new DeskError(
          'needs_confirmation',
          'A question must be answered, and there is nobody to ask.',
          {
            hint: otherwise,
          },
        );
      }
      const turn = last.then(() => askNow(name, question, signal));
      last = turn.catch(() => undefined);
      return (await turn) as PromptAnswer<typeof name>;
    },
  };
}
