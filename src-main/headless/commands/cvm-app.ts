import type { Command } from 'commander';
import type { TaskOutput } from '../../contract/index.ts';
import { collect, command, given, noun, positiveNumber, run, type CommandHost } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { table } from '../table.ts';

interface AppOptions {
  project?: string;
  flare?: string;
  gpu?: boolean;
}
type Facts = TaskOutput<'images.inspect'>['facts'];

const wishes = (desk: Desk, { project, flare, gpu }: AppOptions) =>
  given({ file: desk.place(project), flare, gpu });

async function write(
  desk: Desk,
  folder: string,
  options: AppOptions & { base?: string; package?: string[]; replace?: boolean },
) {
  const answer = await desk.client.call('images.write', {
    folder: desk.place(folder),
    ...wishes(desk, options),
    ...given({ base_image: options.base, packages: options.package, replace: options.replace }),
  });
  return desk.printer.answer(
    answer,
    ({ files, flare, gpu }) =>
      `${files.map(({ label }) => `${confine(label)}\n`).join('')}for FLARE ${flare}${gpu ? ', with the GPU package' : ''}\n`,
  );
}

function renderFacts(facts: Facts): string {
  const rows = [
    ['image', facts.tags.join(', ') || facts.id.slice(0, 12)],
    ['nvflare', facts.nvflare ?? 'not found'],
    ['python', facts.python ?? 'not found'],
    ['gpu sdk', facts.gpu_sdk ?? 'not found'],
    ['platform', `${facts.os ?? '?'}/${facts.architecture ?? '?'}`],
    ['entry point', [...facts.entrypoint, ...facts.command].join(' ') || 'none'],
    ['layers', `${facts.layers.length}, ${(facts.unpacked_bytes / 1e9).toFixed(2)} GB unpacked`],
    ['archive', `${facts.bytes} bytes, SHA-256 ${facts.sha256}`],
  ];
  return table(rows);
}

async function build(
  desk: Desk,
  folder: string,
  options: AppOptions & { tag: string; archive?: string; on?: string },
) {
  const answer = await desk.runTask('images.build', {
    folder: desk.place(folder),
    tag: options.tag,
    ...given({
      file: desk.place(options.project),
      on: options.on,
      // A path on another machine is meant as it is written.
      archive:
        options.archive === undefined || options.on !== undefined
          ? options.archive
          : desk.place(options.archive),
    }),
  });
  return desk.printer.answer(
    answer,
    ({ archive, host, facts }) => `${confine(`${archive} on ${host}`)}\n${facts ? renderFacts(facts) : ''}`,
  );
}

async function inspect(desk: Desk, archive: string, options: AppOptions & { rootDrive?: number }) {
  const answer = await desk.runTask('images.inspect', {
    archive: desk.place(archive),
    ...wishes(desk, options),
    ...given({ root_drive: options.rootDrive }),
  });
  return desk.printer.answer(
    answer,
    ({ facts, findings }) =>
      renderFacts(facts) +
      findings.map(({ severity, message, hint }) => confine(`${severity}: ${message} ${hint}\n`)).join(''),
    ({ findings }) => (findings.some(({ severity }) => severity === 'error') ? 1 : 0),
  );
}

export function registerApp(cvm: Command, host: CommandHost): void {
  const app = noun(
    cvm,
    'app',
    'the application image that runs in the VMs',
    'flaredesk cvm app write docker -p project.yml',
  );
  const common = (made: Command) =>
    made
      .option('-p, --project <file>', 'project.yml: says FLARE line, GPU issuers and the root drive')
      .option('--flare <version>', 'FLARE version (default: the project, else 2.8.1)')
      .option('--gpu', 'a GPU issuer is set');
  common(
    command(
      app,
      'write <folder>',
      'write Dockerfile and requirements.txt',
      'flaredesk cvm app write docker -p project.yml --package torch',
    ),
  )
    .option('--base <image>', 'base image (default: python:3.12)')
    .option('--package <requirement>', 'a further requirement, as pip reads it (repeatable)', collect)
    .option('--replace', 'write over files that are there')
    .action(run(host, write));
  command(
    app,
    'build <folder>',
    'docker build and docker save | gzip, here or on a builder host',
    'flaredesk cvm app build docker --tag nvflare-site',
    'flaredesk cvm app build docker --tag nvflare-site -p project.yml --on builder-1 --archive /data/nvflare-site.tar.gz',
  )
    .requiredOption('--tag <name>', 'name of the image')
    .option(
      '--archive <file>',
      'where the archive goes, on the machine that builds (default: beside the Dockerfile)',
    )
    .option('-p, --project <file>', 'project.yml, with desk.yml beside it that names the builder')
    .option('--on <builder>', 'a builder host of desk.yml')
    .action(run(host, build));
  common(
    command(
      app,
      'inspect <archive>',
      'look into a saved image without Docker',
      'flaredesk cvm app inspect nvflare-site.tar.gz -p project.yml',
    ),
  )
    .option('--root-drive <gb>', 'GB it must fit in (default: the project)', positiveNumber)
    .action(run(host, inspect));
}
