/** What a script of a kit runs: its command lines, recorded by stand-ins for python3 and docker. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Prints its name and arguments as one line, each argument ended by \x01. */
const recorder = `#!/bin/bash
{ printf '%s\\x01' "\${0##*/}" "$@"; echo; } >>"$RECORD"
`;

const known = new Map<string, Promise<unknown>>();

/** `bash -n`, then the command lines of every way to call the script. Equal texts are run once. */
export async function scriptShape(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8');
  const key = createHash('sha256')
    .update(`${basename(file)}\n${text}`)
    .digest('hex');
  const shape = known.get(key) ?? observe(file);
  known.set(key, shape);
  return await shape;
}

async function observe(file: string): Promise<unknown> {
  const name = basename(file);
  const syntax = await run('bash', ['-n', file]).then(
    () => 'valid bash',
    (error: Error) => error.message,
  );
  const calls: Record<string, { args: string[]; input?: string }[]> = {
    'sub_start.sh': [{ args: ['--once'] }, { args: ['--verify', '--once'] }],
    'fl_admin.sh': [{ args: [] }, { args: ['-x', 'a b'] }],
    'docker.sh': [{ args: [] }, { args: ['-d'] }],
  };
  if (name === 'start_all.sh') {
    const starts = [...(await readFile(file, 'utf8')).matchAll(/\/([^/]+)\/startup\/start\.sh/g)];
    return { syntax, order: starts.map((match) => match[1]) };
  }
  const commands: unknown[] = [];
  for (const call of calls[name] ?? []) commands.push(await record(file, call.args));
  return { syntax, commands };
}

/** Runs a copy of the script in an otherwise empty kit. */
async function record(script: string, args: string[]): Promise<string[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'flaredesk-script-'));
  try {
    const bin = join(folder, 'bin');
    const startup = join(folder, 'kit/startup');
    const log = join(folder, 'record');
    await Promise.all([
      mkdir(bin),
      mkdir(startup, { recursive: true }),
      mkdir(join(folder, 'kit/local'), { recursive: true }),
      writeFile(log, ''),
    ]);
    for (const name of ['python3', 'docker']) await writeFile(join(bin, name), recorder, { mode: 0o755 });
    await cp(script, join(startup, basename(script)));
    await end(
      join(startup, basename(script)),
      args,
      { RECORD: log, PATH: `${bin}:/usr/bin:/bin` },
      dirname(folder),
    );
    const lines = (await readFile(log, 'utf8')).split('\n').slice(0, -1);
    // The working folder in a container is the same with and without the last slash.
    return lines.map((line) =>
      line
        .split('\x01')
        .slice(0, -1)
        .map((word) => word.replaceAll(folder, '<folder>').replace(/^\/workspace\/$/, '/workspace')),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function end(script: string, args: string[], env: Record<string, string>, cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', [script, ...args], {
      env,
      cwd,
      stdio: 'ignore',
      timeout: 20_000,
      killSignal: 'SIGKILL',
    });
    child.once('error', reject);
    child.once('exit', () => resolve());
  });
}
