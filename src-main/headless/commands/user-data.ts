import type { Envelope } from '../../contract/kernel.ts';
import { command, given, noun, run, type RegisterCommands } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { table } from '../table.ts';

interface WhereOptions {
  project?: string;
  site?: string;
}
type SizedOptions = WhereOptions & { size: string };

/** With --site the path is one on the site's host, else one here. */
const where = (desk: Desk, drive: string, { project, site }: WhereOptions) =>
  site === undefined
    ? { drive: desk.place(drive) }
    : { site, host_path: drive, file: desk.place(project ?? 'project.yml') };

/** As scripts know it: a drive here by its path. */
async function change<Changed extends { drive: string; on: string }>(
  desk: Desk,
  drive: string,
  { site }: WhereOptions,
  work: Promise<Envelope<Changed>>,
): Promise<Envelope<Changed>> {
  const answer = await work;
  if (!answer.ok || site !== undefined) return answer;
  return { ok: true, value: { ...answer.value, drive: desk.place(drive) } };
}

const done = ({ drive, on }: { drive: string; on: string }): string =>
  `${confine(drive)} on ${confine(on)} is ready\n`;

async function create(desk: Desk, drive: string, folder: string, options: SizedOptions) {
  const source = options.site === undefined ? { folder: desk.place(folder) } : { host_folder: folder };
  const input = { ...where(desk, drive, options), ...source, size: Number(options.size) };
  return desk.printer.answer(
    await change(desk, drive, options, desk.runTask('user_data.create', input)),
    done,
  );
}

async function resize(desk: Desk, drive: string, options: SizedOptions) {
  const input = { ...where(desk, drive, options), size: Number(options.size) };
  return desk.printer.answer(
    await change(desk, drive, options, desk.runTask('user_data.resize', input)),
    done,
  );
}

async function put(desk: Desk, drive: string, source: string, options: WhereOptions & { name?: string }) {
  const input = {
    ...where(desk, drive, options),
    source: desk.place(source),
    ...given({ name: options.name }),
  };
  return desk.printer.answer(await change(desk, drive, options, desk.runTask('user_data.put', input)), done);
}

interface MountOptions extends WhereOptions {
  for?: string;
  anyway?: boolean;
}

/** Says what stands against the export on standard error, before anything is written. */
async function mountConf(desk: Desk, drive: string, nfs: string, options: MountOptions) {
  const { project, site, for: participant, anyway } = options;
  const needsProject = site !== undefined || participant !== undefined;
  const file = desk.place(project ?? (needsProject ? 'project.yml' : undefined));
  const asked = { nfs, ...given({ file, participant }) };
  const check = await desk.runTask('user_data.check_mount', { ...asked, ...given({ site }) });
  if (!check.ok) return desk.printer.answer(check, () => '');
  for (const { severity, message, hint } of check.value.findings) {
    if (severity === 'problem' || severity === 'warning')
      desk.printer.note(`${severity}: ${message}${hint === undefined ? '' : ` ${hint}`}`);
  }
  const input = { ...asked, ...where(desk, drive, options), ...given({ anyway }) };
  const answer = await change(desk, drive, options, desk.runTask('user_data.mount_conf', input));
  return desk.printer.answer(answer, (value) => {
    const reached = value.reached.map(
      (one) =>
        `port ${one.port}: ${one.reached ? 'reached' : 'not reached'} from ${confine(check.value.from)}\n`,
    );
    return `${done(value)}${reached.join('')}`;
  });
}

async function ls(desk: Desk, drive: string, path: string | undefined, options: WhereOptions) {
  const answer = await desk.runTask('user_data.list', { ...where(desk, drive, options), ...given({ path }) });
  return desk.printer.answer(answer, ({ entries }) =>
    table(
      entries.map(({ name, kind, size }) => [kind === 'folder' ? `${name}/` : name, String(size)]),
      ['NAME', 'BYTES'],
    ),
  );
}

async function cat(desk: Desk, drive: string, path: string, options: WhereOptions) {
  const answer = await desk.runTask('user_data.read', { ...where(desk, drive, options), path });
  return desk.printer.answer(answer, ({ base64 }) =>
    confine(new TextDecoder().decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)))),
  );
}

/** Data drives of confidential VMs: everything below `flaredesk userdata`. */
export const registerUserData: RegisterCommands = (program, host) => {
  const userdata = noun(
    program,
    'userdata',
    'data drives of confidential VMs, made and changed without root',
    'flaredesk userdata create user_data.qcow2 ./data --size 20',
  );
  const on = (name: string, summary: string, ...examples: [string, ...string[]]) =>
    command(userdata, name, summary, ...examples)
      .option('--site <name>', "the drive is on this site's host (see desk.yml); paths are paths there")
      .option('-p, --project <file>', 'with --site: project.yml (default: project.yml)');
  on(
    'create <drive> <folder>',
    'make a drive from a folder',
    'flaredesk userdata create user_data.qcow2 ./data --size 20',
  )
    .requiredOption('--size <GiB>', 'size of the drive')
    .action(run(host, create));
  on(
    'resize <drive>',
    'make a drive larger; its files stay',
    'flaredesk userdata resize user_data.qcow2 --size 50',
  )
    .requiredOption('--size <GiB>', 'the new size')
    .action(run(host, resize));
  on('ls <drive> [path]', 'list what is on a drive', 'flaredesk userdata ls user_data.qcow2 /').action(
    run(host, ls),
  );
  on('cat <drive> <path>', 'show a file of a drive', 'flaredesk userdata cat applog.qcow2 /log.txt').action(
    run(host, cat),
  );
  on(
    'put <drive> <file>',
    'write a file to the root of a drive',
    'flaredesk userdata put user_data.qcow2 labels.csv',
  )
    .option('--name <name>', 'its name on the drive')
    .action(run(host, put));
  on(
    'mount-conf <drive> <export>',
    'write ext_mount.conf: the NFS export the VM mounts',
    'flaredesk userdata mount-conf user_data.qcow2 nfs.example.org:/exports/study --site site-1',
    'flaredesk userdata mount-conf user_data.qcow2 nfs.example.org:/exports/study -p project.yml --for site-1',
  )
    .option(
      '--for <participant>',
      'whose VM mounts it: its cc_config says which ports are open (default: --site)',
    )
    .option('--anyway', 'also when it is known that the VM will not reach the server')
    .action(run(host, mountConf));
};
