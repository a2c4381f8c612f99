/**
 * The one place where a host key is accepted. ssh2 takes everything but the exact value `false` for a yes, so a promise,
 * an exception or `undefined` would let a stranger in (read in its lib/protocol/kex.js and measured with 1.17.0). The
 * verifier made here returns nothing, and calls back once, with exactly `decision === true`.
 */
import { timingSafeEqual } from 'node:crypto';

export type AskTrust = (key: Buffer) => Promise<boolean> | boolean;

export interface Verifier {
  (key: Buffer, verify: (permitted: boolean) => void): void;
}

/**
 * Wraps a decision for ssh2. `trust` may be slow, may throw, may answer anything: only `true` within `deadlineMs`
 * connects. `refused` hears why not. A key seen again (rekeying) must be the one first accepted.
 */
export function makeVerifier(
  trust: AskTrust,
  options: { deadlineMs: number; refused: (reason: unknown) => void },
): Verifier {
  let accepted: Buffer | undefined;
  return (key, verify) => {
    if (accepted) {
      const same = accepted.length === key.length && timingSafeEqual(accepted, key);
      if (!same) options.refused(new Error('the host key changed within one connection'));
      verify(same);
      return;
    }
    let settled = false;
    const settle = (decision: unknown, reason: unknown) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      const permitted = decision === true;
      if (permitted) accepted = Buffer.from(key);
      else options.refused(reason);
      verify(permitted);
    };
    const timer = setTimeout(() => {
      settle(false, new Error('nobody answered in time'));
    }, options.deadlineMs);
    void (async () => {
      try {
        const decision: unknown = await trust(key);
        settle(decision, new Error('the answer was no'));
      } catch (error) {
        settle(false, error);
      }
    })();
  };
}
