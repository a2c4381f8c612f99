import type { ConsoleKey } from './keys.ts';

/** Keys that come while something is asked for; they follow its answer, as in a shell. */
export class HeldKeys {
  private held: ConsoleKey[] | undefined;

  /** True when the key waits. An interrupt does not: it drops what waits. */
  take(key: ConsoleKey): boolean {
    if (this.held && key.type !== 'interrupt') {
      this.held.push(key);
      return true;
    }
    this.held = undefined;
    return false;
  }

  /** Holds until the work has ended or the time is over, whichever comes first. */
  during(work: () => Promise<void>, milliseconds: number, release: (key: ConsoleKey) => void): void {
    const mine: ConsoleKey[] = [];
    this.held = mine;
    const end = (): void => {
      clearTimeout(patience);
      if (this.held !== mine) return;
      this.held = undefined;
      for (const key of mine) release(key);
    };
    const patience = setTimeout(end, milliseconds);
    void work().finally(end);
  }
}
