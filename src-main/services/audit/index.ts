/** The audit trail: append-only and hash-chained. Who did what to which thing, and how it ended. */
export { createAudit, type Audit, type AuditEntry, type AuditEvent, type AuditVerdict } from './audit.ts';
