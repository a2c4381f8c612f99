/**
 * `flaredesk demo`: the main job on this machine from nothing. The real parts it needs (NVFlare in a Python
 * environment, SSH servers) are prepared by the lab of the source checkout, so it runs from a checkout only.
 */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import type { Envelope } from '../../contract/kernel.ts';
import { command, run, type RegisterCommands } from '../command.ts';
import type { Desk } from '../desk.ts';

interface Summary {
  status: string;
  /** Path of the model the job made. */
  model: string;
  seconds: number;
}

/** The checkout the running program belongs to. */
function checkoutOf(program: string): string | undefined {
  let folder = existsSync(program) ? dirname(realpathSync(program)) : undefined;
  while (folder !== undefined) {
    if (existsSync(join(folder, 'scripts/run.mjs')) && existsSync(join(folder, 'test/lab/demo.ts')))
      return folder;
    folder = dirname(folder) === folder ? undefined : dirname(folder);
  }
  return undefined;
}

async function demo(desk: Desk, options: { flare?: string }) {
  const { terminal, printer, interrupted } = desk;
  const checkout = checkoutOf(terminal.program);
  if (checkout === undefined) {
    throw new DeskError('unsupported', 'The demo runs from a checkout of the sources only.', {
      hint: 'It starts NVFlare and SSH servers that the checkout prepares: clone the repository, then npm run demo.',
    });
  }
  const began = performance.now();
  const words = [
    'scripts/run.mjs',
    'demo',
    ...(options.flare === undefined ? [] : ['--flare', options.flare]),
  ];
  const child = spawn(process.execPath, words, { cwd: checkout, stdio: ['ignore', 'pipe', 'inherit'] });
  const forward = (): void => void child.kill('SIGINT');
  interrupted.addEventListener('abort', forward, { once: true });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    (printer.json ? terminal.stderr : terminal.stdout).write(text);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  interrupted.removeEventListener('abort', forward);
  const status = /^FINISHED:\w+$/m.exec(said)?.[0];
  const model = /^model: (.+?)(?: \(\d+ bytes\))?$/m.exec(said)?.[1];
  if (interrupted.aborted) throw new DeskError('cancelled', 'The demo was cancelled.');
  const seconds = (performance.now() - began) / 1000;
  const answer: Envelope<Summary> =
    code === 0 && status !== undefined && model !== undefined
      ? { ok: true, value: { status, model, seconds } }
      : {
          ok: false,
          error: new DeskError('remote_failed', 'The demo did not come to its end.', {
            hint: 'What went wrong stands above.',
          }).toAnswer(),
        };
  return printer.answer(answer, () => '');
}

export const registerDemo: RegisterCommands = (program, host) => {
  command(
    program,
    'demo',
    'the main job on this machine from nothing, on a real NVFlare (from a source checkout)',
    'flaredesk demo --flare 2.8.1',
  )
    .option('--flare <version>', 'which NVFlare: 2.7.2 or 2.8.1')
    .action(run(host, demo));
};
