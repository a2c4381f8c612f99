/** What may stand at the cursor of a console line. Asks the server only for what the word needs. */
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { AdminKit, AdminSession, CommandInfo } from '../services/flare/index.ts';
import { argumentAt } from './command-arguments.ts';
import { commandOf } from './console-line.ts';

export interface Candidate {
  text: string;
  kind: 'command' | 'job' | 'site' | 'study' | 'folder' | 'file' | 'option';
  about?: string;
}

/** The word the cursor stands at the end of, and where it begins. */
export function wordAt(line: string, cursor: number): { from: number; word: string; index: number } {
  const before = line.slice(0, cursor);
  const word = /\S*$/.exec(before)?.[0] ?? '';
  const index = before
    .slice(0, before.length - word.length)
    .split(/\s+/)
    .filter(Boolean).length;
  return { from: cursor - word.length, word, index };
}

async function jobs(session: AdminSession, signal: AbortSignal): Promise<Candidate[]> {
  const { listJobs } = await import('../services/jobs/index.ts');
  const rows = await listJobs(session, { newestFirst: true, limit: 200, signal });
  return rows.map((row) => ({ text: row.job_id, kind: 'job', about: `${row.name} ${row.status}` }));
}

async function sites(session: AdminSession, signal: AbortSignal): Promise<Candidate[]> {
  const { connectedClients } = await import('../services/jobs/index.ts');
  const names = (await connectedClients(session, { signal })) ?? [];
  return names.map((text) => ({ text, kind: 'site' }));
}

async function studies(session: AdminSession, signal: AbortSignal): Promise<Candidate[]> {
  const reply = await session.execute('list_studies', { signal });
  const dict = reply.items.find((item) => item.type === 'dict');
  const names = dict?.type === 'dict' && Array.isArray(dict.data.studies) ? dict.data.studies : [];
  return names.filter((name) => typeof name === 'string').map((text) => ({ text, kind: 'study' }));
}

async function folders(kit: AdminKit): Promise<Candidate[]> {
  const entries = await readdir(resolve(kit.folder, kit.uploadDir), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => ({ text: entry.name, kind: 'folder' }));
}

/** Files of the server's or a site's working folder, by its own `ls`. */
async function files(
  session: AdminSession,
  target: string,
  word: string,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const { quoteArgument } = await import('../services/flare/index.ts');
  const folder = word.slice(0, word.lastIndexOf('/') + 1);
  const line = `ls ${quoteArgument(target)} -l${folder === '' ? '' : ` ${quoteArgument(folder)}`}`;
  const reply = await session.execute(line, { signal });
  if (!reply.ok) return [];
  const text = reply.items.map((item) => (item.type === 'string' ? item.data : '')).join('\n');
  return listedFiles(text).map(({ name, isFolder }) => ({
    text: `${folder}${name}${isFolder ? '/' : ''}`,
    kind: isFolder ? 'folder' : 'file',
  }));
}

/** The names of an `ls -l`, which is the only form that tells folders from files. Names with blanks are left out. */
export function listedFiles(text: string): { name: string; isFolder: boolean }[] {
  return text.split('\n').flatMap((line) => {
    const [, kind, name] = /^([-dl])\S+(?:\s+\S+){7}\s+(\S+)(?: -> .*)?$/.exec(line.trimEnd()) ?? [];
    return name === undefined ? [] : [{ name, isFolder: kind === 'd' }];
  });
}

/** The options a usage text names, `-n` or `--sites`, each once. */
const optionsIn = (usage: string): Candidate[] =>
  [...new Set(usage.match(/(?<![\w-])--?[A-Za-z][\w-]*/g))].map((text) => ({ text, kind: 'option' }));

const commandCandidates = (commands: readonly CommandInfo[]): Candidate[] => [
  ...commands
    .filter((command) => command.visible)
    .map(({ name, description }) => ({
      text: name,
      kind: 'command' as const,
      about: description,
    })),
  ...['help', 'clear', 'bye'].map((text) => ({ text, kind: 'command' as const })),
];

/** Candidates that begin with the word at the cursor, and where they go. An unreachable server completes commands only. */
export async function completeLine(
  session: AdminSession,
  kit: AdminKit,
  line: string,
  cursor: number,
  signal: AbortSignal,
): Promise<{ from: number; candidates: Candidate[] }> {
  const { from, word, index } = wordAt(line, cursor);
  const words = line.slice(0, cursor).split(/\s+/).filter(Boolean);
  const fitting = (all: Candidate[]): Candidate[] =>
    all.filter((candidate) => candidate.text.startsWith(word)).slice(0, 500);
  if (index === 0) return { from, candidates: fitting(commandCandidates(session.commands)) };
  const command = (words[0] ?? '').split('.').at(-1) ?? '';
  if (command === 'help' || command === '?') {
    return { from, candidates: fitting(commandCandidates(session.commands)) };
  }
  if (word.startsWith('-')) {
    const usage = commandOf(words[0] ?? '', session.commands)?.usage ?? '';
    return { from, candidates: fitting(optionsIn(usage)) };
  }
  const options = words.slice(1, index).filter((one) => one.startsWith('-')).length;
  const source = argumentAt(command, index - 1 - options);
  const targets: Candidate[] = ['server', 'client', 'all'].map((text) => ({ text, kind: 'option' }));
  switch (source) {
    case undefined:
    case 'new':
      return { from, candidates: [] };
    case 'job':
      return { from, candidates: fitting(await jobs(session, signal)) };
    case 'target':
      return { from, candidates: fitting([...targets, ...(await sites(session, signal))]) };
    case 'site':
      return {
        from,
        candidates: fitting([{ text: 'server', kind: 'site' }, ...(await sites(session, signal))]),
      };
    case 'study':
      return { from, candidates: fitting(await studies(session, signal)) };
    case 'folder':
      return { from, candidates: fitting(await folders(kit)) };
    case 'file':
      return { from, candidates: fitting(await files(session, words[1] ?? 'server', word, signal)) };
  }
}
