import type { Translate } from '../../app/texts.ts';

const letters = ['H', 'K', 'F', 'L', 'S', 'I', 'P'] as const;

/** The class of evidence in a word; the letter itself when a newer version wrote it. */
export function classWord(t: Translate, letter: string): string {
  const known = letters.find((one) => one === letter);
  return known === undefined ? letter : t(`attestation.classes.${known}`);
}
