import type { ReportProgress } from '../../ports.ts';
import type { StepResult, StepState } from './types.ts';

/** What a step may say at its end; a plain text means all is well. */
export interface Outcome {
  state?: StepState;
  message: string;
  hint?: string;
}

/** Keeps the steps of one site in order, with their time and words, also when one of them fails. */
export class StepLog {
  readonly steps: StepResult[] = [];
  readonly #site: string;
  readonly #report: ReportProgress;

  constructor(site: string, report: ReportProgress) {
    this.#site = site;
    this.#report = report;
  }

  /** Runs one step. `say` turns its value into words. A throw is recorded as failed and passed on. */
  async step<T>(name: string, work: () => Promise<T>, say: (value: T) => string | Outcome): Promise<T> {
    const started = performance.now();
    const seconds = () => Math.round(performance.now() - started) / 1000;
    this.progress({ step: name });
    try {
      const value = await work();
      const said = say(value);
      const outcome: Outcome = typeof said === 'string' ? { message: said } : said;
      this.steps.push({ name, state: 'ok', ...outcome, seconds: seconds() });
      this.progress({ step: name, message: outcome.message });
      return value;
    } catch (error) {
      const message = error instanceof Error ? error.message : 'unknown reason';
      this.steps.push({ name, state: 'failed', message, seconds: seconds() });
      this.progress({ step: name, message });
      throw error;
    }
  }

  /** Tells how far a step is; the site's name is added. */
  progress(progress: Omit<Parameters<ReportProgress>[0], 'target'>): void {
    this.#report({ ...progress, target: this.#site });
  }
}
