import { DeskError } from '../../contract/errors.ts';
import type { CoreParts } from '../context.ts';
import type { Broker } from './broker.ts';

/**
 * A far-reaching change at a key broker needs the project's name: given with the call, or typed by a person who is asked.
 * Throws `invalid_input` for another name, `needs_confirmation` where nobody can be asked, `denied`.
 */
export async function confirmTyped(
  core: CoreParts,
  { name }: Pick<Broker, 'name'>,
  typed: string | undefined,
  question: string,
  signal: AbortSignal,
): Promise<void> {
  if (typed !== undefined) {
    if (typed === name) return;
    throw new DeskError('invalid_input', `The typed name is not the project's: ${name}.`, {
      hint: 'Nothing was written.',
    });
  }
  const { yes } = await core.prompts.ask(
    'prompts.confirm',
    { question, typed: name },
    { signal, otherwise: `Confirm with the project's name: ${name}.` },
  );
  if (!yes) throw new DeskError('denied', 'Nothing was written: the name was not typed.');
}
