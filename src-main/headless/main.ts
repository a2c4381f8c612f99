#!/usr/bin/env node
/** The `flaredesk` command: this process as a terminal of the core. */
import { homedir, userInfo } from 'node:os';
import { runCommandLine } from './program.ts';
import type { Terminal } from './terminal.ts';

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env['USER'] ?? 'unknown';
  }
}

const terminal: Terminal = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  currentFolder: process.cwd(),
  program: process.argv[1] ?? '',
  home: homedir(),
  user: userName(),
  onInterrupt(listener) {
    let times = 0;
    const onSignal = (): void => {
      times += 1;
      if (times > 1) process.exit(130);
      listener();
    };
    const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, onSignal);
    return () => {
      for (const signal of signals) process.off(signal, onSignal);
    };
  },
};

// A reader that has seen enough (`| head`) is not a failure worth a stack.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runCommandLine(process.argv.slice(2), terminal);
