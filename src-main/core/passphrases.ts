/** Asks for a passphrase, or takes the one a person wished to be remembered. */
import { createHash } from 'node:crypto';
import type { PromptQuestion } from '../contract/index.ts';
import type { CallHandlers, CoreParts } from './context.ts';

export interface PassphraseWish {
  /** What it opens; the same for the same key. */
  opens: string;
  /** The question, for a person. */
  question: Omit<PromptQuestion<'prompts.passphrase'>, 'can_remember'>;
  signal: AbortSignal;
  /** What to do where nobody can be asked. */
  otherwise: string;
}

const idOf = (opens: string): string => createHash('sha256').update(opens).digest('hex').slice(0, 32);

/**
 * The passphrase; undefined when the person gave up. A remembered one is used for the first attempt; a second attempt means
 * that it was wrong, so it is forgotten. What is remembered never leaves main.
 */
export async function askPassphrase(core: CoreParts, wish: PassphraseWish): Promise<string | undefined> {
  const { opens, question, signal, otherwise } = wish;
  const id = idOf(opens);
  const secrets = await core.secrets();
  if (question.attempt === 1) {
    const remembered = await secrets.get(id);
    if (remembered !== undefined) return remembered;
  } else await secrets.forget(id);
  const canRemember = await secrets.canKeep();
  const { passphrase, remember } = await core.prompts.ask(
    'prompts.passphrase',
    { ...question, can_remember: canRemember },
    { signal, otherwise },
  );
  if (passphrase === null) return undefined;
  if (remember === true && canRemember) {
    await secrets
      .keep(id, opens, passphrase)
      .catch((error: unknown) => core.logger.warn('A passphrase could not be remembered.', { error }));
  }
  return passphrase;
}

export const passphraseHandlers: Pick<CallHandlers, 'settings.remembered' | 'settings.forget_remembered'> = {
  'settings.remembered': async (_input, { core }) => {
    const secrets = await core.secrets();
    const [canKeep, kept] = await Promise.all([secrets.canKeep(), secrets.list()]);
    return {
      mode: canKeep ? 'keychain' : 'memory_only',
      passphrases: kept.map(({ id, label, keptAt }) => ({ id, opens: label, kept_at: keptAt })),
    };
  },
  'settings.forget_remembered': async ({ id }, { core }) => {
    await (await core.secrets()).forget(id);
    return {};
  },
};
