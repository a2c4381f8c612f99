/** Whether a host can build an image, and the config its builder is given there. */
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DeskError } from '../../../contract/errors.ts';
import { buildConfig } from '../../../domain/cc/build-config.ts';
import type { Build } from './build.ts';
import { type Machine, must, valuesOf } from './machine.ts';
import { lookAround } from './scripts.ts';

/** Room a host needs beside the drives: the kit and the logs of the build. */
const spareBytes = 64 * 1024 * 1024;

/** The config text and what it needs, with paths as they are on the machine. `home` is the account's home there. */
export function configFor({ request, record }: Build, machine: Machine, home: string) {
  const folder = dirname(request.config.file);
  const absolute = (path: string): string => {
    if (path === '~' || path.startsWith('~/')) return join(machine.isLocal ? homedir() : home, path.slice(1));
    if (path.startsWith('/')) return path;
    if (machine.isLocal) return resolve(folder, path);
    throw new DeskError(
      'invalid_input',
      `${request.config.file}: "${path}" is not absolute, but ${machine.label} is another machine.`,
      { hint: 'Write the absolute path it has on the builder host.' },
    );
  };
  const kit = machine.isLocal
    ? join(request.prod, request.site)
    : `${folderOn(machine, home)}/jobs/${record.id}/${request.site}`;
  return buildConfig(request.config.document, request.config.file, { kit, absolute });
}

const folderOn = ({ host }: Machine, home: string): string => host.directory.replace(/^~(?=\/|$)/, home);

const cannot = (
  machine: Machine,
  site: string,
  wrong: readonly { message: string; hint: string }[],
): DeskError =>
  new DeskError(
    'remote_failed',
    `${machine.label} cannot build ${site}: ${wrong.map(({ message }) => message).join('; ')}.`,
    { hint: wrong[0]?.hint ?? '', ...(wrong.length > 1 ? { fields: [...wrong] } : {}) },
  );

const vmsRun = (vms: readonly string[]) => ({
  message: `${vms.length === 1 ? 'a virtual machine runs' : `${vms.length} virtual machines run`} there (${vms
    .map((line) => `process ${line.split(' ')[1]}`)
    .join(', ')})`,
  hint: 'Image builders are known to end every QEMU of their host. Build elsewhere, or say that they may be ended.',
});

/** The error for lines `used process <id>`; undefined when there are none. */
export function vmsInTheWay(
  { request }: Build,
  machine: Machine,
  lines: readonly string[],
): DeskError | undefined {
  const vms = lines.filter((line) => line.startsWith('used process ')).map((line) => line.slice(5));
  return vms.length === 0 ? undefined : cannot(machine, request.site, [vmsRun(vms)]);
}

/**
 * Looks whether the host can build: the builder is there, the files it reads, the tools, room, no virtual machines. Throws with
 * everything that is wrong; answers what is only odd, and the home folder there. `isBuilding`: another image is built there now,
 * so its virtual machines are none of ours to judge.
 */
export async function checkHost(
  build: Build,
  machine: Machine,
  { isBuilding = false } = {},
): Promise<{ home: string; notes: string[] }> {
  const { request, signal } = build;
  const { command } = machine.host;
  const look = async (files: string[]) =>
    must(machine, 'Looking at the builder', lookAround, [command, ...files], { signal });
  machine.home ??= valuesOf(await look([])).get('home') ?? '';
  const { home } = machine;
  const config = configFor(build, machine, home);
  const lines = await look(config.files.map(({ path }) => path));
  const starting = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const wrong: { message: string; hint: string }[] = [];
  const [kind = '', ...rest] = (valuesOf(lines).get('command') ?? '').split(' ');
  const path = rest.join(' ');
  if (kind === 'missing')
    wrong.push({
      message: `the image builder ${path} is not there`,
      hint: 'Write its absolute path as build_image_cmd in project.yml, or as "command" of the builder in desk.yml.',
    });
  if (kind === 'folder')
    wrong.push({ message: `the image builder ${path} is a folder`, hint: 'Name the program in it.' });
  if (kind === 'mode')
    wrong.push({ message: `the image builder ${path} is not executable`, hint: `chmod +x ${path}` });
  for (const line of starting('file')) {
    if (!line.startsWith('missing ')) continue;
    const missing = line.slice('missing '.length);
    const field = config.files.find((file) => file.path === missing)?.field ?? 'a file';
    wrong.push({
      message: `${field} ${missing} is not there or cannot be read`,
      hint: 'Copy it to the builder host, or correct the path in the cc_config file.',
    });
  }
  const tools = starting('tool');
  if (tools.length > 0)
    wrong.push({
      message: `${tools.join(', ')} ${tools.length === 1 ? 'is' : 'are'} missing`,
      hint: 'Builds need Linux with util-linux, coreutils and procps.',
    });
  const free = Number(valuesOf(lines).get('free') ?? Number.NaN) * 1024;
  if (free < spareBytes)
    wrong.push({
      message: `${machine.host.directory} has only ${Math.floor(free / 1024 / 1024)} MiB left`,
      hint: 'Free some space on the builder host.',
    });
  const vms = isBuilding ? [] : starting('used').filter((line) => line.startsWith('process '));
  if (vms.length > 0 && request.allowRunningVms !== true) wrong.push(vmsRun(vms));
  if (wrong.length > 0) throw cannot(machine, request.site, wrong);
  const needed = config.driveGigabytes * 1e9;
  const notes: string[] = [];
  if (free < needed)
    notes.push(
      `${machine.label} has ${Math.floor(free / 1e9)} GB free, the drives of the image may take ${config.driveGigabytes} GB.`,
    );
  if (vms.length > 0) notes.push(`Virtual machines run on ${machine.label}; the builder may end them.`);
  return { home, notes };
}
