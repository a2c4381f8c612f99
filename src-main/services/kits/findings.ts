import { DeskError } from '../../contract/errors.ts';

export interface KitProblem {
  /** Path in the kit, with `/`. */
  file: string;
  problem: string;
}

export interface KitNote {
  file: string;
  note: string;
}

/** Collects what a verification finds. One file may be named more than once, each time with another problem. */
export class Findings {
  readonly problems: KitProblem[] = [];
  readonly notes: KitNote[] = [];
  readonly #verified = new Set<string>();

  problem(file: string, problem: string): void {
    if (!this.problems.some((known) => known.file === file && known.problem === problem)) {
      this.problems.push({ file, problem });
    }
  }

  note(file: string, note: string): void {
    this.notes.push({ file, note });
  }

  verified(file: string): void {
    this.#verified.add(file);
  }

  /** A file that could not be read or understood; its own message already says why. */
  failed(file: string, error: unknown): void {
    if (!(error instanceof DeskError)) throw error;
    this.problem(file, error.code === 'not_found' ? 'is missing' : `cannot be used: ${error.message}`);
  }

  /** Files (and folder names) that were verified. */
  get checked(): number {
    return this.#verified.size;
  }
}
