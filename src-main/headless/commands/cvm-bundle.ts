import { dirname, join } from 'node:path';
import { type Command, Option } from 'commander';
import type { TaskInput, TaskOutput } from '../../contract/index.ts';
import { command, given, run, type CommandHost } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { table } from '../table.ts';

type Inspection = TaskOutput<'bundles.inspect'>;
/** As scripts know it: the record by its path. */
type Facts = Omit<Inspection, 'record'> & { record?: { path: string; signed: boolean } };
type Finding = Facts['findings'][number];

interface InspectOptions {
  project?: string;
  workspace?: string;
  participant?: string;
  rootFingerprint?: string;
  record?: boolean;
  sign?: 'root' | 'admin';
  adminKit?: string;
}

function inputOf(desk: Desk, bundle: string, options: InspectOptions): TaskInput<'bundles.inspect'> {
  return {
    bundle: desk.place(bundle),
    ...given({
      file: desk.place(options.project),
      workspace: desk.place(options.workspace),
      participant: options.participant,
      root_fingerprint: options.rootFingerprint,
      keep: options.record,
      sign: options.sign,
      admin_kit: desk.place(options.adminKit),
    }),
  };
}

const renderFindings = (findings: readonly Finding[]): string =>
  findings
    .map(({ severity, file, line, message, hint }) => {
      const where = `${file === '.' ? 'bundle' : file}${line === undefined ? '' : `:${line}`}`;
      return confine(`${severity}: ${where}: ${message}${hint === undefined ? '' : ` ${hint}`}\n`);
    })
    .join('');

function renderMeasurement(measurement: Facts['measurement']): string {
  if (!measurement.computed) return `measurement: cannot be computed: ${confine(measurement.reason)}\n`;
  return table([
    ['measurement', measurement.plain],
    ['', measurement.plain_base64],
    ['with debug swap', measurement.with_debug_swap],
    ['', measurement.with_debug_swap_base64],
  ]);
}

function render(value: Facts): string {
  const { launch, kit, record } = value;
  const facts: [string, string | undefined][] = [
    ['bundle', value.bundle],
    ['participant', value.participant],
    ['archive', value.archive && `${value.archive.size} B, SHA-256 ${value.archive.sha256}`],
    ['vm_id', launch.vm_id],
    ['vCPUs', launch.cores?.toString()],
    ['CPU', launch.cpu],
    ['policy', launch.policy === undefined ? undefined : `0x${launch.policy.toString(16)}`],
    ['ports', launch.forwards.map(({ host, guest }) => `${host}→${guest}`).join(', ') || undefined],
    ['kit inside', kit ? `${kit.name ?? '?'} (${kit.kind}), root ${kit.root_fingerprint}` : undefined],
    ['record', record && `${record.path}${record.signed ? ', signed' : ', not signed'}`],
  ];
  const rows = facts.filter((row): row is [string, string] => row[1] !== undefined);
  const files = value.files.map(({ name, size, sha256 }) => [name, String(size), sha256]);
  return `${table(rows)}\n${table(files, ['FILE', 'BYTES', 'SHA-256'])}\n${renderMeasurement(value.measurement)}${renderFindings(value.findings)}`;
}

const isProblem = ({ severity }: Finding): boolean => severity === 'problem';

async function inspect(desk: Desk, bundle: string, options: InspectOptions) {
  const inspected = await desk.runTask('bundles.inspect', inputOf(desk, bundle, options));
  const folder = dirname(desk.place(bundle));
  const withPath = ({ record, ...value }: Inspection): Facts =>
    record ? { ...value, record: { path: join(folder, record.name), signed: record.signed } } : value;
  const answer = inspected.ok ? { ok: true as const, value: withPath(inspected.value) } : inspected;
  return desk.printer.answer(answer, render, ({ findings }) => (findings.some(isProblem) ? 1 : 0));
}

async function measure(desk: Desk, bundle: string) {
  const answer = await desk.runTask('bundles.inspect', { bundle: desk.place(bundle) });
  const value = answer.ok
    ? { ok: true as const, value: { bundle: answer.value.bundle, measurement: answer.value.measurement } }
    : answer;
  return desk.printer.answer(
    value,
    ({ measurement }) => renderMeasurement(measurement),
    ({ measurement }) => (measurement.computed ? 0 : 1),
  );
}

async function verify(
  desk: Desk,
  bundle: string,
  options: { rootFingerprint?: string; record?: string; project?: string; workspace?: string },
) {
  const answer = await desk.runTask('bundles.verify', {
    bundle: desk.place(bundle),
    ...given({
      root_fingerprint: options.rootFingerprint,
      record: desk.place(options.record),
      file: desk.place(options.project),
      workspace: desk.place(options.workspace),
    }),
  });
  return desk.printer.answer(
    answer,
    (value) => {
      const head = `${value.bundle} of ${value.participant}, signed by ${value.signed_by} at ${value.created_at}\n`;
      const verdict =
        value.problems.length > 0
          ? `${value.problems.length} wrong: do not start it`
          : `${value.files} files as signed`;
      return `${confine(head)}${renderFindings([...value.problems, ...value.notes])}${verdict}\n`;
    },
    ({ problems }) => (problems.length > 0 ? 1 : 0),
  );
}

export function registerBundles(cvm: Command, host: CommandHost): void {
  command(
    cvm,
    'inspect <bundle>',
    'look into a bundle: files, hashes, launch, measurement, the kit inside',
    'flaredesk cvm inspect workspace/study/prod_00/site-1/site-1.tgz -p project.yml --record',
    'flaredesk cvm inspect site-1.tgz -p project.yml --sign root',
  )
    .option('-p, --project <file>', 'the project it belongs to: its root, and what changed since')
    .option('-w, --workspace <directory>', 'where kits were written (default: desk.yml, else workspace)')
    .option('--participant <name>', "whose bundle it is (default: the archive's name)")
    .option('--root-fingerprint <fingerprint>', 'SHA-256 of the root certificate the kit inside must have')
    .option('--record', 'keep hashes and measurement in <site>.bundle.json beside the archive')
    .addOption(
      new Option('--sign <key>', 'sign that record for the site: root (the project key) or admin').choices([
        'root',
        'admin',
      ]),
    )
    .option('--admin-kit <folder>', 'with --sign admin: the kit of a project admin')
    .action(run(host, inspect));
  command(
    cvm,
    'measure <bundle>',
    'compute the launch measurement that the key broker must know',
    'flaredesk cvm measure workspace/study/prod_00/site-1/site-1.tgz',
  ).action(run(host, measure));
  command(
    cvm,
    'verify <bundle>',
    'compare a bundle with its signed record, offline, by the root fingerprint alone',
    'flaredesk cvm verify site-1.tgz --root-fingerprint SHA256:AB:CD:…',
  )
    .option(
      '--root-fingerprint <fingerprint>',
      "SHA-256 of the project's root certificate, told to you another way",
    )
    .option('-p, --project <file>', 'without --root-fingerprint: the root of this project')
    .option('-w, --workspace <directory>', 'where kits were written (default: desk.yml, else workspace)')
    .option('--record <file>', 'the record (default: <site>.bundle.json beside the bundle)')
    .action(run(host, verify));
}
