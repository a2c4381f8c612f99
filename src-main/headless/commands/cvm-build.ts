import type { Command } from 'commander';
import type { CallOutput, TaskInput, TaskOutput } from '../../contract/index.ts';
import { command, given, list, run, type CommandHost } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import type { ExitCode } from '../exit-codes.ts';
import { table } from '../table.ts';
import { addProjectOptions, projectInput, type ProjectOptions } from './project.ts';

type Images = TaskOutput<'builds.run'>['images'];
type Image = Images[number];

interface BuildOptions extends ProjectOptions {
  project: string;
  workspace?: string;
  prod?: string;
  only?: string[];
  on?: string[];
  anew?: boolean;
  allowRunningVms?: boolean;
}

const failed = ({ state }: Image): boolean =>
  state === 'failed' || state === 'cancelled' || state === 'interrupted';

/** 0: all built; 1: none; 3: some. */
export function exitOfImages(images: Images): ExitCode {
  const bad = images.filter(failed).length;
  if (bad === 0) return 0;
  return bad === images.length ? 1 : 3;
}

function lasted({ started_at, ended_at }: Image): string {
  if (started_at === undefined || ended_at === undefined) return '';
  return `${Math.round((Date.parse(ended_at) - Date.parse(started_at)) / 1000)} s`;
}

export function renderImages(images: Images): string {
  const rows = images.map((image) => [
    image.site,
    image.state,
    image.host ?? '',
    image.stage?.replaceAll('_', ' ') ?? '',
    lasted(image),
    image.archive?.place.label ?? image.error?.message ?? image.note ?? '',
  ]);
  const more = images.flatMap(({ site, error, left_overs = [] }) => [
    ...(error?.hint === undefined ? [] : [`${site}: ${error.hint}`]),
    ...left_overs.map(
      ({ kind, name, command: way }) => `${site} left ${kind} ${name} behind; to end it: ${way}`,
    ),
  ]);
  return `${table(rows, ['SITE', 'STATE', 'ON', 'STAGE', 'TOOK', ''])}${more.map((line) => `${confine(line)}\n`).join('')}`;
}

function inputOf(desk: Desk, options: BuildOptions): TaskInput<'builds.run'> {
  return {
    ...projectInput(desk, options.project, options),
    ...given({
      workspace: desk.place(options.workspace),
      prod: options.prod,
      only: options.only,
      on: options.on,
      anew: options.anew,
      allow_running_vms: options.allowRunningVms,
    }),
  };
}

async function build(desk: Desk, options: BuildOptions) {
  const answer = await desk.runTask('builds.run', inputOf(desk, options));
  return desk.printer.answer(
    answer,
    ({ images }) => renderImages(images),
    ({ images }) => exitOfImages(images),
  );
}

const renderQueue = ({ prod, builders, builds }: CallOutput<'builds.list'>): string => {
  const hosts = builders.map(({ name, ssh, command: path }) => [name, ssh ?? 'this machine', path]);
  return `${table(hosts, ['BUILDER', 'HOST', 'COMMAND'])}\n${prod ?? 'no run yet'}\n${renderImages(builds)}`;
};

async function queue(desk: Desk, options: BuildOptions) {
  const { file, ...rest } = inputOf(desk, options);
  const { workspace, prod } = rest;
  const answer = await desk.client.call('builds.list', given({ file, workspace, prod }), {
    signal: desk.interrupted,
  });
  return desk.printer.answer(answer, renderQueue);
}

async function cancel(desk: Desk, site: string, options: BuildOptions) {
  const input = given({ file: desk.place(options.project), site, prod: options.prod });
  const answer = await desk.client.call('builds.cancel', input);
  return desk.printer.answer(answer, ({ state, left_overs }) => {
    const lines = left_overs.map(
      ({ kind, name, command: way }) => `left ${kind} ${name}; to end it: ${way}\n`,
    );
    return `${confine(site)}: ${state}\n${confine(lines.join(''))}`;
  });
}

/** Builds again what failed, was cancelled or interrupted. */
async function retry(desk: Desk, options: BuildOptions) {
  const input = inputOf(desk, options);
  const { file, workspace, prod } = input;
  const known = await desk.client.call('builds.list', given({ file, workspace, prod }), {
    signal: desk.interrupted,
  });
  if (!known.ok) return desk.printer.answer(known, () => '');
  const only = options.only ?? known.value.builds.filter(failed).map(({ site }) => site);
  if (only.length === 0)
    return desk.printer.answer({ ok: true, value: { images: [] } }, () => 'nothing to retry\n');
  return build(desk, { ...options, only });
}

async function log(desk: Desk, site: string, options: BuildOptions & { follow?: boolean }) {
  const { file, workspace, prod } = inputOf(desk, options);
  const known = await desk.client.call('builds.list', given({ file, workspace, prod }));
  if (!known.ok) return desk.printer.answer(known, () => '');
  const id = known.value.builds.find((one) => one.site === site)?.id;
  if (id === undefined) {
    const error = {
      code: 'not_found' as const,
      message: `No image of ${site} was built yet.`,
      retryable: false,
    };
    return desk.printer.answer({ ok: false, error }, () => '');
  }
  const opened = await desk.client.open('builds.log', { id }, { signal: desk.interrupted });
  if (!opened.ok) return desk.printer.answer(opened, () => '');
  const lines = [];
  for await (const batch of opened.value.items) {
    lines.push(...batch.lines);
    for (const { at, from, text } of batch.lines)
      desk.printer.say(
        confine(`${at.slice(11, 23)} ${from === 'stdout' ? ' ' : from === 'stderr' ? '!' : '#'} ${text}`),
      );
  }
  return desk.printer.answer({ ok: true, value: { lines } }, () => '');
}

export function registerBuilds(cvm: Command, host: CommandHost): void {
  const common = (name: string, summary: string, ...examples: [string, ...string[]]) =>
    addProjectOptions(
      command(cvm, name, summary, ...examples)
        .option('-p, --project <file>', 'project.yml, with desk.yml beside it', 'project.yml')
        .option('-w, --workspace <directory>', 'where kits are written (default: desk.yml, else workspace)')
        .option('--prod <nn>', 'images of this prod_NN (default: the newest)'),
    );
  const building = (made: Command) =>
    made
      .option('--on <builders>', 'builder hosts of desk.yml to use, comma-separated (default: all)', list)
      .option('--allow-running-vms', 'build on hosts where virtual machines run; builders may end them');
  building(
    common(
      'build',
      'build the images of a run, one at a time per builder host',
      'flaredesk cvm build -p project.yml',
      'flaredesk cvm build -p project.yml --only site-1 --on builder-2',
    ),
  )
    .option('--only <names>', 'only these participants, comma-separated', list)
    .option('--anew', 'build again what was begun before; what runs is ended first')
    .action(run(host, build));
  common(
    'queue',
    'say what is built where, and how long it takes',
    'flaredesk cvm queue -p project.yml',
  ).action(run(host, queue));
  common(
    'cancel <site>',
    'end a build and say what it left over',
    'flaredesk cvm cancel site-1 -p project.yml',
  ).action(run(host, cancel));
  building(common('retry', 'build again what failed or was cancelled', 'flaredesk cvm retry -p project.yml'))
    .option('--only <names>', 'only these participants, comma-separated', list)
    .action(run(host, retry));
  common('log <site>', 'show what the builder wrote', 'flaredesk cvm log site-1 -p project.yml').action(
    run(host, log),
  );
}
