/** The lines typed into a project's console. */
import type { DatabaseSync } from 'node:sqlite';

/** Lines kept per project. */
const kept = 1000;

export interface HistoryRepository {
  add(project: string, line: string, at: string): Promise<void>;
  /** Oldest first, the newest `limit`. */
  newest(project: string, limit: number): Promise<string[]>;
}

export function historyRepository(database: DatabaseSync): HistoryRepository {
  return {
    add: (project, line, at) => {
      database
        .prepare('INSERT INTO console_history (project, line, at) VALUES (?, ?, ?)')
        .run(project, line, at);
      database
        .prepare(
          `DELETE FROM console_history WHERE project = ? AND id <=
             (SELECT id FROM console_history WHERE project = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
        )
        .run(project, project, kept);
      return Promise.resolve();
    },
    newest: (project, limit) => {
      const rows = database
        .prepare('SELECT line FROM console_history WHERE project = ? ORDER BY id DESC LIMIT ?')
        .all(project, limit) as { line: string }[];
      return Promise.resolve(rows.map((row) => row.line).reverse());
    },
  };
}
