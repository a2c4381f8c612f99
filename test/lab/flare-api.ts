/** NVFlare's own Python API (`new_secure_session`) as a second opinion on kits and servers. */
import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type FlareVersion, runPython } from './nvflare.ts';

export interface FlareApiAnswer {
  /** Loading the library; not part of the login. */
  import_seconds: number;
  login_seconds: number;
  server_status: string;
  clients: string[];
  job_id?: string;
  /** Such as `FINISHED:COMPLETED`. */
  status?: string;
  /** The folder of the downloaded result. */
  result?: string;
}

/** Logs in with an admin kit, asks for the state of the system, runs `job` to its end if given, logs out. */
export async function useFlareApi(
  version: FlareVersion,
  kit: string,
  options: { job?: string; seconds?: number } = {},
): Promise<FlareApiAnswer> {
  const script = join(import.meta.dirname, 'flare_api.py');
  const args = [script, kit];
  if (options.job) {
    // The API writes its signatures into the job folder: it gets a copy.
    const job = join(kit, 'transfer', basename(options.job));
    await cp(options.job, job, { recursive: true });
    args.push(job);
  }
  const { stdout } = await runPython(version, args, { cwd: kit, seconds: options.seconds ?? 150 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as FlareApiAnswer;
}
