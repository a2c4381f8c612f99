/** From a project with a packager to the images that are to be built and the hosts that may build them. */
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import type { Project } from '../../domain/project/model.ts';
import { toPlain } from '../../domain/project/yaml/node.ts';
import type { BuilderHost, BuildRequest } from '../../services/cvm/index.ts';
import type { DeskFile } from '../../services/projects/index.ts';
import { prodOf, reachedBy } from '../site-targets.ts';
import { type ProjectInput, soundProject } from '../sound-project.ts';

const packagerPath = 'nvflare.lighter.cc_provision.impl.onprem_packager.OnPremPackager';
/** What the packager runs when it has no arguments. */
const defaultCommand = 'build_cvm_image.sh';

export interface BuildsInput extends ProjectInput {
  prod?: string | undefined;
  only?: string[] | undefined;
  on?: string[] | undefined;
  allow_running_vms?: boolean | undefined;
}

export interface BuildsPlan {
  project: Project;
  /** `prod_03`; missing before the first run. */
  prod?: string;
  /** Absolute path of it. */
  folder?: string;
  hosts: BuilderHost[];
  /** Participants that get an image, in file order. */
  sites: { name: string; config: string }[];
}

/** Whether a project has a packager that makes images of confidential VMs. */
export const makesImages = (project: Project): boolean => project.packager?.path === packagerPath;

/**
 * Reads the project. Throws `invalid_input` for a project with errors, one whose images cannot be built, and unknown names in
 * `only` and `on`; `not_found` for a run that is not there.
 */
export async function planBuilds(input: BuildsInput, stateFolder: string): Promise<BuildsPlan> {
  const { project, workspace, desk } = await soundProject(input);
  const sites = confidentialSites(project);
  const hosts = builderHosts(project, desk, stateFolder);
  checkNames(
    'participant with an image',
    input.only,
    sites.map(({ name }) => name),
  );
  checkNames(
    'builder',
    input.on,
    hosts.map(({ name }) => name),
  );
  const projectFolder = join(workspace, project.name);
  const prod = prodOf(projectFolder, input.prod);
  return {
    project,
    ...(prod === undefined ? {} : { prod, folder: join(projectFolder, prod) }),
    hosts: hosts.filter(({ name }) => input.on === undefined || input.on.includes(name)),
    sites: sites.filter(({ name }) => input.only === undefined || input.only.includes(name)),
  };
}

function confidentialSites(project: Project): BuildsPlan['sites'] {
  const key = project.packager?.args['cc_config_key'] ?? 'cc_config';
  if (key !== 'cc_config')
    throw new DeskError(
      'invalid_input',
      `${project.file}: the packager looks for ${JSON.stringify(key)}, but CCBuilder protects participants with cc_config.`,
      {
        hint: 'Remove cc_config_key from the packager: with it, kits without protection would be packaged, or none.',
        ...(project.packager
          ? {
              fields: [
                { ...project.packager.source, path: 'packager.args.cc_config_key', message: 'not cc_config' },
              ],
            }
          : {}),
      },
    );
  return project.participants.flatMap(({ name, ccConfig }) =>
    ccConfig === undefined ? [] : [{ name, config: ccConfig }],
  );
}

function checkNames(what: string, wanted: readonly string[] | undefined, known: readonly string[]): void {
  const unknown = (wanted ?? []).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new DeskError(
    'invalid_input',
    `No ${what} is called ${unknown.map((name) => `"${name}"`).join(', ')}.`,
    {
      hint: known.length === 0 ? 'There is none in this project.' : `There are ${known.join(', ')}.`,
    },
  );
}

/** The builders of desk.yml; without any, this machine with the packager's command. */
function builderHosts(project: Project, desk: DeskFile | undefined, stateFolder: string): BuilderHost[] {
  const written = project.packager?.args['build_image_cmd'];
  const ofProject = typeof written === 'string' && written !== '' ? written : defaultCommand;
  const here = resolve(dirname(project.file), ofProject.replace(/^~(?=\/)/, homedir()));
  const builders = [...(desk?.builders ?? [])];
  if (builders.length === 0)
    return makesImages(project)
      ? [{ name: 'this machine', directory: join(stateFolder, 'builder'), command: here }]
      : [];
  return builders.map(([name, builder]): BuilderHost => {
    const { ssh, directory, path } = builder;
    const isRemote = ssh !== undefined;
    const command = builder.command ?? (isRemote ? ofProject : here);
    if (isRemote && !/^(\/|~\/)/.test(command))
      throw new DeskError(
        'invalid_input',
        `The builder ${name} is another machine, but build_image_cmd "${command}" is not absolute.`,
        {
          hint: `Write "command: /path/to/${defaultCommand}" for ${name} in desk.yml.`,
          fields: [{ ...builder.source, path: `builders.${name}.command`, message: 'is missing' }],
        },
      );
    return {
      name,
      ...(isRemote ? { ssh: reachedBy(ssh, builder) } : {}),
      directory,
      path,
      command,
    };
  });
}

/** One request per image. Throws `not_found` before the first run, `invalid_input` for a cc_config file that cannot be read. */
export async function requestsOf(
  plan: BuildsPlan,
  options: { allowRunningVms: boolean; task: string },
): Promise<BuildRequest[]> {
  const { project, folder, hosts } = plan;
  if (folder === undefined)
    throw new DeskError('not_found', `No kits were provisioned for ${project.file} yet.`, {
      hint: `Make them first: flaredesk provision -p ${project.file}`,
    });
  if (plan.sites.length === 0)
    throw new DeskError(
      'invalid_input',
      `${project.file}: no participant has a cc_config; there is no image to build.`,
      {
        hint: 'Name a cc_config file for each participant that runs in a confidential VM.',
      },
    );
  if (hosts.length === 0)
    throw new DeskError('invalid_input', `${project.file} names no image builder.`, {
      hint: `Add packager: { path: ${packagerPath}, args: { build_image_cmd: … } }, or "builders" to desk.yml.`,
    });
  const { readYamlFile } = await import('../../services/projects/index.ts');
  return Promise.all(
    plan.sites.map(async ({ name, config }): Promise<BuildRequest> => {
      const { root, findings } = await readYamlFile(config, project.line);
      const wrong = findings.find(({ severity }) => severity === 'error');
      if (root === undefined || wrong)
        throw new DeskError('invalid_input', wrong?.message ?? `${config} is empty.`, {
          hint: wrong?.hint ?? 'See the example of the guide.',
        });
      return {
        site: name,
        project: project.name,
        prod: folder,
        config: { file: config, document: toPlain(root) },
        folder: dirname(project.file),
        hosts,
        allowRunningVms: options.allowRunningVms,
        task: options.task,
      };
    }),
  );
}
