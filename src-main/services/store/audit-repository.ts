/** Audit rows. Appending takes the write lock, so that two processes build one chain. */
import type { DatabaseSync } from 'node:sqlite';

export interface AuditRow {
  seq: number;
  at: string;
  actor: string;
  action: string;
  target: string;
  outcome: string;
  /** JSON text exactly as hashed. */
  detail: string;
  previous: string;
  hash: string;
}

export interface AuditRepository {
  /** Calls `make` with the last row under the write lock and appends what it answers. */
  append(make: (last: AuditRow | undefined) => AuditRow): Promise<AuditRow>;
  /** Rows in order, from `afterSeq` on. */
  page(afterSeq: number, limit: number): Promise<AuditRow[]>;
  newest(limit: number): Promise<AuditRow[]>;
}

export function auditRepository(database: DatabaseSync): AuditRepository {
  const newest = (limit: number): AuditRow[] =>
    database.prepare('SELECT * FROM audit ORDER BY seq DESC LIMIT ?').all(limit) as unknown as AuditRow[];
  return {
    append: (make) => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const row = make(newest(1)[0]);
        database
          .prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
          .run(
            row.seq,
            row.at,
            row.actor,
            row.action,
            row.target,
            row.outcome,
            row.detail,
            row.previous,
            row.hash,
          );
        database.exec('COMMIT');
        return Promise.resolve(row);
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    page: (afterSeq, limit) =>
      Promise.resolve(
        database
          .prepare('SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?')
          .all(afterSeq, limit) as unknown as AuditRow[],
      ),
    newest: (limit) => Promise.resolve(newest(limit)),
  };
}
