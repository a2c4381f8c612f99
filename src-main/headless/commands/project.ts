import type { Command } from 'commander';
import type { CallOutput } from '../../contract/index.ts';
import {
  collect,
  command,
  given,
  list,
  noun,
  run,
  type CommandHost,
  type RegisterCommands,
} from '../command.ts';
import type { Desk } from '../desk.ts';
import { paint, type Terminal } from '../terminal.ts';
import { confine } from '../confine.ts';

export interface ProjectOptions {
  flare?: string;
  addClient?: string[];
  addUser?: string[];
}

/** The project part of an input, paths made absolute. */
export const projectInput = (desk: Desk, file: string, options: ProjectOptions) =>
  given({
    file: desk.place(file),
    flare: options.flare,
    add_clients: options.addClient?.map((path) => desk.place(path)),
    add_users: options.addUser?.map((path) => desk.place(path)),
  });

export const addProjectOptions = (target: Command): Command =>
  target
    .option('--flare <version>', 'FLARE version of the kits: 2.7.2 or 2.8.1 (default: desk.yml, else 2.8.1)')
    .option('--add-client <file>', 'add the client in this YAML file (repeatable)', collect)
    .option('--add-user <file>', 'add the admin in this YAML file (repeatable)', collect);

export function renderFindings(
  findings: CallOutput<'projects.check'>['findings'],
  terminal: Terminal,
): string {
  const colour = paint(terminal, 'stdout');
  const tint = { error: colour.red, warning: colour.yellow, info: colour.cyan };
  return findings
    .map((finding) => {
      const place = [finding.file, finding.line, finding.column]
        .filter((part) => part !== undefined)
        .join(':');
      // Some sentences begin with their file anyway.
      const named = finding.file !== undefined && finding.message.startsWith(finding.file);
      // Most sentences name their field.
      const path = finding.message.includes(finding.path ?? '') ? '' : finding.path;
      const where = [named ? '' : place, path].filter(Boolean).join(' ');
      const hint = finding.hint ? `\n    ${confine(finding.hint)}` : '';
      return `${tint[finding.severity](finding.severity)}: ${confine(`${where ? `${where}: ` : ''}${finding.message}`)}${hint}\n`;
    })
    .join('');
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

async function check(desk: Desk, file: string, options: ProjectOptions) {
  const answer = await desk.client.call('projects.check', projectInput(desk, file, options), {
    signal: desk.interrupted,
  });
  const errorsOf = (value: CallOutput<'projects.check'>): number =>
    value.findings.filter((finding) => finding.severity === 'error').length;
  return desk.printer.answer(
    answer,
    (value) => {
      const errors = errorsOf(value);
      const others = value.findings.length - errors;
      const verdict =
        errors > 0
          ? `${count(errors, 'error')}, ${count(others, 'remark')}`
          : `sound: ${count(value.participants, 'participant')}, ${count(others, 'remark')}`;
      return `${renderFindings(value.findings, desk.terminal)}${verdict}\n`;
    },
    (value) => (errorsOf(value) > 0 ? 2 : 0),
  );
}

async function plan(
  desk: Desk,
  options: ProjectOptions & { project: string; workspace?: string; reissue?: string[] },
) {
  const input = {
    ...projectInput(desk, options.project, options),
    ...given({
      workspace: desk.place(options.workspace),
      reissue: options.reissue,
    }),
  };
  const answer = await desk.client.call('projects.plan', input, { signal: desk.interrupted });
  return desk.printer.answer(answer, (value) => {
    const names = (title: string, list: string[]): string =>
      list.length === 0 ? '' : `${title.padEnd(8)}${confine(list.join(', '))}\n`;
    const changed = value.changed.map(({ participant, why }) => confine(`changed ${participant}: ${why}\n`));
    return `${names('create', value.create)}${names('reuse', value.reuse)}${changed.join('')}next    ${value.next}\n`;
  });
}

async function create(
  desk: Desk,
  directory: string,
  options: { from?: string; flare?: string; cc?: boolean },
) {
  const input = given({
    directory: desk.place(directory),
    from: desk.place(options.from),
    flare: options.flare,
    confidential: options.cc,
  });
  const answer = await desk.client.call('projects.create', input, { signal: desk.interrupted });
  return desk.printer.answer(answer, (value) => value.files.map((file) => `${confine(file)}\n`).join(''));
}

export const registerProject: RegisterCommands = (program: Command, host: CommandHost) => {
  const project = noun(
    program,
    'project',
    'begin, check and plan a project',
    'flaredesk project check project.yml',
  );

  command(
    project,
    'new <directory>',
    'write a commented project.yml and desk.yml to start from',
    'flaredesk project new hospital-study',
  )
    .option('--from <file>', 'start from this project.yml')
    .option('--flare <version>', 'FLARE version of the kits: 2.7.2 or 2.8.1')
    .option('--cc', 'with a commented confidential-computing file for the server and each site')
    .action(run(host, create));

  addProjectOptions(
    command(
      project,
      'check <file>',
      'show every problem of a project, with its line and its fix',
      'flaredesk project check project.yml --flare 2.8.1',
    ),
  ).action(run(host, check));

  addProjectOptions(
    command(
      project,
      'plan',
      'show what provisioning would create, reuse and change; touches nothing',
      'flaredesk project plan -p project.yml',
    )
      .requiredOption('-p, --project <file>', 'project.yml')
      .option('-w, --workspace <directory>', 'where kits are written (default: desk.yml, else workspace)')
      .option('--reissue <names>', 'participants whose certificate is made anew, comma-separated', list),
  ).action(run(host, plan));
};
