/** What was seen of the sites' attestation: the timeline with raw evidence, and the marks of every report ever seen. */
import type { DatabaseSync } from 'node:sqlite';

/** Entries kept per site; marks are kept for ever. */
const keptPerSite = 5000;

export interface TimelineEntry {
  id: number;
  project: string;
  site: string;
  /** Milliseconds since the epoch, console clock. */
  at: number;
  class: string;
  kind: string;
  source: string;
  /** Who asked. */
  actor: string;
  outcome?: string;
  cause?: string;
  message: string;
  /** Hex. */
  chip?: string;
  /** The verdict with its checks. */
  detail?: unknown;
  /** Raw, as received. */
  evidence?: Uint8Array;
}

export interface AttestationRepository {
  add(entry: Omit<TimelineEntry, 'id'>): Promise<number>;
  /** Newest first. */
  newest(filter: {
    project: string;
    site?: string;
    before?: number;
    limit: number;
  }): Promise<TimelineEntry[]>;
  /** In order, from `afterId` on. */
  page(project: string, afterId: number, limit: number): Promise<TimelineEntry[]>;
  get(id: number): Promise<TimelineEntry | undefined>;
  /** The newest piece of hardware evidence of each site. */
  latestEvidence(project: string): Promise<TimelineEntry[]>;
  /** When evidence of each site was last verified. */
  lastVerified(project: string): Promise<Map<string, number>>;
  /** Records a report by its mark; gives who sent it before, if anybody did. */
  see(mark: string, site: string, at: number): Promise<{ site: string; at: number } | undefined>;
}

type Row = Record<string, string | number | Uint8Array | null>;

function entryOf(row: Row): TimelineEntry {
  const text = (key: string): string | undefined => (typeof row[key] === 'string' ? row[key] : undefined);
  const { outcome, cause, chip, detail } = {
    outcome: text('outcome'),
    cause: text('cause'),
    chip: text('chip'),
    detail: text('detail'),
  };
  return {
    id: Number(row['id']),
    project: text('project') ?? '',
    site: text('site') ?? '',
    at: Number(row['at']),
    class: text('class') ?? '',
    kind: text('kind') ?? '',
    source: text('source') ?? '',
    actor: text('actor') ?? '',
    message: text('message') ?? '',
    ...(outcome === undefined ? {} : { outcome }),
    ...(cause === undefined ? {} : { cause }),
    ...(chip === undefined ? {} : { chip }),
    ...(detail === undefined ? {} : { detail: JSON.parse(detail) as unknown }),
    ...(row['evidence'] instanceof Uint8Array ? { evidence: row['evidence'] } : {}),
  };
}

export function attestationRepository(database: DatabaseSync): AttestationRepository {
  const rows = (sql: string, ...values: (string | number)[]): TimelineEntry[] =>
    (database.prepare(sql).all(...values) as Row[]).map(entryOf);
  return {
    add: (entry) => {
      const { lastInsertRowid } = database
        .prepare(
          `INSERT INTO attestation_timeline
             (project, site, at, class, kind, source, actor, outcome, cause, message, chip, detail, evidence)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          entry.project,
          entry.site,
          entry.at,
          entry.class,
          entry.kind,
          entry.source,
          entry.actor,
          entry.outcome ?? null,
          entry.cause ?? null,
          entry.message,
          entry.chip ?? null,
          entry.detail === undefined ? null : JSON.stringify(entry.detail),
          entry.evidence ?? null,
        );
      const id = Number(lastInsertRowid);
      if (id % 100 === 0) {
        database
          .prepare(
            `DELETE FROM attestation_timeline WHERE project = ? AND site = ? AND id <=
               (SELECT id FROM attestation_timeline WHERE project = ? AND site = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
          )
          .run(entry.project, entry.site, entry.project, entry.site, keptPerSite);
      }
      return Promise.resolve(id);
    },
    newest: ({ project, site, before = Number.MAX_SAFE_INTEGER, limit }) =>
      Promise.resolve(
        site === undefined
          ? rows(
              'SELECT * FROM attestation_timeline WHERE project = ? AND id < ? ORDER BY id DESC LIMIT ?',
              project,
              before,
              limit,
            )
          : rows(
              'SELECT * FROM attestation_timeline WHERE project = ? AND site = ? AND id < ? ORDER BY id DESC LIMIT ?',
              project,
              site,
              before,
              limit,
            ),
      ),
    page: (project, afterId, limit) =>
      Promise.resolve(
        rows(
          'SELECT * FROM attestation_timeline WHERE project = ? AND id > ? ORDER BY id LIMIT ?',
          project,
          afterId,
          limit,
        ),
      ),
    get: (id) => Promise.resolve(rows('SELECT * FROM attestation_timeline WHERE id = ?', id)[0]),
    latestEvidence: (project) =>
      Promise.resolve(
        rows(
          `SELECT * FROM attestation_timeline WHERE id IN
             (SELECT max(id) FROM attestation_timeline WHERE project = ? AND evidence IS NOT NULL GROUP BY site)`,
          project,
        ),
      ),
    lastVerified: (project) => {
      const found = database
        .prepare(
          "SELECT site, max(at) AS at FROM attestation_timeline WHERE project = ? AND outcome = 'verified' GROUP BY site",
        )
        .all(project) as { site: string; at: number }[];
      return Promise.resolve(new Map(found.map(({ site, at }) => [site, at])));
    },
    see: (mark, site, at) => {
      const { changes } = database
        .prepare('INSERT INTO attestation_seen (mark, site, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
        .run(mark, site, at);
      if (Number(changes) > 0) return Promise.resolve(undefined);
      const before = database.prepare('SELECT site, at FROM attestation_seen WHERE mark = ?').get(mark);
      return Promise.resolve(before as { site: string; at: number } | undefined);
    },
  };
}
