/** The console commands that move files: `submit_job`, `download_job`, `download_job_components`. */
import { isAbsolute, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DeskError } from '../contract/errors.ts';
import type { StreamItem } from '../contract/index.ts';
import type { Caller, ReportProgress } from '../ports.ts';
import type { AdminKit, AdminSession, CommandInfo } from '../services/flare/index.ts';

type Reply = Extract<StreamItem<'session.console'>, { kind: 'reply' }>;

export interface Transfer {
  readonly line: string;
  readonly command: CommandInfo;
  /** The words behind the command. */
  readonly words: readonly string[];
  readonly session: AdminSession;
  readonly kit: AdminKit;
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

const reply = (line: string, texts: readonly string[], meta: Record<string, unknown>): Reply => ({
  kind: 'reply',
  reply: {
    line,
    ok: true,
    status: 'ok',
    items: texts.map((data) => ({ type: 'string', data })),
    meta: { status: 'ok', ...meta },
  },
});

const misused = ({ command }: Transfer): DeskError =>
  new DeskError('invalid_input', `"${command.name}" cannot be run like that.`, {
    hint: `Usage: ${command.usage}`,
  });

/** An absolute path only from callers that may name one. */
function allowed({ caller }: Transfer, named: string, instead: string): string {
  const place = caller.placeOf(named);
  if (place !== undefined) return place;
  throw new DeskError('denied', `${caller.name} may not choose the path "${named}".`, { hint: instead });
}

async function upload(transfer: Transfer): Promise<Reply> {
  const { submitJob } = await import('../services/jobs/index.ts');
  const { line, session, kit, signal, report } = transfer;
  const { named, submitToken } = uploadWords(transfer);
  const job = isAbsolute(named)
    ? allowed(transfer, named, `Name a folder of the transfer folder ${kit.uploadDir}.`)
    : named;
  const { job_id, jobName, findings } = await submitJob(session, kit, job, {
    ...(submitToken === undefined ? {} : { submitToken }),
    signal,
    report,
  });
  const warnings = findings.map(({ severity, message }) => `${severity}: ${message}`);
  return reply(line, [...warnings, `Submitted ${jobName}: ${job_id}`], { job_id });
}

/** `submit_job FOLDER [--submit-token TOKEN]`; only servers that know the option name it in their usage. */
function uploadWords(transfer: Transfer): { named: string; submitToken: string | undefined } {
  const { command, words } = transfer;
  const knowsToken = command.usage.includes('--submit-token');
  try {
    const { positionals, values } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: knowsToken ? { 'submit-token': { type: 'string' as const } } : {},
    });
    const [named] = positionals;
    if (named === undefined || positionals.length > 1) throw misused(transfer);
    return { named, submitToken: (values as { 'submit-token'?: string })['submit-token'] };
  } catch {
    throw misused(transfer);
  }
}

async function download(transfer: Transfer): Promise<Reply> {
  const { downloadJob } = await import('../services/jobs/index.ts');
  const { line, command, words, session, signal, report } = transfer;
  const [jobId, destination] = words;
  if (jobId === undefined || words.length > 2) throw misused(transfer);
  const { folder, files } = await downloadJob(session, jobId, {
    into: destination === undefined ? transfer.kit.downloadDir : downloadPlace(transfer, destination),
    what: command.name === 'download_job_components' ? 'components' : 'job',
    signal,
    report,
  });
  return reply(line, [`Downloaded ${files.length} files to ${folder}`], { job_id: jobId, location: folder });
}

/** A folder below the kit's download folder, by its name. */
function downloadPlace(transfer: Transfer, named: string): string {
  const { downloadDir } = transfer.kit;
  const hint = `Name a folder to be made in ${downloadDir}, or leave it out.`;
  if (isAbsolute(named)) return allowed(transfer, named, hint);
  const place = resolve(downloadDir, named);
  if (!/^\.\.(?:[/\\]|$)/.test(relative(downloadDir, place))) return place;
  throw new DeskError('invalid_input', `"${named}" leads out of the download folder ${downloadDir}.`, {
    hint,
  });
}

/** Runs a command whose files this side moves; undefined for one that the server answers alone. */
export function runTransfer(transfer: Transfer): Promise<Reply> | undefined {
  switch (transfer.command.clientCommand) {
    case 'file_transfer.push_folder':
      return upload(transfer);
    case 'file_transfer.pull_folder':
      return download(transfer);
    default:
      return undefined;
  }
}
