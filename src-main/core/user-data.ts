/** User-data drives, here or on a site's host. */
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { DeskError } from '../contract/errors.ts';
import { mountWarnings, readExport } from '../domain/cc/ext-mount.ts';
import { toPlain } from '../domain/project/yaml/node.ts';
import type { DriveOptions } from '../services/cvm/index.ts';
import type { TaskHandlers } from './context.ts';
import { chooseSites } from './site-targets.ts';
import { soundProject } from './sound-project.ts';
import { sshOptionsOf } from './ssh-options.ts';

type Names =
  | 'user_data.create'
  | 'user_data.resize'
  | 'user_data.put'
  | 'user_data.mount_conf'
  | 'user_data.list'
  | 'user_data.read';
type Context = Parameters<TaskHandlers['user_data.list']['run']>[1];

interface Where {
  drive?: string | undefined;
  file?: string | undefined;
  site?: string | undefined;
  host_path?: string | undefined;
}

const maxPutBytes = 256 * 1024 ** 2;
const gibibyte = 1024 ** 3;

/** Does the work where the drive is; a connection lasts as long as the work. */
async function at<Answer>(
  where: Where,
  { core, task, signal }: Context,
  use: (drive: string, options: DriveOptions) => Promise<Answer>,
): Promise<{ answer: Answer; drive: string; on: string }> {
  const options: DriveOptions = { signal, report: task.report };
  const { drive, file, site, host_path } = where;
  if (site === undefined) {
    if (drive === undefined) throw new DeskError('bad_usage', 'Name the drive.');
    return { answer: await use(drive, options), drive, on: 'this machine' };
  }
  if (file === undefined || host_path === undefined) {
    throw new DeskError(
      'bad_usage',
      'A drive on a host needs the project file, the site and its path on the host.',
    );
  }
  const { project, desk } = await soundProject({ file });
  const { targets } = chooseSites(project, desk, { only: [site] });
  const [target] = targets;
  if (!target) throw new DeskError('not_found', `desk.yml names no host for ${site}.`);
  const [{ connect }, { remoteShell }] = await Promise.all([
    import('../services/ssh/index.ts'),
    import('../services/cvm/index.ts'),
  ]);
  const connection = await connect(target.ssh, { ...sshOptionsOf({ core, signal, targets, task }), signal });
  try {
    const answer = await use(host_path, { ...options, shell: remoteShell(connection) });
    return { answer, drive: host_path, on: site };
  } finally {
    connection.close();
  }
}

/** `allowed_out_ports` of a site's cc_config; undefined when it is not known. */
async function outPorts({ file, site }: Where): Promise<number[] | undefined> {
  if (file === undefined || site === undefined) return undefined;
  const { project } = await soundProject({ file });
  const config = project.participants.find(({ name }) => name === site)?.ccConfig;
  if (config === undefined) return undefined;
  const { readYamlFile } = await import('../services/projects/index.ts');
  const { root } = await readYamlFile(config, project.line);
  const plain = root === undefined ? undefined : (toPlain(root) as Record<string, unknown> | null);
  const ports = plain?.['allowed_out_ports'];
  return Array.isArray(ports) ? ports.filter((port) => typeof port === 'number') : [];
}

const targetOf = ({ drive, site, host_path }: Where): string =>
  site === undefined ? (drive ?? '') : `${site}:${host_path ?? ''}`;

export const handlers: Pick<TaskHandlers, Names> = {
  'user_data.create': {
    title: () => 'Make a user-data drive',
    target: targetOf,
    steps: () => ['fill', 'verify', 'convert', 'compare'],
    idempotent: false,
    async run(input, context) {
      const { createUserData } = await import('../services/cvm/index.ts');
      const folder = input.site === undefined ? input.folder : input.host_folder;
      if (folder === undefined) throw new DeskError('bad_usage', 'Name the folder that goes onto the drive.');
      const { drive, on } = await at(input, context, (path, options) =>
        createUserData({ drive: path, folder, size: Math.round(input.size * gibibyte) }, options),
      );
      return { drive, on };
    },
  },
  'user_data.resize': {
    title: () => 'Grow a user-data drive',
    target: targetOf,
    steps: () => ['read', 'grow', 'verify', 'convert', 'compare'],
    idempotent: false,
    async run(input, context) {
      const { resizeUserData } = await import('../services/cvm/index.ts');
      const { drive, on } = await at(input, context, (path, options) =>
        resizeUserData({ drive: path, size: Math.round(input.size * gibibyte) }, options),
      );
      return { drive, on };
    },
  },
  'user_data.put': {
    title: () => 'Write a file to a user-data drive',
    target: targetOf,
    steps: () => ['read', 'write', 'verify', 'convert', 'compare'],
    idempotent: true,
    async run(input, context) {
      const { putUserData } = await import('../services/cvm/index.ts');
      const found = await stat(input.source).catch(() => undefined);
      if (found?.isFile() !== true) throw new DeskError('not_found', `${input.source} is no file.`);
      if (found.size > maxPutBytes) {
        throw new DeskError(
          'too_large',
          `${input.source} has ${found.size} bytes; one file may have ${maxPutBytes}.`,
          {
            hint: 'Make a new drive from a folder.',
          },
        );
      }
      const content = await readFile(input.source);
      const name = input.name ?? basename(input.source);
      const { drive, on } = await at(input, context, (path, options) =>
        putUserData({ drive: path, name, content }, options),
      );
      return { drive, on };
    },
  },
  'user_data.mount_conf': {
    title: () => 'Write ext_mount.conf',
    target: targetOf,
    steps: () => ['read', 'write', 'verify', 'convert', 'compare'],
    idempotent: true,
    async run(input, context) {
      const { probeNfs, writeMountConf } = await import('../services/cvm/index.ts');
      const warnings = mountWarnings(await outPorts(input));
      const { drive, on } = await at(input, context, (path, options) =>
        writeMountConf({ drive: path, nfs: input.nfs }, options),
      );
      const wanted = readExport(input.nfs);
      const reached = typeof wanted === 'string' ? [] : await probeNfs(wanted.host, context.signal);
      return { drive, on, warnings, reached };
    },
  },
  'user_data.list': {
    title: () => 'List a drive',
    target: targetOf,
    steps: () => [],
    idempotent: true,
    async run(input, context) {
      const { listUserData } = await import('../services/cvm/index.ts');
      const { path } = input;
      const { answer } = await at(input, context, (drive, options) =>
        listUserData({ drive, ...(path === undefined ? {} : { path }) }, options),
      );
      return { entries: answer.map(({ name, kind, size }) => ({ name, kind, size })) };
    },
  },
  'user_data.read': {
    title: () => 'Read a file of a drive',
    target: targetOf,
    steps: () => [],
    idempotent: true,
    async run(input, context) {
      const { readUserData } = await import('../services/cvm/index.ts');
      const { answer } = await at(input, context, (drive, options) =>
        readUserData({ drive, path: input.path }, options),
      );
      return { bytes: answer.length, base64: answer.toString('base64') };
    },
  },
};
