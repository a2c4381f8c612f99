import type { Command } from 'commander';
import type { TaskOutput } from '../../contract/index.ts';
import { command, given, list, noun, run, type CommandHost, type RegisterCommands } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import type { ExitCode } from '../exit-codes.ts';
import { table } from '../table.ts';
import { paint } from '../terminal.ts';
import { hostKey } from './sites.ts';

type Hosts = TaskOutput<'hosts.check'>['hosts'];

interface HostCheckOptions {
  project: string;
  only?: string[];
  probe?: string[];
  all?: boolean;
  acceptHostKey?: Record<string, string>;
}

const away = (host: Hosts[number]): boolean => host.state === 'failed' || host.state === 'cancelled';

function exitOf({ hosts }: { hosts: Hosts }): ExitCode {
  const silent = hosts.filter(away).length;
  if (silent > 0) return silent === hosts.length ? 1 : 3;
  return hosts.some(({ state }) => state === 'bad') ? 1 : 0;
}

function render(desk: Desk, hosts: Hosts, all: boolean): string {
  const colour = paint(desk.terminal, 'stdout');
  const marks = {
    ok: colour.green('✓'),
    warn: colour.yellow('!'),
    bad: colour.red('✗'),
    unknown: '?',
    not_applicable: '-',
  };
  return hosts
    .map((host) => {
      const shown = host.probes.filter(
        ({ state }) => all || state === 'bad' || state === 'warn' || state === 'unknown',
      );
      const count = (state: string) => host.probes.filter((probe) => probe.state === state).length;
      const sums = `${count('ok')} healthy, ${count('warn')} to look at, ${count('bad')} bad, ${count('unknown')} unknown`;
      const error = host.error
        ? confine(`    ${host.error.message}\n${host.error.hint ? `    ${host.error.hint}\n` : ''}`)
        : '';
      const lines = shown.map((probe) => {
        const row = table([
          ['  ', marks[probe.state], String(probe.number).padStart(2), probe.title, probe.summary],
        ]);
        if (probe.state === 'ok' || probe.state === 'not_applicable') return row;
        const fix = probe.fix
          ? [probe.fix.text, ...(probe.fix.commands ?? []).map((line) => `  ${line}`)]
          : [];
        return (
          row +
          confine(
            [...(probe.meaning ? [probe.meaning] : []), ...fix].map((line) => `         ${line}\n`).join(''),
          )
        );
      });
      return `${away(host) ? colour.red('✗') : marks[host.state as 'ok']} ${confine(host.name)}: ${sums}\n${lines.join('')}${error}`;
    })
    .join('');
}

const check = async (desk: Desk, options: HostCheckOptions) => {
  const answer = await desk.runTask('hosts.check', {
    file: desk.place(options.project),
    ...given({ only: options.only, probes: options.probe, accept_host_keys: options.acceptHostKey }),
  });
  return desk.printer.answer(answer, ({ hosts }) => render(desk, hosts, options.all === true), exitOf);
};

export const registerHost: RegisterCommands = (program: Command, host: CommandHost) => {
  const hosts = noun(
    program,
    'host',
    'what the machines of confidential sites have and lack',
    'flaredesk host check -p project.yml',
  );
  command(
    hosts,
    'check',
    'ask every host for CPU, firmware, kernel, QEMU, rights, disk, memory, clock and network; changes nothing',
    'flaredesk host check -p project.yml --only site-1',
  )
    .option('-p, --project <file>', 'project.yml, with desk.yml beside it', 'project.yml')
    .option('--only <names>', 'only these participants, comma-separated', list)
    .option('--probe <ids>', 'only these probes, comma-separated: qemu,clock', list)
    .option('--all', 'show healthy probes, too')
    .option(
      '--accept-host-key <name=key>',
      'accept this SHA256:… key of a host not met before; name: the participant, host or [host]:port (repeatable)',
      hostKey,
    )
    .action(run(host, check));
};
