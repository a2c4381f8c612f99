/** Opens the one SQLite file of the state folder and brings it to the version this program knows. */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DeskError } from '../../contract/errors.ts';
import { migrations } from './migrations.ts';

const fileName = 'flaredesk.sqlite';
/** How long a writer waits for another process's write to end. */
const busyTimeoutMs = 10_000;

const versionOf = (database: DatabaseSync): number => {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number };
  return row.user_version;
};

function refuse(file: string, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new DeskError('integrity', `The record file ${file} cannot be used: ${reason}.`, {
    hint: 'Move the file away to begin a new one; task records and the audit trail in it are then kept by you.',
    cause,
  });
}

function migrate(database: DatabaseSync, file: string, steps: readonly string[]): void {
  const from = versionOf(database);
  if (from === steps.length) return;
  if (from > steps.length) {
    throw new DeskError(
      'unsupported',
      `The record file ${file} was written by a newer FLARE Desk (form ${from}, this program knows ${steps.length}).`,
      { hint: 'Use the newer program, or name another state folder with FLAREDESK_STATE.' },
    );
  }
  // The copy is made before the lock (SQLite cannot copy inside a transaction) and kept only if nobody else
  // migrated in between.
  const copy = `${file}.copy-${process.pid}`;
  if (from > 0) {
    rmSync(copy, { force: true });
    database.prepare('VACUUM INTO ?').run(copy);
    chmodSync(copy, 0o600);
  }
  database.exec('BEGIN IMMEDIATE');
  try {
    if (from > 0 && versionOf(database) === from) renameSync(copy, `${file}.before-${steps.length}`);
    for (let version = versionOf(database); version < steps.length; version += 1) {
      database.exec(steps[version] ?? '');
      database.exec(`PRAGMA user_version = ${version + 1}`);
    }
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  } finally {
    rmSync(copy, { force: true });
  }
}

/**
 * Opens (or makes) the database in `folder`, mode 700/600, in WAL form, migrated.
 * Before a migration the file is copied to `….before-N`. `steps` is given by tests.
 * Throws DeskError: unsupported (newer form), integrity (not a database), denied (folder not writable).
 */
export function openDatabase(folder: string, steps: readonly string[] = migrations): DatabaseSync {
  const file = join(folder, fileName);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DeskError('denied', `The state folder ${folder} cannot be made: ${(error as Error).message}.`, {
      hint: 'Name a folder you may write to with FLAREDESK_STATE.',
      cause: error,
    });
  }
  let database: DatabaseSync | undefined;
  try {
    const fresh = !existsSync(file);
    database = new DatabaseSync(file, { timeout: busyTimeoutMs });
    if (fresh) chmodSync(file, 0o600);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
    migrate(database, file, steps);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof DeskError) throw error;
    if ((error as { errcode?: number }).errcode === 14) {
      throw new DeskError('denied', `The record file ${file} cannot be opened for writing.`, {
        hint: 'Give yourself write access to it, or name another state folder with FLAREDESK_STATE.',
        cause: error,
      });
    }
    return refuse(file, error);
  }
}
