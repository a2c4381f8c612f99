/** User-data drives, here or on a site's host. */
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { DeskError } from '../contract/errors.ts';
import type { TaskHandlers } from './context.ts';
import { at, targetOf } from './drive-place.ts';
import { checkMount, mountConf } from './user-data-mount.ts';

type Names =
  | 'user_data.create'
  | 'user_data.resize'
  | 'user_data.put'
  | 'user_data.mount_conf'
  | 'user_data.check_mount'
  | 'user_data.list'
  | 'user_data.read';

const maxPutBytes = 256 * 1024 ** 2;
const gibibyte = 1024 ** 3;

/** What was picked is wrong: said at its field. */
const wrongSource = (code: 'not_found' | 'too_large', message: string, hint?: string): DeskError =>
  new DeskError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    fields: [{ path: 'source', message }],
  });

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
      const source = basename(input.source);
      const found = await stat(input.source).catch(() => undefined);
      if (found?.isFile() !== true) throw wrongSource('not_found', `${source} is no file.`);
      if (found.size > maxPutBytes) {
        throw wrongSource(
          'too_large',
          `${source} has ${found.size} bytes; one file may have ${maxPutBytes}.`,
          'Make a new drive from a folder.',
        );
      }
      const content = await readFile(input.source);
      const name = input.name ?? source;
      const { drive, on } = await at(input, context, (path, options) =>
        putUserData({ drive: path, name, content }, options),
      );
      return { drive, on };
    },
  },
  'user_data.mount_conf': mountConf,
  'user_data.check_mount': checkMount,
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
