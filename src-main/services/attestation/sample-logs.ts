/**
 * Lines of FLARE's own check, which confidential kits write where no admin command reaches. Logging is turned to the server's own
 * log file for a while, read, and put back (docs/reference/confidential-computing.md §1.6): meanwhile nothing goes to the log
 * drive, so it is done on demand only.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DeskError } from '../../contract/errors.ts';
import { type CcLine, readCcLine } from '../../domain/attestation/index.ts';
import type { ReportProgress } from '../../ports.ts';
import type { AdminSession } from '../flare/index.ts';

export interface SampledLine {
  line: string;
  read: CcLine;
}

const onceMs = 5_000;
const tailLines = 200;

/**
 * Turns the server's log to its file for `seconds`, gathers the lines about the check, and restores logging whatever happens.
 * @returns the lines, new ones only, oldest first; `restored` false when the server did not take the order to restore
 * @throws DeskError `denied` (only a project admin may), `cancelled`
 */
export async function sampleLogs(
  session: AdminSession,
  options: { seconds: number; signal?: AbortSignal; report?: ReportProgress },
): Promise<{ lines: SampledLine[]; restored: boolean }> {
  const { seconds, signal, report } = options;
  const turned = await session.execute(
    'configure_site_log server full',
    signal === undefined ? {} : { signal },
  );
  if (!turned.ok) {
    throw new DeskError(
      'denied',
      `The server does not change its logging: ${turned.message ?? turned.status}.`,
      {
        hint: 'Only a project admin may; other sources of evidence need no such right.',
      },
    );
  }
  const lines = new Map<string, SampledLine>();
  const before = new Set(await tail(session, signal).catch(() => [] as string[]));
  let restored = false;
  try {
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      await sleep(Math.min(onceMs, Math.max(0, end - performance.now())), undefined, { signal }).catch(
        () => undefined,
      );
      if (signal?.aborted)
        throw new DeskError('cancelled', 'The sampling was cancelled; logging is as before.');
      for (const line of await tail(session, signal).catch(() => [] as string[])) {
        const read = before.has(line) ? undefined : readCcLine(line);
        if (read !== undefined) lines.set(line, { line, read });
      }
      report?.({ step: 'sample', message: `${lines.size} lines` });
    }
  } finally {
    restored = await session.execute('configure_site_log server reload').then(
      ({ ok }) => ok,
      () => false,
    );
  }
  return { lines: [...lines.values()], restored };
}

async function tail(session: AdminSession, signal: AbortSignal | undefined): Promise<string[]> {
  const reply = await session.execute(
    `tail server -n ${tailLines} log.txt`,
    signal === undefined ? {} : { signal },
  );
  return reply.items
    .flatMap((item) => (item.type === 'string' ? item.data.split('\n') : []))
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
