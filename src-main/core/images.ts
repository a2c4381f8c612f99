import { join } from 'node:path';
import { DeskError } from '../contract/errors.ts';
import type { AppImageFacts } from '../domain/cc/app-image.ts';
import type { FlareLine } from '../domain/project/model.ts';
import type { BuilderHost } from '../services/cvm/index.ts';
import { ccSettings } from './cc-settings.ts';
import type { CallHandlers, TaskHandlers } from './context.ts';
import { soundProject } from './sound-project.ts';
import { sshOptionsOf } from './ssh-options.ts';

interface Wishes {
  file?: string | undefined;
  flare?: string | undefined;
  gpu?: boolean | undefined;
}

/** What the project asks of its application image; what is said beside it counts more. */
async function wishesOf({
  file,
  flare,
  gpu,
}: Wishes): Promise<{ line?: FlareLine; gpu?: boolean; root?: number }> {
  const { flareLineOf } = await import('../domain/project/flare-line.ts');
  const said = {
    ...(flare === undefined ? {} : { line: flareLineOf(flare) }),
    ...(gpu === undefined ? {} : { gpu }),
  };
  if (file === undefined) return said;
  const { project } = await soundProject({ file, flare });
  const paths = new Set(project.participants.flatMap(({ ccConfig }) => ccConfig ?? []));
  const documents: { cc_issuers?: unknown; root_drive_size?: unknown }[] = await Promise.all(
    [...paths].map((path) => ccSettings(path, project)),
  );
  const issuers = documents.flatMap(({ cc_issuers }) =>
    Array.isArray(cc_issuers) ? (cc_issuers as { path?: unknown }[]) : [],
  );
  const drives = documents.flatMap(({ root_drive_size: size }) => (typeof size === 'number' ? [size] : []));
  return {
    line: project.line,
    gpu: issuers.some((issuer) => String(issuer?.path).includes('gpu_authorizer')),
    ...(drives.length === 0 ? {} : { root: Math.min(...drives) }),
    ...said,
  };
}

const contractFacts = ({ layers, unpackedBytes, gpuSdk, ...facts }: AppImageFacts) => ({
  ...facts,
  layers: layers.map(({ createdBy, ...layer }) => ({
    ...layer,
    ...(createdBy === undefined ? {} : { created_by: createdBy }),
  })),
  unpacked_bytes: unpackedBytes,
  ...(gpuSdk === undefined ? {} : { gpu_sdk: gpuSdk }),
});

export const handlers: Pick<CallHandlers, 'images.write'> &
  Pick<TaskHandlers, 'images.build' | 'images.inspect'> = {
  'images.write': async ({ folder, base_image, packages, replace, ...rest }, { core }) => {
    const { line = '2.8.1', gpu = false } = await wishesOf(rest);
    const { writeAppImage } = await import('../services/cvm/index.ts');
    const files = await writeAppImage(
      folder,
      {
        line,
        gpu,
        ...(base_image === undefined ? {} : { baseImage: base_image }),
        ...(packages === undefined ? {} : { packages }),
      },
      { replace: replace ?? false },
    );
    return {
      files: files.map((path) => ({ token: core.places.tokenOf(path), label: path })),
      flare: line,
      gpu,
    };
  },

  'images.build': {
    title: ({ tag }) => `Build the application image ${tag}`,
    target: ({ folder }) => folder,
    steps: () => ['send', 'docker', 'read'],
    idempotent: false,
    async run({ folder, tag, archive, file, on }, { core, task, signal }) {
      const { buildAppImage, inspectAppImage, localMachine, remoteMachine } = await import(
        '../services/cvm/index.ts'
      );
      const logs = await core.taskLogs();
      const onLines = (lines: { text: string }[]): void => {
        for (const { text } of lines) logs.add(task.id, text);
      };
      const options = { clock: core.clock, signal, report: task.report, onLines };
      const here: BuilderHost = {
        name: 'this machine',
        directory: join(core.stateFolder, 'builder'),
        command: '',
      };
      const host = on === undefined ? here : await builderOf(file, on, core.stateFolder);
      if (host.ssh === undefined) {
        const path = archive ?? join(folder, `${tag.replaceAll(/[/:]/g, '_')}.tar.gz`);
        await buildAppImage({ folder, tag, archive: path }, localMachine(host), options);
        const facts = await inspectAppImage(path, { signal, report: task.report });
        return { archive: path, host: host.name, facts: contractFacts(facts) };
      }
      if (archive === undefined)
        throw new DeskError('invalid_input', `Say where the archive shall lie on ${host.name}.`, {
          hint: 'It is the docker_archive of the cc_config files: an absolute path on the builder host.',
        });
      const { connect } = await import('../services/ssh/index.ts');
      const target = { name: host.name, ssh: host.ssh };
      const connection = await connect(host.ssh, {
        ...sshOptionsOf({ core, signal, targets: [target], task }),
        signal,
      });
      try {
        await buildAppImage({ folder, tag, archive }, remoteMachine(host, connection), options);
      } finally {
        connection.close();
      }
      return { archive, host: host.name };
    },
  },

  'images.inspect': {
    title: () => 'Look into an application image',
    target: ({ archive }) => archive,
    steps: () => ['read'],
    idempotent: true,
    async run({ archive, root_drive, ...rest }, { task, signal }) {
      const { line, gpu, root } = await wishesOf(rest);
      const [{ inspectAppImage }, { checkAppImage }] = await Promise.all([
        import('../services/cvm/index.ts'),
        import('../domain/cc/app-image.ts'),
      ]);
      const facts = await inspectAppImage(archive, { signal, report: task.report });
      const room = root_drive ?? root;
      const findings = checkAppImage(facts, {
        ...(line === undefined ? {} : { line }),
        ...(gpu === undefined ? {} : { gpu }),
        ...(room === undefined ? {} : { rootDriveGigabytes: room }),
      });
      return { facts: contractFacts(facts), findings };
    },
  },
};

async function builderOf(file: string | undefined, name: string, stateFolder: string): Promise<BuilderHost> {
  if (file === undefined)
    throw new DeskError('invalid_input', 'A builder is named by a project with desk.yml beside it.', {
      hint: 'Name the project file as well.',
    });
  const { planBuilds } = await import('./builds/plan.ts');
  const { hosts } = await planBuilds({ file, on: [name] }, stateFolder);
  const [host] = hosts;
  if (host === undefined) throw new DeskError('not_found', `There is no builder ${name}.`);
  return host;
}
