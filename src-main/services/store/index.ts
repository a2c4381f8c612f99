/** The one SQLite file in the state folder: task records, the audit trail, console history. */
import { attestationRepository, type AttestationRepository } from './attestation-repository.ts';
import { auditRepository, type AuditRepository } from './audit-repository.ts';
import { openDatabase } from './database.ts';
import { documentRepository, type DocumentRepository } from './document-repository.ts';
import { historyRepository, type HistoryRepository } from './history-repository.ts';
import { taskRepository, type TaskRepository } from './task-repository.ts';

export type { AttestationRepository, TimelineEntry } from './attestation-repository.ts';
export type { AuditRepository, AuditRow } from './audit-repository.ts';
export type { DocumentRepository } from './document-repository.ts';
export type { HistoryRepository } from './history-repository.ts';
export type { TaskRecord, TaskRepository, TaskStatus, TaskStep } from './task-repository.ts';

export interface Store {
  readonly tasks: TaskRepository;
  readonly audit: AuditRepository;
  readonly history: HistoryRepository;
  readonly documents: DocumentRepository;
  readonly attestation: AttestationRepository;
  close(): void;
}

/**
 * Opens the store in `folder` (made with mode 700 when missing) and migrates it; before a migration the file is
 * copied to `flaredesk.sqlite.before-N`. Several processes may have it open.
 * Throws DeskError: `unsupported` (written by a newer program), `integrity` (not a database), `denied`.
 */
export function openStore(folder: string): Store {
  const database = openDatabase(folder);
  return {
    tasks: taskRepository(database),
    audit: auditRepository(database),
    history: historyRepository(database),
    documents: documentRepository(database),
    attestation: attestationRepository(database),
    close: () => database.close(),
  };
}
