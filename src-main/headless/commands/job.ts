import { Option, type Command } from 'commander';
import type { CallOutput, TaskOutput } from '../../contract/index.ts';
import {
  command,
  given,
  noun,
  run,
  wholeNumber,
  type CommandHost,
  type RegisterCommands,
} from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import type { ExitCode } from '../exit-codes.ts';
import { readLine } from '../prompter.ts';
import { table } from '../table.ts';
import { DeskError } from '../../contract/errors.ts';
import { renderFindings } from './project.ts';
import { kitInput, type KitOptions } from './session.ts';

/** A bare name is looked for in the transfer folder, everything with a slash is a path. */
const jobInput = (desk: Desk, job: string) =>
  /[/\\]/.test(job) || job === '.' || job === '..' ? { folder: desk.place(job) } : { job };

interface FetchOptions {
  /** True: into the kit's own folder. */
  download?: string | true;
}

const fetchInput = (desk: Desk, { download }: FetchOptions) =>
  download === undefined
    ? {}
    : download === true
      ? { download: true }
      : { download: true, into: desk.place(download) };

type Followed = TaskOutput<'jobs.follow'>;

function renderFollowed(value: Followed): string {
  const lines = [`${value.job_id}${value.name ? ` ${value.name}` : ''}: ${value.status}`];
  if (value.duration !== undefined) lines.push(`duration ${value.duration}`);
  if (value.reason) lines.push(`why: ${value.reason.summary}`);
  if (value.result) {
    lines.push(`result: ${value.result.folder}`);
    for (const model of value.result.models) lines.push(`model: ${value.result.folder}/${model}`);
  }
  return lines.map((line) => `${confine(line)}\n`).join('');
}

const exitOfFollowed = (value: Followed): ExitCode =>
  value.phase === undefined || value.phase === 'completed' ? 0 : 1;

async function check(desk: Desk, job: string, options: KitOptions & { offline?: boolean }) {
  const input = {
    ...kitInput(desk, options),
    ...jobInput(desk, job),
    ...given({ offline: options.offline }),
  };
  const answer = await desk.client.call('jobs.check', input, { signal: desk.interrupted });
  return desk.printer.answer(
    answer,
    (value: CallOutput<'jobs.check'>) => {
      const verdict =
        value.blocking > 0 ? `${value.blocking} keep it from being submitted` : 'can be submitted';
      const size = `${value.files} files, ${value.bytes} bytes${value.byoc ? ', brings own code' : ''}`;
      return `${renderFindings(value.findings, desk.terminal)}${confine(`${value.job}: ${size}; ${verdict}`)}\n`;
    },
    (value) => (value.blocking > 0 ? 2 : 0),
  );
}

async function submit(
  desk: Desk,
  job: string,
  options: KitOptions & FetchOptions & { follow?: boolean; force?: boolean },
) {
  const answer = await desk.runTask('jobs.submit', {
    ...kitInput(desk, options),
    ...jobInput(desk, job),
    ...given({ follow: options.follow, force: options.force }),
    ...fetchInput(desk, options),
  });
  return desk.printer.answer(answer, renderFollowed, exitOfFollowed);
}

async function follow(desk: Desk, jobId: string, options: KitOptions & FetchOptions) {
  const answer = await desk.runTask('jobs.follow', {
    ...kitInput(desk, options),
    job_id: jobId,
    ...fetchInput(desk, options),
  });
  return desk.printer.answer(answer, renderFollowed, exitOfFollowed);
}

async function download(desk: Desk, jobId: string, options: KitOptions & { into?: string }) {
  const answer = await desk.runTask('jobs.download', {
    ...kitInput(desk, options),
    job_id: jobId,
    ...given({ into: desk.place(options.into) }),
  });
  return desk.printer.answer(answer, (value) => {
    const models = value.models.map((model) => confine(`model: ${value.folder}/${model}\n`)).join('');
    return `${confine(`${value.files.length} files in ${value.folder}`)}\n${models}`;
  });
}

async function list(desk: Desk, options: KitOptions & { name?: string; mine?: boolean; limit?: number }) {
  const { name, mine, limit } = options;
  const input = { ...kitInput(desk, options), ...given({ name, mine, limit }) };
  const answer = await desk.client.call('jobs.list', input, { signal: desk.interrupted });
  return desk.printer.answer(answer, (value) => {
    const rows = value.jobs.map((job) => [
      job.job_id,
      job.name,
      job.status,
      job.submit_time ?? '',
      job.duration ?? '',
    ]);
    return rows.length === 0 ? 'no jobs\n' : table(rows, ['JOB', 'NAME', 'STATUS', 'SUBMITTED', 'DURATION']);
  });
}

/** Asks before what cannot be undone; without a terminal `--yes` is the answer. */
async function confirmed(desk: Desk, yes: boolean | undefined, question: string): Promise<void> {
  if (yes) return;
  const { terminal } = desk;
  if (terminal.stdin.isTTY !== true) {
    throw new DeskError('needs_confirmation', `${question} There is no terminal to ask on.`, {
      hint: 'Add --yes.',
    });
  }
  const answer = await readLine(terminal, `${question} [y/N] `, { signal: desk.interrupted });
  if (!/^y(es)?$/i.test(answer?.trim() ?? '')) throw new DeskError('denied', 'Nothing was done.');
}

async function abort(desk: Desk, jobId: string, options: KitOptions & { yes?: boolean }) {
  await confirmed(desk, options.yes, `Abort job ${jobId}?`);
  const input = { ...kitInput(desk, options), job_id: jobId };
  const answer = await desk.client.call('jobs.abort', input, { signal: desk.interrupted });
  return desk.printer.answer(
    answer,
    (value) => confine(`${value.job_id}: ${value.status}${value.info ? ` (${value.info})` : ''}\n`),
    (value) => (value.status.startsWith('FINISHED') ? 0 : 1),
  );
}

async function remove(desk: Desk, jobId: string, options: KitOptions & { yes?: boolean }) {
  await confirmed(desk, options.yes, `Delete job ${jobId} and its result from the server?`);
  const input = { ...kitInput(desk, options), job_id: jobId };
  const answer = await desk.client.call('jobs.delete', input, { signal: desk.interrupted });
  return desk.printer.answer(answer, (value) => confine(`${value.job_id}: ${value.info || 'deleted'}\n`));
}

async function clone(desk: Desk, jobId: string, options: KitOptions) {
  const input = { ...kitInput(desk, options), job_id: jobId };
  const answer = await desk.client.call('jobs.clone', input, { signal: desk.interrupted });
  return desk.printer.answer(answer, (value) =>
    confine(`${value.job_id} is a copy of ${value.cloned_from}\n`),
  );
}

const kitOptions = (target: Command): Command =>
  target
    .requiredOption('--kit <directory>', 'admin kit')
    .option('--study <name>', 'study to log in to (FLARE 2.8)');

const downloadOption = (): Option =>
  new Option(
    '--download [directory]',
    'fetch the result when the job is done (default: the download folder of the kit)',
  );

export const registerJob: RegisterCommands = (program: Command, host: CommandHost) => {
  const kit = '--kit workspace/study/prod_00/admin@hospital.org';
  const job = noun(program, 'job', 'check, submit, follow and fetch jobs', `flaredesk job list ${kit}`);

  kitOptions(
    command(job, 'check <job>', 'check a job before it is sent', `flaredesk job check hello-numpy ${kit}`),
  )
    .option('--offline', 'do not log in: leave out what only the server knows')
    .action(run(host, check));

  kitOptions(
    command(
      job,
      'submit <job>',
      'check, sign and send a job: a folder, or a name in the transfer folder',
      `flaredesk job submit hello-numpy ${kit} --follow --download results`,
    ),
  )
    .option('--follow', 'wait for the end of the job and show how it goes')
    .addOption(downloadOption())
    .option('--force', 'send it in spite of findings that only foretell a failure')
    .action(run(host, submit));

  kitOptions(
    command(job, 'list', 'list the jobs of the server, newest first', `flaredesk job list ${kit} --limit 10`),
  )
    .option('--name <prefix>', 'only jobs whose name starts so')
    .option('--mine', 'only my own jobs')
    .option('--limit <n>', 'at most this many', wholeNumber)
    .action(run(host, list));

  kitOptions(
    command(
      job,
      'follow <id>',
      'follow a job to its end',
      `flaredesk job follow 8ae1cbda-… ${kit} --download results`,
    ),
  )
    .addOption(downloadOption())
    .action(run(host, follow));

  kitOptions(
    command(job, 'download <id>', 'fetch the result of a job', `flaredesk job download 8ae1cbda-… ${kit}`),
  )
    .option('--into <directory>', 'where to (default: the download folder of the kit)')
    .action(run(host, download));

  kitOptions(command(job, 'abort <id>', 'abort a job', `flaredesk job abort 8ae1cbda-… ${kit}`))
    .option('--yes', 'do not ask')
    .action(run(host, abort));

  kitOptions(
    command(
      job,
      'delete <id>',
      'delete a job and its result from the server',
      `flaredesk job delete 8ae1cbda-… ${kit}`,
    ),
  )
    .option('--yes', 'do not ask')
    .action(run(host, remove));

  kitOptions(
    command(
      job,
      'clone <id>',
      'submit a copy of a job the server has',
      `flaredesk job clone 8ae1cbda-… ${kit}`,
    ),
  ).action(run(host, clone));
};
