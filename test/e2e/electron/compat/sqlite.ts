/** The slice of `node:sqlite` that the store uses, over SQLite as WebAssembly. One process at a time. */
import { rmSync } from 'node:fs';
import { Database } from 'node-sqlite3-wasm';

type Value = string | number | bigint | Uint8Array | null;

class DatabaseSync {
  readonly #database: Database;

  constructor(file: string) {
    // A killed process leaves its lock folder behind.
    rmSync(`${file}.lock`, { recursive: true, force: true });
    this.#database = new Database(file);
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  prepare(sql: string) {
    const database = this.#database;
    return {
      all: (...values: Value[]) => database.all(sql, values),
      get: (...values: Value[]) => database.get(sql, values) ?? undefined,
      run: (...values: Value[]) => database.run(sql, values),
    };
  }

  close(): void {
    this.#database.close();
  }
}

export const sqlite = { DatabaseSync };
