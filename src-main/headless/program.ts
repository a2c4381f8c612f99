/** The command table, and the way from words to an exit code. */
import { Command, CommanderError } from 'commander';
import { DeskError } from '../contract/errors.ts';
import { wholeNumber, type CommandHost, type RegisterCommands } from './command.ts';
import type { ExitCode } from './exit-codes.ts';
import { createPrinter } from './printer.ts';
import type { Terminal } from './terminal.ts';
import { registerAttest } from './commands/attest.ts';
import { registerConsole } from './commands/console.ts';
import { registerCvm } from './commands/cvm.ts';
import { registerUserData } from './commands/user-data.ts';
import { registerDemo } from './commands/demo.ts';
import { registerHost } from './commands/host.ts';
import { registerJob } from './commands/job.ts';
import { registerKbs } from './commands/kbs.ts';
import { registerKit } from './commands/kit.ts';
import { registerProject } from './commands/project.ts';
import { registerProvision } from './commands/provision.ts';
import { registerServe } from './commands/serve.ts';
import { registerSession } from './commands/session.ts';
import { registerSites } from './commands/sites.ts';
import { registerTask } from './commands/task.ts';
import { registerVcek } from './commands/vcek.ts';
import { version } from './version.ts';

const registrations: readonly RegisterCommands[] = [
  registerProject,
  registerProvision,
  registerKit,
  registerCvm,
  registerUserData,
  registerSites,
  registerHost,
  registerKbs,
  registerSession,
  registerConsole,
  registerJob,
  registerAttest,
  registerVcek,
  registerTask,
  registerServe,
  registerDemo,
];

/** The whole command table. */
export function buildProgram(host: CommandHost): Command {
  const { terminal } = host;
  const program = new Command('flaredesk')
    .description('Provision, deliver, start and operate NVIDIA FLARE federations.')
    .version(version)
    .option('--json', 'print exactly one JSON document')
    .option('--passphrase-fd <n>', 'read a passphrase from this file descriptor', wholeNumber)
    .addHelpText(
      'after',
      '\nExample:\n  $ flaredesk project check project.yml\n\nEvery command has --help with an example.',
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      // Said once, by the printer.
      writeErr: () => undefined,
    })
    .showSuggestionAfterError(true);
  for (const register of registrations) register(program, host);
  return program;
}

/** The sentence of commander without its own lead. */
const sentence = (error: CommanderError): string => {
  const text = error.message.replace(/^error: /, '').replace(/\n+\(?/g, ' (');
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** The deepest command that the words name, for the hint. */
function commandPath(program: Command, words: readonly string[]): string {
  let current = program;
  const path = [program.name()];
  for (const word of words) {
    const next = current.commands.find((one) => one.name() === word);
    if (!next) continue;
    current = next;
    path.push(word);
  }
  return path.join(' ');
}

/** Runs one command line. Never throws. */
export async function runCommandLine(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const host: CommandHost = { terminal, outcome: { exitCode: 0 } };
  const program = buildProgram(host);
  try {
    await program.parseAsync(words, { from: 'user' });
    return host.outcome.exitCode;
  } catch (error) {
    const printer = createPrinter(terminal, words.includes('--json'));
    if (!(error instanceof CommanderError)) {
      const answer =
        error instanceof DeskError
          ? error.toAnswer()
          : new DeskError('internal', `The command failed: ${(error as Error).message}`).toAnswer();
      return printer.answer({ ok: false, error: answer }, () => '');
    }
    if (error.exitCode === 0) return 0;
    const path = commandPath(program, words);
    const missing = error.code === 'commander.help';
    const usage = new DeskError('bad_usage', missing ? `${path} needs a command.` : sentence(error), {
      hint: `${path} --help shows how it is used.`,
    });
    return printer.answer({ ok: false, error: usage.toAnswer() }, () => '');
  }
}
