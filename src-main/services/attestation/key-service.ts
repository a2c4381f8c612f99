/** AMD's key distribution service: one certificate per chip and firmware level, asked for only when a person says so. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DeskError } from '../../contract/errors.ts';
import type { Clock, ReportProgress } from '../../ports.ts';
import {
  type AmdProduct,
  type SnpReport,
  type Tcb,
  hardwareIdOf,
  reportedTcbOf,
} from '../../domain/attestation/index.ts';
import type { VcekStore } from './vcek-store.ts';

const keyServiceHost = 'kdsintf.amd.com';

/** One chip at one level, as the key service names it. */
export interface ChipRequest {
  product: AmdProduct;
  /** Hex. */
  chipId: string;
  tcb: Tcb;
}

/** As much of `fetch` as is used, so that tests and closed networks can lend their own. */
export type Fetch = (
  address: string,
  options: { signal: AbortSignal; redirect: 'error' },
) => Promise<{
  status: number;
  headers: { get(name: string): string | null };
  arrayBuffer(): Promise<ArrayBuffer>;
}>;

export interface KeyServiceOptions {
  fetch: Fetch;
  clock: Clock;
  /** Between two requests, milliseconds. The service answers about one in ten seconds (docs/reference/confidential-computing.md §8). */
  paceMs?: number;
  sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

const defaultPaceMs = 10_000;
const answerMs = 30_000;
const mostTries = 5;
const longestCertificate = 16 * 1024;
const two = (value: number): string => String(value).padStart(2, '0');

/** The address of a VCEK. */
export function vcekAddress({ product, chipId, tcb }: ChipRequest): string {
  const fmc = tcb.fmc === undefined ? '' : `fmcSPL=${two(tcb.fmc)}&`;
  const levels = `${fmc}blSPL=${two(tcb.bootLoader)}&teeSPL=${two(tcb.tee)}&snpSPL=${two(tcb.snp)}&ucodeSPL=${two(tcb.microcode)}`;
  return `https://${keyServiceHost}/vcek/v1/${product}/${chipId}?${levels}`;
}

/** What to ask for, from an address as `snphost show vcek-url` prints it. Throws `invalid_input`. */
export function chipRequestOf(address: string): ChipRequest {
  const wrong = (reason: string): DeskError =>
    new DeskError('invalid_input', `"${address.slice(0, 200)}" is not the address of a VCEK: ${reason}.`, {
      hint: 'Take it from the host: sudo snphost show vcek-url.',
    });
  let url: URL;
  try {
    url = new URL(address.trim());
  } catch {
    throw wrong('it is no address');
  }
  const found = /^\/vcek\/v1\/(Milan|Genoa|Turin)\/([0-9a-fA-F]{16}|[0-9a-fA-F]{128})$/.exec(url.pathname);
  if (url.protocol !== 'https:' || url.host !== keyServiceHost || !found)
    throw wrong(`https://${keyServiceHost}/vcek/v1/… is expected`);
  const level = (name: string): number => {
    const text = url.searchParams.get(name) ?? '';
    if (!/^\d{1,3}$/.test(text) || Number(text) > 255) throw wrong(`${name} is missing or no level`);
    return Number(text);
  };
  const product = found[1] as AmdProduct;
  return {
    product,
    chipId: (found[2] ?? '').toLowerCase(),
    tcb: {
      bootLoader: level('blSPL'),
      tee: level('teeSPL'),
      snp: level('snpSPL'),
      microcode: level('ucodeSPL'),
      ...(product === 'Turin' ? { fmc: level('fmcSPL') } : {}),
    },
  };
}

/** What to ask for the chip that signed a report; undefined for a masked chip, a VLEK or a product not named (version 2). */
export function chipRequestFor(
  report: SnpReport,
  product: AmdProduct | undefined = report.product,
): ChipRequest | undefined {
  if (product === undefined || report.chipMasked || report.signingKey !== 'VCEK') return undefined;
  return { product, chipId: hardwareIdOf(report, product), tcb: reportedTcbOf(report, product) };
}

/**
 * Fetches what is not in the store, one after the other at the service's pace, and keeps it. A chip that fails does not stop the
 * others. Nothing is asked twice.
 * @throws DeskError `cancelled`
 */
export async function fetchVceks(
  requests: readonly ChipRequest[],
  store: VcekStore,
  options: KeyServiceOptions & { signal?: AbortSignal; report?: ReportProgress },
): Promise<{ chipId: string; state: 'added' | 'known' | 'failed'; message?: string }[]> {
  const { clock, paceMs = defaultPaceMs, signal, report } = options;
  const pause = options.sleep ?? ((ms, stop) => sleep(ms, undefined, { signal: stop }));
  const results: { chipId: string; state: 'added' | 'known' | 'failed'; message?: string }[] = [];
  let next = clock.now();
  const wait = async (ms: number): Promise<void> => {
    if (ms > 0) await pause(ms, signal).catch(() => undefined);
    if (signal?.aborted) throw new DeskError('cancelled', 'The fetching was cancelled; what came is kept.');
  };
  for (const [index, request] of requests.entries()) {
    report?.({
      step: 'fetch',
      target: request.chipId.slice(0, 16),
      done: index,
      total: requests.length,
      unit: 'keys',
    });
    const { chipId, product } = request;
    const here = (await store.list()).some(
      (one) =>
        one.chipId === chipId &&
        one.product === product &&
        vcekAddress({ product, chipId, tcb: one.tcb }) === vcekAddress(request),
    );
    if (here) {
      results.push({ chipId, state: 'known' });
      continue;
    }
    for (let tries = 1; ; tries += 1) {
      await wait(next - clock.now());
      next = clock.now() + paceMs;
      const answer = await ask(request, options);
      if (answer.kind === 'busy' && tries < mostTries) {
        next = clock.now() + Math.max(paceMs, answer.afterMs);
        continue;
      }
      if (answer.kind !== 'certificate') {
        results.push({ chipId, state: 'failed', message: answer.message });
        break;
      }
      try {
        await store.add(answer.content, `The answer of ${keyServiceHost}`);
        results.push({ chipId, state: 'added' });
      } catch (error) {
        if (!(error instanceof DeskError)) throw error;
        results.push({ chipId, state: 'failed', message: error.message });
      }
      break;
    }
  }
  return results;
}

type Answer =
  | { kind: 'certificate'; content: Uint8Array }
  | { kind: 'busy'; afterMs: number; message: string }
  | { kind: 'failed'; message: string };

async function ask(
  request: ChipRequest,
  { fetch, signal }: KeyServiceOptions & { signal?: AbortSignal },
): Promise<Answer> {
  const limit = AbortSignal.timeout(answerMs);
  try {
    const answer = await fetch(vcekAddress(request), {
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      redirect: 'error',
    });
    if (answer.status === 429 || answer.status >= 500) {
      const seconds = Number(answer.headers.get('retry-after') ?? '');
      const message = `${keyServiceHost} is busy (${answer.status}).`;
      return {
        kind: 'busy',
        afterMs: Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 600) * 1000 : 0,
        message,
      };
    }
    if (answer.status !== 200) {
      return {
        kind: 'failed',
        message: `${keyServiceHost} does not know this chip at this level (${answer.status}): another product, a masked chip id or a level it never had.`,
      };
    }
    const content = new Uint8Array(await answer.arrayBuffer());
    if (content.length > longestCertificate)
      return { kind: 'failed', message: `The answer of ${keyServiceHost} is too long for a certificate.` };
    return { kind: 'certificate', content };
  } catch (error) {
    return { kind: 'failed', message: `${keyServiceHost} cannot be reached: ${(error as Error).message}.` };
  }
}
