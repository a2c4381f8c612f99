/**
 * The shape of the database, as numbered steps. A released step is never edited: a change is a new step at the end.
 * Migration N brings a database of version N-1 to version N.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    target TEXT,
    parent TEXT REFERENCES tasks(id),
    status TEXT NOT NULL,
    input TEXT NOT NULL,
    steps TEXT NOT NULL,
    progress TEXT,
    error TEXT,
    result TEXT,
    created_at TEXT NOT NULL,
    ended_at TEXT,
    owner_pid INTEGER NOT NULL,
    owner_birth TEXT NOT NULL
  ) STRICT;
  CREATE INDEX tasks_by_age ON tasks(created_at);
  CREATE INDEX tasks_by_parent ON tasks(parent);

  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
  CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

  CREATE TABLE console_history (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    line TEXT NOT NULL,
    at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX console_history_by_project ON console_history(project, id);
  `,
  `
  CREATE TABLE documents (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE attestation_timeline (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    site TEXT NOT NULL,
    at INTEGER NOT NULL,
    class TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    actor TEXT NOT NULL,
    outcome TEXT,
    cause TEXT,
    message TEXT NOT NULL,
    chip TEXT,
    detail TEXT,
    evidence BLOB
  ) STRICT;
  CREATE INDEX attestation_by_site ON attestation_timeline(project, site, id);
  CREATE TABLE attestation_seen (
    mark TEXT PRIMARY KEY,
    site TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  `,
];
