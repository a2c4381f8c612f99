import { DeskError, type ErrorCode } from '../../contract/errors.ts';
import type { OpenStream } from '../../contract/index.ts';
import type { Envelope } from '../../contract/kernel.ts';
import { collect, command, given, positiveNumber, run, type RegisterCommands } from '../command.ts';
import { interact } from '../console/interactive.ts';
import { renderReply, type Reply } from '../console/render-reply.ts';
import type { Desk } from '../desk.ts';
import type { ExitCode } from '../exit-codes.ts';
import { kitInput, type KitOptions } from './session.ts';

interface ConsoleOptions extends KitOptions {
  command?: string[];
  yes?: boolean;
  siteTimeout?: number;
}

type Stream = OpenStream<'session.console'>;

/** Runs the lines one after the other; a line that fails does not stop the next, as in the reference console. */
async function runLines(
  stream: Stream,
  lines: readonly string[],
  yes: boolean,
): Promise<Envelope<{ replies: Reply[] }>> {
  const replies: Reply[] = [];
  for (const line of lines) {
    const sent = stream.send({ kind: 'line', line, confirmed: yes });
    if (!sent.ok) return sent;
  }
  stream.send({ kind: 'finish' });
  for await (const item of stream.items) {
    if (item.kind === 'reply') replies.push(item.reply);
    else if (item.kind === 'refused') {
      const { line, code, message } = item;
      replies.push({
        line,
        ok: false,
        status: code,
        message,
        items: [{ type: 'error', data: message }],
        meta: {},
      });
    } else if (item.kind === 'confirm') {
      stream.close();
      throw new DeskError('needs_confirmation', `"${item.line}" wants to be confirmed.`, {
        hint: 'Add --yes.',
      });
    } else if (item.kind === 'ended' && replies.length < lines.length) {
      throw new DeskError('session_lost', `The session ended: ${item.reason}.`);
    }
  }
  const ended = await stream.ended;
  return ended.ok ? { ok: true, value: { replies } } : ended;
}

async function openConsole(desk: Desk, options: ConsoleOptions): Promise<ExitCode> {
  const lines = options.command ?? [];
  if (lines.length === 0 && (desk.printer.json || desk.terminal.stdin.isTTY !== true)) {
    throw new DeskError('bad_usage', 'The interactive console needs a terminal.', {
      hint: 'Hand over lines with -c: flaredesk console --kit DIR -c "check_status server"',
    });
  }
  const input = { ...kitInput(desk, options), ...given({ site_timeout: options.siteTimeout }) };
  const signal = lines.length > 0 ? { signal: desk.interrupted } : {};
  const opened = await desk.client.open('session.console', input, signal);
  if (!opened.ok) return desk.printer.answer(opened, () => '');
  if (lines.length > 0) {
    const answer = await runLines(opened.value, lines, options.yes === true);
    return desk.printer.answer(
      answer,
      ({ replies }) => replies.map(renderReply).join(''),
      ({ replies }) => exitOf(replies),
    );
  }
  await interact(desk, opened.value);
  const ended = await opened.value.ended;
  return ended.ok ? 0 : desk.printer.answer(ended, () => '');
}

function exitOf(replies: readonly Reply[]): ExitCode {
  const failed = replies.filter(({ ok }) => !ok).length;
  if (failed === 0) return 0;
  if (replies.some(({ status }) => status === ('cancelled' satisfies ErrorCode))) return 130;
  return failed === replies.length ? 1 : 3;
}

export const registerConsole: RegisterCommands = (program, host) => {
  const kit = '--kit workspace/study/prod_00/admin@hospital.org';
  command(
    program,
    'console',
    'the admin console; with -c it runs the lines and prints the replies',
    `flaredesk console ${kit}`,
    `flaredesk console ${kit} -c "check_status server" -c list_jobs`,
  )
    .requiredOption('--kit <directory>', 'admin kit')
    .option('--study <name>', 'study to log in to (FLARE 2.8)')
    .option('-c, --command <line>', 'run this line (repeatable)', collect)
    .option('--yes', 'confirm lines that ask for it')
    .option('--site-timeout <seconds>', 'how long the server waits for sites', positiveNumber)
    .action(run(host, openConsole));
};
