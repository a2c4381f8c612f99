/** The real `nvflare provision` of one line, kept running for many projects. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type FlareVersion, flarePython } from '../../lab/nvflare.ts';

export interface ProvisionRequest {
  /** Absolute paths. */
  project: string;
  workspace: string;
  /** Relative paths in the project start here, as the reference wants it. */
  cwd: string;
  addUser?: string;
  addClient?: string;
  genScripts?: boolean;
}

export interface ProvisionAnswer {
  ok: boolean;
  /** What the tool said; the reason when it failed. */
  output: string;
}

export interface Reference {
  provision(request: ProvisionRequest): Promise<ProvisionAnswer>;
  close(): Promise<void>;
}

/** One request at a time. A run that takes longer than a minute ends the process and fails. */
export async function startReference(version: FlareVersion): Promise<Reference> {
  const driver = fileURLToPath(new URL('reference-driver.py', import.meta.url));
  // The tool may leave files in the user's home folder.
  const home = await mkdtemp(join(tmpdir(), 'flaredesk-reference-home-'));
  const process_ = spawn(flarePython(version), ['-u', driver], {
    env: { ...process.env, HOME: home, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface({ input: process_.stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (request: ProvisionRequest): Promise<ProvisionAnswer> => {
    process_.stdin.write(
      `${JSON.stringify({
        project: request.project,
        workspace: request.workspace,
        cwd: request.cwd,
        add_user: request.addUser,
        add_client: request.addClient,
        gen_scripts: request.genScripts === true,
      })}\n`,
    );
    const timer = setTimeout(() => process_.kill('SIGKILL'), 60_000);
    const { value, done } = await lines.next();
    clearTimeout(timer);
    if (done) throw new Error(`nvflare provision ${version} ended without an answer for ${request.project}`);
    return JSON.parse(value) as ProvisionAnswer;
  };
  return {
    provision(request) {
      const answer = last.then(() => ask(request));
      last = answer.catch(() => undefined);
      return answer;
    },
    async close() {
      const ended = once(process_, 'exit');
      process_.stdin.end();
      const timer = setTimeout(() => process_.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(timer);
      await rm(home, { recursive: true, force: true });
    },
  };
}
