/** Attestation: every site's evidence, verified here. */
import { InvalidArgumentError, Option } from 'commander';
import type { CallOutput, StateValue } from '../../contract/index.ts';
import { command, given, list, noun, run, wholeNumber, type RegisterCommands } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import type { ExitCode } from '../exit-codes.ts';
import { table } from '../table.ts';

type Board = StateValue<'attestation.board'>;
type Site = Board['sites'][number];

const age = (at: string | undefined): string =>
  at === undefined ? '' : `${Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000))} s ago`;

/** What needs nobody's attention. */
const well = new Set(['attested', 'attested_ending', 'simulated_attested', 'not_configured']);
const exitOf = ({ sites, report }: Board): ExitCode => {
  if (report !== undefined) return 1;
  const bad = sites.filter(({ badge }) => !well.has(badge)).length;
  return bad === 0 ? 0 : bad === sites.length ? 1 : 3;
};

function rows(sites: readonly Site[]): string {
  return table(
    sites.map((site) => [
      site.site,
      site.label,
      site.class,
      age(site.at),
      site.source ?? '',
      site.last_verified_at === undefined ? '' : `last attested ${site.last_verified_at}`,
      site.message,
    ]),
    ['SITE', 'STATE', 'CLASS', 'LEARNT', 'FROM', '', 'SAYS'],
  );
}

function render(board: Board): string {
  const head = board.simulated
    ? 'SIMULATED: a test root is accepted; nothing here is about real hardware.\n'
    : '';
  const stop =
    board.report === undefined
      ? ''
      : confine(
          `The federation stopped at ${board.report.stopped_at}: ${board.report.reason}\nstart again in this order: ${board.report.start_order.join(', ')}\n`,
        );
  const hints = board.sites.flatMap(({ site, hint }) =>
    hint === undefined ? [] : [confine(`${site}: ${hint}\n`)],
  );
  return `${head}${rows(board.sites)}${hints.join('')}${stop}`;
}

async function watching(desk: Desk, kit: string) {
  return desk.client.call('attestation.look', { kit: desk.place(kit) }, { signal: desk.interrupted });
}

async function status(desk: Desk, options: { kit: string; only?: string[] }) {
  const looked = await watching(desk, options.kit);
  if (!looked.ok) return desk.printer.answer(looked, () => '');
  const answer = await desk.client.call('attestation.check', given({ sites: options.only }), {
    signal: desk.interrupted,
  });
  return desk.printer.answer(answer, render, exitOf);
}

async function watch(desk: Desk, options: { kit: string }) {
  const looked = await watching(desk, options.kit);
  if (!looked.ok) return desk.printer.answer(looked, () => '');
  const shown = new Map<string, string>();
  let last: Board | undefined;
  const stop = desk.client.subscribe('attestation.board', ({ value }) => {
    last = value;
    for (const site of value.sites) {
      const line = `${site.label}: ${site.message}`;
      if (shown.get(site.site) === line) continue;
      shown.set(site.site, line);
      desk.terminal.stderr.write(confine(`${new Date().toISOString()} ${site.site} ${site.class} ${line}\n`));
    }
  });
  await new Promise<void>((resolve) => {
    if (desk.interrupted.aborted) resolve();
    else desk.interrupted.addEventListener('abort', () => resolve(), { once: true });
  });
  stop();
  const empty: Board = { watching: false, simulated: false, server: 'unknown', sites: [], alarms: [] };
  return desk.printer.answer({ ok: true, value: last ?? empty }, render, exitOf);
}

async function verify(
  desk: Desk,
  file: string,
  options: { vcek?: string; measurement?: string; fields?: boolean },
) {
  const answer = await desk.client.call(
    'attestation.verify_file',
    given({
      file: desk.place(file),
      certificate: desk.place(options.vcek),
      measurement: options.measurement,
    }),
    { signal: desk.interrupted },
  );
  return desk.printer.answer(
    answer,
    ({ verdict, fields, vcek_address: address }) => {
      const marks = { passed: '✓', failed: '✗', not_checked: '?' };
      const checks = table(verdict.checks.map(({ state, title, message }) => [marks[state], title, message]));
      const decoded =
        options.fields === true
          ? table(
              fields.map((field) => [
                `0x${field.offset.toString(16).padStart(3, '0')}`,
                field.name,
                field.value,
                field.meaning ?? '',
              ]),
            )
          : '';
      const simulated = verdict.simulated ? ' (SIMULATED by a test root)' : '';
      const hint = verdict.hint === undefined ? '' : `${verdict.hint}\n`;
      const where =
        verdict.outcome === 'unchecked' && address !== undefined ? `its certificate: ${address}\n` : '';
      return `${checks}${decoded}${confine(`${verdict.outcome}${simulated}: ${verdict.message}\n${hint}${where}`)}`;
    },
    // Genuine but not compared is no success: the question was whether it is the image.
    ({ verdict }) =>
      verdict.outcome === 'verified'
        ? 0
        : verdict.outcome === 'genuine' && options.measurement === undefined
          ? 0
          : 1,
  );
}

async function exportTimeline(desk: Desk, file: string, options: { kit: string; maskChips?: boolean }) {
  const answer = await desk.client.call(
    'attestation.export',
    given({ file: desk.place(file), kit: desk.place(options.kit), mask_chips: options.maskChips }),
    { signal: desk.interrupted },
  );
  return desk.printer.answer(answer, (value) => confine(`${value.entries} entries in ${value.file}\n`));
}

async function sample(desk: Desk, options: { kit: string; seconds?: number }) {
  const looked = await watching(desk, options.kit);
  if (!looked.ok) return desk.printer.answer(looked, () => '');
  const answer = await desk.runTask('attestation.sample_logs', given({ seconds: options.seconds }));
  return desk.printer.answer(
    answer,
    ({ lines, restored }) =>
      `${lines} lines about the check; logging ${restored ? 'is as before' : 'COULD NOT BE RESTORED: configure_site_log server reload'}\n`,
    ({ restored }) => (restored ? 0 : 3),
  );
}

type Firmware = Record<string, Record<string, number>>;

interface RuleOptions {
  kit: string;
  minimumTcb?: Firmware;
  smt?: 'allow' | 'forbid';
  migration?: 'allow' | 'forbid';
}

/** `Milan:snp=8,microcode=115`; `Milan:` takes its levels away. */
function firmware(value: string, before: Firmware | undefined): Firmware {
  const found = /^(\w+):((?:\w+=\d{1,3}(?:,(?=\w)|$))*)$/.exec(value);
  if (!found)
    throw new InvalidArgumentError('It must be like Milan:snp=8,microcode=115, or Milan: for no demand.');
  const [, product = '', levels = ''] = found;
  const parts = [...levels.matchAll(/(\w+)=(\d+)/g)].map(([, name = '', level]) => [name, Number(level)]);
  return { ...before, [product]: Object.fromEntries(parts) as Firmware[string] };
}

async function rules(desk: Desk, options: RuleOptions) {
  const looked = await watching(desk, options.kit);
  if (!looked.ok) return desk.printer.answer(looked, () => '');
  const read = await desk.client.call('attestation.rules', {}, { signal: desk.interrupted });
  const { minimumTcb, smt, migration } = options;
  const asked = minimumTcb !== undefined || smt !== undefined || migration !== undefined;
  if (!read.ok || !asked) return desk.printer.answer(read, renderRules);
  const { rules: old } = read.value;
  const next = {
    minimum_tcb: { ...old.minimum_tcb, ...minimumTcb },
    allow_smt: smt === undefined ? old.allow_smt : smt === 'allow',
    allow_migration: migration === undefined ? old.allow_migration : migration === 'allow',
  };
  const answer = await desk.client.call(
    'attestation.set_rules',
    { rules: next },
    { signal: desk.interrupted },
  );
  return desk.printer.answer(answer, renderRules);
}

function renderRules({ project, rules: of }: CallOutput<'attestation.rules'>): string {
  const firmware = Object.entries(of.minimum_tcb).map(([product, levels]) => [
    `lowest firmware of ${product}`,
    Object.entries(levels ?? {})
      .map(([name, value]) => `${name} ${value}`)
      .join(', ') || 'any',
  ]);
  const yes = (allowed: boolean): string => (allowed ? 'allowed' : 'forbidden');
  return table([
    ['project', project],
    ...firmware,
    ['hyper-threading', yes(of.allow_smt)],
    ['migration agent', yes(of.allow_migration)],
  ]);
}

const kitOption = ['--kit <directory>', 'admin kit, of any role'] as const;

export const registerAttest: RegisterCommands = (program, host) => {
  const attest = noun(
    program,
    'attest',
    'which VMs are provably the images that were built',
    'flaredesk attest status --kit workspace/study/prod_00/admin@hospital.org',
  );
  command(
    attest,
    'status',
    'ask every site for fresh evidence, verify it, say what it proves',
    'flaredesk attest status --kit workspace/study/prod_00/admin@hospital.org --only site-1',
  )
    .requiredOption(...kitOption)
    .option('--only <names>', 'only these sites, comma-separated', list)
    .action(run(host, status));
  command(
    attest,
    'watch',
    'keep watching until Ctrl-C; every change is a line',
    'flaredesk attest watch --kit workspace/study/prod_00/admin@hospital.org',
  )
    .requiredOption(...kitOption)
    .action(run(host, watch));
  command(
    attest,
    'verify <file>',
    'verify one report in a file (bytes, hex or base64) with nothing else known',
    'flaredesk attest verify report.bin --vcek vcek.der --measurement 6d28…',
  )
    .option('--vcek <file>', 'certificate of the chip (default: the store)')
    .option('--measurement <hex>', 'the launch measurement it must have')
    .option('--fields', 'show every field of the report')
    .action(run(host, verify));
  command(
    attest,
    'export <file>',
    'write the timeline of a project as JSON lines to a new file',
    'flaredesk attest export timeline.jsonl --kit workspace/study/prod_00/admin@hospital.org --mask-chips',
  )
    .requiredOption(...kitOption)
    .option('--mask-chips', 'leave chip ids and raw reports out')
    .action(run(host, exportTimeline));
  command(
    attest,
    'rules',
    'what a project demands beyond the image: lowest firmware, hyper-threading, migration; without options they are shown',
    'flaredesk attest rules --kit workspace/study/prod_00/admin@hospital.org --minimum-tcb Milan:snp=8,microcode=115',
  )
    .requiredOption(...kitOption)
    .option(
      '--minimum-tcb <product:levels...>',
      'boot_loader, tee, snp, microcode, fmc of Milan, Genoa or Turin',
      firmware,
    )
    .addOption(
      new Option('--smt <choice>', 'hyper-threading in the policy of a VM').choices(['allow', 'forbid']),
    )
    .addOption(new Option('--migration <choice>', 'a migration agent').choices(['allow', 'forbid']))
    .action(run(host, rules));
  command(
    attest,
    'logs',
    'turn the server’s log to its file for a while, read the lines about the check, put logging back',
    'flaredesk attest logs --kit workspace/study/prod_00/admin@hospital.org --seconds 60',
  )
    .requiredOption(...kitOption)
    .option('--seconds <n>', 'for so long (default 60)', wholeNumber)
    .action(run(host, sample));
};
