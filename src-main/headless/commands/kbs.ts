import type { Command } from 'commander';
import { DeskError } from '../../contract/errors.ts';
import { noun, run, type CommandHost, type RegisterCommands } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { table } from '../table.ts';
import { registerKbsHoldings } from './kbs-holdings.ts';
import { registerKbsPolicy } from './kbs-policy.ts';
import { ask, findingLines, type ProjectOption, verb } from './kbs-shared.ts';

async function status(desk: Desk, options: ProjectOption) {
  const answer = await ask(desk, 'kbs.status', { file: desk.place(options.project) });
  return desk.printer.answer(
    answer,
    ({ address, release, release_sure, admin, findings, vault }) => {
      const version =
        release === null ? 'unknown release' : `Trustee ${release}${release_sure ? '' : ' or newer'}`;
      const behind = vault ? `vault ${confine(vault.address)}: ${vault.state.replaceAll('_', ' ')}\n` : '';
      return `${confine(address)}: ${version}, admin access ${admin.replaceAll('_', ' ')}\n${behind}${findingLines(desk, findings)}`;
    },
    ({ findings }) => (findings.some(({ severity }) => severity === 'error') ? 1 : 0),
  );
}

async function metrics(desk: Desk, options: ProjectOption) {
  const answer = await ask(desk, 'kbs.status', { file: desk.place(options.project) });
  const counters = answer.ok ? answer.value.counters : undefined;
  if (!answer.ok) return desk.printer.answer(answer, () => '');
  if (!counters) {
    throw new DeskError('remote_failed', `${answer.value.address} answers no counters at /metrics.`, {
      hint: 'Look whether a proxy stands before it.',
    });
  }
  return desk.printer.answer({ ok: true, value: counters }, ({ at, reads, ...totals }) => {
    const rows = Object.entries(totals).map(([name, count]) => [name.replaceAll('_', ' '), String(count)]);
    const read = Object.entries(reads).map(([path, count]) => [`read ${path}`, String(count)]);
    return `${table([...rows, ...read])}counted since the key broker started; seen ${at}\n`;
  });
}

export const registerKbs: RegisterCommands = (program: Command, host: CommandHost) => {
  const kbs = noun(
    program,
    'kbs',
    'the Trustee key broker of a project',
    'flaredesk kbs status -p project.yml',
  );
  verb(kbs, 'status', 'release, admin access and dangers; changes nothing', 'status').action(
    run(host, status),
  );
  verb(kbs, 'metrics', 'what it counted since it started', 'metrics').action(run(host, metrics));
  registerKbsPolicy(kbs, host);
  registerKbsHoldings(kbs, host);
};
