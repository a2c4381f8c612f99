import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { DeskError } from '../../contract/errors.ts';
import type { Clock } from '../../ports.ts';
import { redact } from '../logging/index.ts';
import type { AuditRepository, AuditRow } from '../store/index.ts';

export interface AuditEvent {
  /** Who asked: `command`, a window. */
  actor: string;
  /** A name of the contract: `provisioning.run`. */
  action: string;
  /** What it was done to: a project file, a kit, a job. */
  target: string;
  /** `started`, `done`, or the error code. */
  outcome: string;
  detail?: Record<string, unknown>;
}

export interface AuditEntry extends Omit<AuditRow, 'detail'> {
  detail: Record<string, unknown>;
}

export interface AuditVerdict {
  entries: number;
  intact: boolean;
  /** Sequence number of the first entry that does not hold. */
  brokenAt?: number;
  problem?: string;
}

export interface Audit {
  /** Appends one entry, secrets taken out. */
  append(event: AuditEvent): Promise<AuditEntry>;
  /** Walks the whole chain; also finds entries cut off at its end, by the remembered head. */
  verify(): Promise<AuditVerdict>;
  /** Newest first. */
  newest(limit: number): Promise<AuditEntry[]>;
  /**
   * Writes the chain as JSON lines to a new file with mode 600; answers how many entries.
   * Throws: conflict (the file exists), not_found (no such folder), denied.
   */
  exportTo(file: string): Promise<number>;
}

const genesis = '0'.repeat(64);
const pageSize = 500;

/** Every field in fixed order, lengths by JSON: no two different entries give one text. */
const hashOf = (row: Omit<AuditRow, 'hash'>): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        row.seq,
        row.at,
        row.actor,
        row.action,
        row.target,
        row.outcome,
        row.detail,
        row.previous,
      ]),
    )
    .digest('hex');

const toEntry = (row: AuditRow): AuditEntry => ({
  ...row,
  detail: JSON.parse(row.detail) as Record<string, unknown>,
});

function refuseFile(file: string, cause: unknown): never {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'EEXIST') {
    throw new DeskError('conflict', `${file} is there already.`, { hint: 'Name a new file.', cause });
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    throw new DeskError('not_found', `The folder of ${file} does not exist.`, {
      hint: 'Make it first.',
      cause,
    });
  }
  throw new DeskError('denied', `${file} cannot be written (${code}).`, { hint: 'Check its folder.', cause });
}

/**
 * The trail over a repository. The head (last number and hash) is also kept in `folder/audit-head.json`, so that
 * a chain cut short is found; it is written after the row, hence it may lag behind but never runs ahead.
 */
export function createAudit(repository: AuditRepository, folder: string, clock: Clock): Audit {
  const headFile = join(folder, 'audit-head.json');

  const readHead = (): { seq: number; hash: string } | undefined => {
    try {
      return JSON.parse(readFileSync(headFile, 'utf8')) as { seq: number; hash: string };
    } catch {
      return undefined;
    }
  };

  const rows = async function* (): AsyncGenerator<AuditRow> {
    let after = 0;
    for (;;) {
      const page = await repository.page(after, pageSize);
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < pageSize) return;
      after = last.seq;
    }
  };

  return {
    async append(event) {
      const row = await repository.append((last) => {
        const unsigned = {
          seq: (last?.seq ?? 0) + 1,
          at: new Date(clock.now()).toISOString(),
          actor: event.actor,
          action: event.action,
          target: String(redact(event.target)),
          outcome: event.outcome,
          detail: JSON.stringify(redact(event.detail ?? {})),
          previous: last?.hash ?? genesis,
        };
        return { ...unsigned, hash: hashOf(unsigned) };
      });
      await writeFileAtomic(headFile, JSON.stringify({ seq: row.seq, hash: row.hash }), { mode: 0o600 });
      return toEntry(row);
    },

    async verify() {
      let previous = genesis;
      let entries = 0;
      const head = readHead();
      let headSeen = head === undefined;
      const broken = (brokenAt: number, problem: string): AuditVerdict => ({
        entries,
        intact: false,
        brokenAt,
        problem,
      });
      for await (const row of rows()) {
        if (row.seq !== entries + 1) return broken(entries + 1, `Entry ${entries + 1} is missing.`);
        if (row.previous !== previous)
          return broken(row.seq, `Entry ${row.seq} does not follow the one before it.`);
        const { hash, ...rest } = row;
        if (hashOf(rest) !== hash)
          return broken(row.seq, `Entry ${row.seq} was changed after it was written.`);
        if (head?.seq === row.seq) {
          if (head.hash !== hash) return broken(row.seq, `Entry ${row.seq} is not the one that was written.`);
          headSeen = true;
        }
        previous = hash;
        entries += 1;
      }
      if (!headSeen) return broken(entries + 1, `Entries after ${entries} were removed.`);
      return { entries, intact: true };
    },

    newest: async (limit) => (await repository.newest(limit)).map(toEntry),

    async exportTo(file) {
      const target = await open(file, 'wx', 0o600).catch((error: unknown) => refuseFile(file, error));
      let count = 0;
      try {
        for await (const row of rows()) {
          await target.write(`${JSON.stringify(toEntry(row))}\n`);
          count += 1;
        }
        await target.sync();
      } finally {
        await target.close();
      }
      return count;
    },
  };
}
