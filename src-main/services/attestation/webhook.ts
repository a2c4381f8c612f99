/** Alarms posted to an address that a person set: off until then, JSON, no secret, no chip id, few tries. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Alarm } from '../../domain/attestation/index.ts';
import type { Clock } from '../../ports.ts';

/** As much of `fetch` as is used. */
export type Post = (
  address: string,
  options: {
    method: 'POST';
    headers: Record<string, string>;
    body: string;
    redirect: 'error';
    signal: AbortSignal;
  },
) => Promise<{ status: number; body?: { cancel(): Promise<void> } | null }>;

export interface WebhookState {
  state: 'ok' | 'failed';
  at: number;
  /** Why it failed; the address is not repeated, for it may hold a token. */
  message?: string;
}

export interface Webhook {
  /** One alarm, now. Never throws: what failed is told by `state`. Resolves when it was taken or given up. */
  send(address: string, project: string, alarm: Alarm): Promise<void>;
  state(): WebhookState | undefined;
  dispose(): void;
}

const answerMs = 10_000;
/** Before the second and the third try. */
const pauses = [2_000, 15_000] as const;
/** While so many wait for their turn, a new one is dropped. */
const mostWaiting = 50;

/** Chip ids, report data, measurements and keys are long runs of hex or base64; none of them leaves this machine. */
const masked = (text: string): string =>
  text.replaceAll(/[0-9a-f]{16,}|[A-Za-z0-9+/]{40,}={0,2}/gi, 'masked');

export function createWebhook(options: {
  post: Post;
  clock: Clock;
  onChange: () => void;
  pauses?: readonly number[];
  answerMs?: number;
}): Webhook {
  const { post, clock, onChange } = options;
  const stop = new AbortController();
  let last: WebhookState | undefined;
  let waiting = 0;
  let turn: Promise<void> = Promise.resolve();

  const told = (state: WebhookState): void => {
    last = state;
    onChange();
  };

  const once = async (address: string, body: string): Promise<string | undefined> => {
    try {
      const answer = await post(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'flaredesk' },
        body,
        redirect: 'error',
        signal: AbortSignal.any([stop.signal, AbortSignal.timeout(options.answerMs ?? answerMs)]),
      });
      await answer.body?.cancel();
      return answer.status >= 200 && answer.status < 300 ? undefined : `it answered ${answer.status}`;
    } catch (error) {
      const { name } = error as Error;
      const code = ((error as Error).cause as { code?: string } | undefined)?.code;
      return name === 'TimeoutError'
        ? `no answer within ${(options.answerMs ?? answerMs) / 1000} s`
        : (code ?? 'it cannot be reached, or sends elsewhere');
    }
  };

  const deliver = async (address: string, body: string): Promise<void> => {
    const waits = options.pauses ?? pauses;
    let problem: string | undefined;
    for (let tries = 0; tries <= waits.length; tries += 1) {
      problem = await once(address, body);
      if (stop.signal.aborted) return;
      if (problem === undefined) return told({ state: 'ok', at: clock.now() });
      const pause = waits[tries];
      if (pause !== undefined) await sleep(pause, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) return;
    }
    told({ state: 'failed', at: clock.now(), ...(problem === undefined ? {} : { message: problem }) });
  };

  return {
    send(address, project, alarm) {
      if (waiting >= mostWaiting) {
        told({ state: 'failed', at: clock.now(), message: 'too many alarms wait; this one was dropped' });
        return Promise.resolve();
      }
      const { kind, severity, site, message, hint } = alarm;
      const body = JSON.stringify({
        source: 'flaredesk',
        project,
        at: new Date(clock.now()).toISOString(),
        kind,
        severity,
        ...(site === undefined ? {} : { site }),
        message: masked(message),
        ...(hint === undefined ? {} : { hint: masked(hint) }),
      });
      waiting += 1;
      turn = turn.then(() => deliver(address, body)).finally(() => (waiting -= 1));
      return turn;
    },
    state: () => last,
    dispose: () => stop.abort(),
  };
}
