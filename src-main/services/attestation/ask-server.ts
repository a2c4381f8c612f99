/** What the server of a federation tells of all sites at once: who is connected, who takes part, which jobs run. */
import type { FederationEvent, SiteEvent } from '../../domain/attestation/index.ts';
import type { Clock } from '../../ports.ts';
import type { AdminSession } from '../flare/index.ts';

export interface RunningJob {
  id: string;
  name: string;
  status: string;
}

interface Options {
  /** Participant name of the server. */
  server: string;
  sites: readonly { name: string }[];
  clock: Clock;
}

export class ServerQuestions {
  readonly #options: Options;
  readonly #heartbeats = new Map<string, { value: number; heardAt: number }>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** `check_status`: that the server is up, and each site's heartbeat. Throws what the session throws. */
  async status(
    session: AdminSession,
    signal: AbortSignal,
  ): Promise<{ up: FederationEvent; events: SiteEvent[] }> {
    const reply = await session.execute('check_status server', { signal });
    const { clock, sites, server } = this.#options;
    const at = clock.now();
    const source = 'check_status server';
    const { server_start_time: startedAt, clients } = reply.meta;
    const restarted =
      typeof startedAt === 'number' || typeof startedAt === 'string' ? { startedAt: String(startedAt) } : {};
    const up: FederationEvent = { class: 'L', kind: 'server_up', at, source, ...restarted };
    if (!reply.ok) return { up, events: [] };
    // Without a connected client the server leaves the list out (docs/reference/admin-protocol.md §8.2).
    const rows = (Array.isArray(clients) ? clients : []) as Record<string, unknown>[];
    const events = sites.map(({ name: site }): SiteEvent => {
      const row = rows.find((one) => one['client_name'] === site);
      const last = site === server ? at : this.#heartbeat(site, row?.['client_last_conn_time'], at);
      return last === undefined
        ? { site, class: 'L', kind: 'missing', at, source }
        : { site, class: 'L', kind: 'connected', at, source, lastHeartbeatAt: last };
    });
    return { up, events };
  }

  /** The server dates heartbeats by its own clock: what counts is that a new one came, and when we learnt it. */
  #heartbeat(site: string, value: unknown, at: number): number | undefined {
    if (typeof value !== 'number') {
      this.#heartbeats.delete(site);
      return undefined;
    }
    const before = this.#heartbeats.get(site);
    const heardAt =
      before === undefined ? Math.min(at, value * 1000) : before.value === value ? before.heardAt : at;
    this.#heartbeats.set(site, { value, heardAt });
    return heardAt;
  }

  /** `get_sites`: who takes part in confidential computing; nothing when the server does not say. */
  async takingPart(session: AdminSession, signal: AbortSignal): Promise<SiteEvent[]> {
    const { sites, clock, server } = this.#options;
    const found = await session.confidentialSites({ signal }).catch(() => undefined);
    if (found === undefined) return [];
    const names = new Set(found.map(({ name, fqcn }) => (fqcn === 'server' ? server : name)));
    const at = clock.now();
    return sites.map(({ name: site }) => ({
      site,
      class: 'L',
      kind: 'takes_part',
      at,
      source: 'get_sites',
      yes: names.has(site),
    }));
  }

  /** Undefined when the server does not say. */
  async jobs(session: AdminSession, signal: AbortSignal): Promise<RunningJob[] | undefined> {
    const { listJobs } = await import('../jobs/index.ts');
    const rows = await listJobs(session, { newestFirst: true, limit: 100, signal }).catch(() => undefined);
    return rows
      ?.filter(({ phase }) => phase === 'running')
      .map(({ job_id: id, name, status }) => ({ id, name, status }));
  }
}
