/** Runs a kit's scripts with stand-ins for python3, docker and sleep, and tells what happened. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const python = `#!/bin/bash
{ printf '%s\\x01' "$@"; echo; } >>"$RECORD"
echo "$PYTHONPATH $MALLOC_ARENA_MAX" >"$RECORD.env"
case "$*" in
  *verify_startup_kits*) exit "\${FAKE_VERIFY:-0}" ;;
esac
echo $$ >"$RECORD.pid"
[[ "\${FAKE_PYTHON:-stay}" == stay ]] || exit "$FAKE_PYTHON"
exec /bin/sleep 60
`;
/** The five seconds of the real loop take a moment here. */
const sleep = '#!/bin/bash\nexec /bin/sleep 0.1\n';

export interface Outcome {
  exit: number | null;
  /** Arguments of every call of python3, with the stage's folder replaced. */
  calls: string[][];
  /** The marker files left in the kit (or the runtime folder). */
  markers: string[];
}

export class Stage {
  readonly folder: string;
  /** The kit; scripts are in its `startup`. */
  readonly kit: string;
  readonly #children: ChildProcess[] = [];

  private constructor(folder: string, kit: string) {
    this.folder = folder;
    this.kit = kit;
  }

  /** `kitName` may hold blanks. `scripts`: file name to text. */
  static async set(kitName: string, scripts: Record<string, string>): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'flaredesk-stage-'));
    const stage = new Stage(folder, join(folder, kitName));
    await mkdir(join(folder, 'bin'));
    await mkdir(join(stage.kit, 'startup'), { recursive: true });
    await mkdir(join(stage.kit, 'local'));
    await writeFile(join(folder, 'record'), '');
    for (const [name, text] of [
      ['python3', python],
      ['sleep', sleep],
    ] as const) {
      await writeFile(join(folder, 'bin', name), text, { mode: 0o755 });
    }
    for (const [name, text] of Object.entries(scripts)) {
      await writeFile(join(stage.kit, 'startup', name), text, { mode: 0o755 });
    }
    return stage;
  }

  run(script: string, args: string[] = [], env: Record<string, string> = {}, input = ''): ChildProcess {
    const child = spawn(join(this.kit, 'startup', script), args, {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: `${join(this.folder, 'bin')}:/usr/bin:/bin`, RECORD: join(this.folder, 'record'), ...env },
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    this.#children.push(child);
    return child;
  }

  async mark(name: string, text = ''): Promise<void> {
    await writeFile(join(this.kit, name), text);
  }

  async calls(): Promise<string[][]> {
    const lines = (await readFile(join(this.folder, 'record'), 'utf8')).split('\n').slice(0, -1);
    const plain = (word: string): string =>
      word.replaceAll(this.kit, '<kit>').replaceAll(this.folder, '<stage>');
    return lines.map((line) => line.split('\x01').slice(0, -1).map(plain));
  }

  /** Waits until Python was called so often. */
  async called(times: number): Promise<void> {
    await this.until(async () => (await this.calls()).length >= times, `${times} calls of python3`);
  }

  async until(condition: () => Promise<boolean>, what: string): Promise<void> {
    const end = Date.now() + 15_000;
    while (!(await condition())) {
      if (Date.now() > end) throw new Error(`did not happen: ${what}`);
      await delay(20);
    }
  }

  /** The pid that the newest stand-in for Python has. */
  async pythonPid(): Promise<string> {
    return (await readFile(join(this.folder, 'record.pid'), 'utf8')).trim();
  }

  async outcome(child: ChildProcess, where = this.kit): Promise<Outcome> {
    if (child.exitCode === null && child.signalCode === null) {
      await Promise.race([once(child, 'exit'), delay(20_000, undefined, { ref: false })]);
    }
    const markers = (await readdir(where)).filter((name) => name.endsWith('.fl')).toSorted();
    return { exit: child.exitCode, calls: await this.calls(), markers };
  }

  /** Ends whatever still runs (each script has a process group of its own) and removes the folder. */
  async clear(): Promise<void> {
    for (const { pid } of this.#children) {
      try {
        if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      } catch {
        // The group is gone already.
      }
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}
