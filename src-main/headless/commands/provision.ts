import { command, given, list, run, type RegisterCommands } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { table } from '../table.ts';
import type { TaskOutput } from '../../contract/index.ts';
import { exitOfImages, renderImages } from './cvm-build.ts';
import { addProjectOptions, projectInput, type ProjectOptions } from './project.ts';

interface ProvisionOptions extends ProjectOptions {
  project: string;
  workspace?: string;
  reissue?: string[];
  images?: boolean;
}

async function provision(desk: Desk, options: ProvisionOptions) {
  const answer = await desk.runTask('provisioning.run', {
    ...projectInput(desk, options.project, options),
    ...given({
      workspace: desk.place(options.workspace),
      reissue: options.reissue,
      images: options.images === false ? false : undefined,
    }),
  });
  const render = (value: TaskOutput<'provisioning.run'>): string => {
    const rows = value.participants.map((one) => [
      one.name,
      one.type,
      one.reused ? 'certificate reused' : 'new certificate',
      one.kit,
    ]);
    return `${table(rows)}${confine(value.prod)}: ${value.participants.length} kits for FLARE ${value.flare} in ${value.seconds.toFixed(1)} s\n`;
  };
  if (!answer.ok || answer.value.build_task === undefined) return desk.printer.answer(answer, render);
  desk.printer.say(render(answer.value).trimEnd());
  const built = await desk.followTask('builds.run', answer.value.build_task);
  return desk.printer.answer(
    built.ok ? { ok: true, value: { ...answer.value, images: built.value.images } } : built,
    ({ images }) => renderImages(images),
    ({ images }) => exitOfImages(images),
  );
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
      .option('--reissue <names>', 'participants whose certificate is made anew, comma-separated', list)
      .option('--no-images', 'signed kits only, although the project has a packager for images'),
  ).action(run(host, provision));
};
