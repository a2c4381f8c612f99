import { lookup } from 'node:dns/promises';
import type { NameAnswer } from '../../domain/cc/cc-file.ts';

/** Asks the name service of this machine for a host name. Never throws. */
export type LookUpName = (name: string) => Promise<NameAnswer>;

export interface NameLookupOptions {
  /** Milliseconds one question may take; then the answer is `unknown`. */
  limitMs?: number;
  /** Milliseconds an answer is kept. */
  keepMs?: number;
  ask?: (name: string) => Promise<unknown>;
  now?: () => number;
}

/** A look-up with a time limit and a short memory, so that a draft that is checked at every change asks once. */
export function createNameLookup(options: NameLookupOptions = {}): LookUpName {
  const { limitMs = 1000, keepMs = 60_000, ask = lookup, now = Date.now } = options;
  const answers = new Map<string, { at: number; answer: Promise<NameAnswer> }>();
  return (name) => {
    const known = answers.get(name);
    if (known && now() - known.at < keepMs) return known.answer;
    const answer = withinLimit(ask(name), limitMs);
    answers.set(name, { at: now(), answer });
    return answer;
  };
}

async function withinLimit(question: Promise<unknown>, limitMs: number): Promise<NameAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<NameAnswer>((done) => {
    timer = setTimeout(() => done('unknown'), limitMs);
  });
  const asked = question.then(
    (): NameAnswer => 'found',
    (error: unknown): NameAnswer =>
      (error as NodeJS.ErrnoException).code === 'ENOTFOUND' ? 'missing' : 'unknown',
  );
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
