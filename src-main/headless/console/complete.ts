/** Completion in the console: command names first, then what the usage of the command allows. */
import type { StreamItem } from '../../contract/index.ts';

export type Opened = Extract<StreamItem<'session.console'>, { kind: 'opened' }>;

/** Commands the console answers itself. */
const localCommands = ['help', '?', 'bye', 'exit'] as const;

/** Keywords of a usage text: `check_status server|client [...]` gives server and client. */
function keywordsOf(usage: string): string[] {
  const words = usage.split(/\s+/).slice(1);
  return [...new Set(words.flatMap((word) => word.replace(/[[\]().]/g, '').split('|')))].filter((word) =>
    /^(all|server|client|-{1,2}[a-z][\w-]*)$/.test(word),
  );
}

/** Readline's form: what fits, and the part of the line it would take the place of. */
export function complete(
  line: string,
  opened: Pick<Opened, 'commands'>,
  seen: Iterable<string>,
): [string[], string] {
  const word = /\S*$/.exec(line)?.[0] ?? '';
  const isFirst = line.trimStart() === word;
  const command = opened.commands.find(({ name }) => name === line.trimStart().split(/\s+/, 1)[0]);
  const candidates = isFirst
    ? [...opened.commands.map(({ name }) => name), ...localCommands]
    : [...keywordsOf(command?.usage ?? ''), ...seen];
  const fitting = [...new Set(candidates)].filter((candidate) => candidate.startsWith(word)).sort();
  return [fitting.map((candidate) => (isFirst || fitting.length === 1 ? `${candidate} ` : candidate)), word];
}

/** Names worth completing later: job ids and site names in the meta of a reply. */
export function namesIn(meta: Record<string, unknown>): string[] {
  const rows = [meta['jobs'], meta['clients'], meta['client_status']]
    .filter(Array.isArray)
    .flat() as unknown[];
  const names = rows.flatMap((row) => {
    const fields = (typeof row === 'object' && row !== null ? row : {}) as Record<string, unknown>;
    return [fields['job_id'], fields['client_name']];
  });
  return [...names, meta['job_id']].filter(
    (name): name is string => typeof name === 'string' && /^\S+$/.test(name),
  );
}
