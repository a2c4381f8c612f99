/** Task records as rows. The interface is asynchronous although the driver is not, so that it can move off this thread. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { ErrorAnswer } from '../../contract/errors.ts';
import type { Progress } from '../../ports.ts';

export type TaskStatus =
  | 'queued'
  | 'running'
  | 'waiting_for_user'
  | 'cancelling'
  | 'succeeded'
  | 'partly_done'
  | 'failed'
  | 'cancelled'
  | 'interrupted';

export interface TaskStep {
  name: string;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'skipped';
  started_at?: string;
  ended_at?: string;
}

export interface TaskRecord {
  id: string;
  kind: string;
  title: string;
  target?: string;
  parent?: string;
  status: TaskStatus;
  /** The parsed input; holds no secret by contract. */
  input: unknown;
  steps: TaskStep[];
  progress?: Progress;
  error?: ErrorAnswer;
  result?: unknown;
  created_at: string;
  ended_at?: string;
  /** The process that runs it: its number and when it was born (numbers come again). */
  owner: { pid: number; birth: string };
}

export interface TaskRepository {
  /** Inserts or replaces one record. */
  save: (record: TaskRecord) => Promise<void>;
  get(id: string): Promise<TaskRecord | undefined>;
  /** Newest first; without children unless asked for. Results can be large: left out with `results: false`. */
  list(filter: { limit: number; parent?: string; results?: boolean }): Promise<TaskRecord[]>;
  /** Every record whose status says that a process is at work on it. */
  unfinished(): Promise<TaskRecord[]>;
  /** Sets `interrupted` where the record is still owned by that process and unfinished. */
  interrupt(id: string, owner: TaskRecord['owner'], at: string): Promise<boolean>;
  /** Forgets finished tasks (with children) beyond the newest `keep`. */
  prune(keep: number): Promise<void>;
}

const unfinishedStatuses = "('queued', 'running', 'waiting_for_user', 'cancelling')";
const withoutResult = `id, kind, title, target, parent, status, input, steps, progress, error, created_at, ended_at,
  owner_pid, owner_birth`;
type Row = Record<string, string | number | null>;

const text = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));
const parsed = <T>(value: string | number | null | undefined): T | undefined =>
  typeof value === 'string' ? (JSON.parse(value) as T) : undefined;

function fromRow(row: Row): TaskRecord {
  const record: TaskRecord = {
    id: String(row['id']),
    kind: String(row['kind']),
    title: String(row['title']),
    status: row['status'] as TaskStatus,
    input: parsed(row['input']),
    steps: parsed<TaskStep[]>(row['steps']) ?? [],
    created_at: String(row['created_at']),
    owner: { pid: Number(row['owner_pid']), birth: String(row['owner_birth']) },
  };
  if (row['target'] !== null) record.target = String(row['target']);
  if (row['parent'] !== null) record.parent = String(row['parent']);
  if (row['ended_at'] !== null) record.ended_at = String(row['ended_at']);
  const progress = parsed<Progress>(row['progress']);
  if (progress !== undefined) record.progress = progress;
  const error = parsed<ErrorAnswer>(row['error']);
  if (error !== undefined) record.error = error;
  const result = parsed<unknown>(row['result']);
  if (result !== undefined) record.result = result;
  return record;
}

export function taskRepository(database: DatabaseSync): TaskRepository {
  const rows = (sql: string, ...values: SQLInputValue[]): TaskRecord[] =>
    (database.prepare(sql).all(...values) as Row[]).map(fromRow);
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- see the head of this file
    async save(record) {
      database
        .prepare(
          `INSERT INTO tasks (id, kind, title, target, parent, status, input, steps, progress, error, result,
             created_at, ended_at, owner_pid, owner_birth)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT(id) DO UPDATE SET status = excluded.status, steps = excluded.steps,
             progress = excluded.progress, error = excluded.error, result = excluded.result,
             ended_at = excluded.ended_at`,
        )
        .run(
          record.id,
          record.kind,
          record.title,
          record.target ?? null,
          record.parent ?? null,
          record.status,
          text(record.input) ?? 'null',
          JSON.stringify(record.steps),
          text(record.progress),
          text(record.error),
          text(record.result),
          record.created_at,
          record.ended_at ?? null,
          record.owner.pid,
          record.owner.birth,
        );
    },
    get: (id) => Promise.resolve(rows('SELECT * FROM tasks WHERE id = ?', id)[0]),
    list: ({ limit, parent, results = true }) => {
      const columns = results ? '*' : withoutResult;
      return Promise.resolve(
        parent === undefined
          ? rows(
              `SELECT ${columns} FROM tasks WHERE parent IS NULL ORDER BY created_at DESC, rowid DESC LIMIT ?`,
              limit,
            )
          : rows(`SELECT ${columns} FROM tasks WHERE parent = ? ORDER BY rowid LIMIT ?`, parent, limit),
      );
    },
    unfinished: () => Promise.resolve(rows(`SELECT * FROM tasks WHERE status IN ${unfinishedStatuses}`)),
    interrupt: (id, owner, at) => {
      const done = database
        .prepare(
          `UPDATE tasks SET status = 'interrupted', ended_at = ?
           WHERE id = ? AND owner_pid = ? AND owner_birth = ? AND status IN ${unfinishedStatuses}`,
        )
        .run(at, id, owner.pid, owner.birth);
      return Promise.resolve(Number(done.changes) > 0);
    },
    prune: (keep) => {
      const old = `SELECT id FROM tasks WHERE parent IS NULL AND status NOT IN ${unfinishedStatuses}
        ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET ?`;
      database.prepare(`DELETE FROM tasks WHERE parent IN (${old})`).run(keep);
      database.prepare(`DELETE FROM tasks WHERE id IN (${old})`).run(keep);
      return Promise.resolve();
    },
  };
}
