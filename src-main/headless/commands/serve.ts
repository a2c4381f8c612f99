/** `flaredesk serve`: the windows in a browser on this machine. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { DeskError } from '../../contract/errors.ts';
import { createCore } from '../../core.ts';
import { stateFolderOf } from '../../core/state-folder.ts';
import { command, type RegisterCommands, wholeNumber } from '../command.ts';
import { createPrinter } from '../printer.ts';
import { version } from '../version.ts';
import { startWebHost, type WebHost } from '../web-host.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** The built pages: beside the built command, or in `out` when it runs from its sources. */
function pagesFolder(): string {
  const places = [join(here, '../renderer'), join(here, '../../../out/renderer')];
  const found = places.find((folder) => existsSync(join(folder, 'index.html')));
  if (found !== undefined) return found;
  throw new DeskError('not_found', 'The pages are not built.', { hint: 'Run: npm run build' });
}

/** How long an unused admin session stays open between two clicks. */
const keepSessionsMs = 120_000;

export const registerServe: RegisterCommands = (program, host) => {
  command(
    program,
    'serve',
    'show the windows in a browser on this machine (loopback only, one-time address)',
    'flaredesk serve --port 8765',
  )
    .addOption(
      new Option('--port <n>', 'port to listen on; 0 picks a free one').argParser(wholeNumber).default(0),
    )
    .action(async (options: { port: number }, self: Command) => {
      const { terminal } = host;
      const printer = createPrinter(terminal, self.optsWithGlobals<{ json?: boolean }>().json === true);
      const agent = terminal.environment['SSH_AUTH_SOCK'];
      const testRoot = terminal.environment['FLAREDESK_TEST_ATTESTATION_ROOT'];
      let web: WebHost | undefined;
      const core = createCore({
        stateFolder: stateFolderOf(terminal.environment, terminal.home, terminal.currentFolder),
        version,
        environment: {
          home: terminal.home,
          user: terminal.user,
          ...(agent ? { sshAgentSocket: agent } : {}),
          ...(testRoot ? { testAttestationRoot: resolve(terminal.currentFolder, testRoot) } : {}),
        },
        prompter: (name, question, signal) =>
          web ? web.ask(name, question, signal) : Promise.reject(new Error('No page is open.')),
        keepSessionsMs,
        checkOutputs: terminal.environment['FLAREDESK_CHECK'] === '1',
      });
      try {
        web = await startWebHost({ core, pages: pagesFolder(), port: options.port });
        printer.answer({ ok: true, value: { address: web.url } }, () => `${web?.url ?? ''}\n`);
        terminal.stderr.write(
          'Open this address in a browser on this machine. It works once. Ctrl-C ends it.\n',
        );
        await new Promise<void>((resolve) => {
          terminal.onInterrupt(() => resolve());
        });
        host.outcome.exitCode = 0;
      } finally {
        await web?.close();
        await core.dispose();
      }
    });
};
