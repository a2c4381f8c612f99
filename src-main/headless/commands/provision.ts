import { command, given, list, run, type RegisterCommands } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { table } from '../table.ts';
import { addProjectOptions, projectInput, type ProjectOptions } from './project.ts';

interface ProvisionOptions extends ProjectOptions {
  project: string;
  workspace?: string;
  reissue?: string[];
}

async function provision(desk: Desk, options: ProvisionOptions) {
  const answer = await desk.runTask('provisioning.run', {
    ...projectInput(desk, options.project, options),
    ...given({
      workspace: options.workspace === undefined ? undefined : desk.place(options.workspace),
      reissue: options.reissue,
    }),
  });
  return desk.printer.answer(answer, (value) => {
    const rows = value.participants.map((one) => [
      one.name,
      one.type,
      one.reused ? 'certificate reused' : 'new certificate',
      one.kit,
    ]);
    return `${table(rows)}${confine(value.prod)}: ${value.participants.length} kits for FLARE ${value.flare} in ${value.seconds.toFixed(1)} s\n`;
  });
}

export const registerProvision: RegisterCommands = (program, host) => {
  addProjectOptions(
    command(
      program,
      'provision',
      'make signed startup kits in the next prod_NN',
      'flaredesk provision -p project.yml -w workspace --flare 2.8.1',
      'flaredesk provision -p project.yml --reissue site-2',
    )
      .requiredOption('-p, --project <file>', 'project.yml')
      .option('-w, --workspace <directory>', 'where kits are written (default: desk.yml, else workspace)')
      .option('--reissue <names>', 'participants whose certificate is made anew, comma-separated', list),
  ).action(run(host, provision));
};
