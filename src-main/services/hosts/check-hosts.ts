/** All probes of the table on all hosts, side by side. */
import PQueue from 'p-queue';
import { DeskError } from '../../contract/errors.ts';
import type { ReportProgress } from '../../ports.ts';
import { connect } from '../ssh/index.ts';
import { questionsInTurn, type SitesOptions } from '../sites/index.ts';
import { probeHost } from './probe-host.ts';
import type { HostCheck, HostTarget, ProbeResult } from './types.ts';

const defaultParallel = 8;

export interface CheckHostsOptions {
  targets: readonly HostTarget[];
  /** For every connection; the signal is added per host. */
  ssh: SitesOptions['ssh'];
  narrate?: (site: string, line: string) => void;
  /** Hosts asked at once. Default 8. */
  parallel?: number;
  /** Only these probes, by id. */
  probes?: readonly string[];
}

/**
 * Asks every host for every row of docs/reference/confidential-computing.md §5, one connection a host, and changes
 * nothing there. An answer that does not come within 10 s, needs rights the account has not, or is not understood is
 * `unknown`. Gives the hosts in the order of the targets; a host that cannot be reached has an `error` and no probes.
 * Throws only `invalid_input` for targets that cannot be.
 */
export async function checkHosts(
  options: CheckHostsOptions,
  context: { signal?: AbortSignal; report?: ReportProgress } = {},
): Promise<HostCheck[]> {
  const { signal } = context;
  const report = context.report ?? (() => undefined);
  const ssh = questionsInTurn(options.ssh);
  const queue = new PQueue({ concurrency: Math.max(1, options.parallel ?? defaultParallel) });
  let finished = 0;
  const checks = options.targets.map((target) =>
    queue.add(async () => {
      const check = await checkHost(target, { ...options, ssh }, report, signal);
      finished++;
      report({ step: 'probe', done: finished, total: options.targets.length, unit: 'sites' });
      return check;
    }),
  );
  return Promise.all(checks);
}

async function checkHost(
  target: HostTarget,
  { ssh, narrate, probes }: CheckHostsOptions,
  report: ReportProgress,
  signal: AbortSignal | undefined,
): Promise<HostCheck> {
  const { name } = target.site;
  const context = signal ? { signal } : {};
  const done: ProbeResult[] = [];
  let close = () => {};
  try {
    if (signal?.aborted) throw new DeskError('cancelled', 'Cancelled.');
    report({ step: 'connect', target: name });
    const connection = await connect(target.site.ssh, {
      ...ssh,
      ...context,
      ...(narrate ? { narrate: (line: string) => narrate(name, line) } : {}),
    });
    close = () => connection.close();
    const results = await probeHost(connection, target, {
      ...context,
      ...(probes ? { only: probes } : {}),
      found: (result, total) => {
        done.push(result);
        report({ step: result.title, target: name, done: done.length, total });
      },
    });
    return { name, state: worst(results), probes: results };
  } catch (error) {
    const answer = (
      error instanceof DeskError
        ? error
        : new DeskError('internal', `The probes failed on ${name} for an unforeseen reason.`, {
            cause: error,
          })
    ).toAnswer();
    return {
      name,
      state: answer.code === 'cancelled' ? 'cancelled' : 'failed',
      probes: done,
      error: answer,
    };
  } finally {
    close();
  }
}

function worst(results: readonly ProbeResult[]): HostCheck['state'] {
  for (const state of ['bad', 'warn', 'unknown'] as const)
    if (results.some((result) => result.state === state)) return state;
  return results.some(({ state }) => state === 'ok') ? 'ok' : 'unknown';
}
