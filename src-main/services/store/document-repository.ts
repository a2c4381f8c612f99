/** Small JSON documents by key: drafts, recent projects, what was last known of a site. */
import type { DatabaseSync } from 'node:sqlite';

export interface DocumentRepository {
  /** The parsed document; undefined when there is none or it does not parse. */
  read(key: string): Promise<unknown>;
  write(key: string, value: unknown): Promise<void>;
  remove(key: string): Promise<void>;
}

export function documentRepository(database: DatabaseSync): DocumentRepository {
  return {
    read: (key) => {
      const row = database.prepare('SELECT value FROM documents WHERE key = ?').get(key) as
        | { value: string }
        | undefined;
      try {
        return Promise.resolve(row === undefined ? undefined : (JSON.parse(row.value) as unknown));
      } catch {
        return Promise.resolve(undefined);
      }
    },
    write: (key, value) => {
      database
        .prepare(
          'INSERT INTO documents (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
        )
        .run(key, JSON.stringify(value));
      return Promise.resolve();
    },
    remove: (key) => {
      database.prepare('DELETE FROM documents WHERE key = ?').run(key);
      return Promise.resolve();
    },
  };
}
