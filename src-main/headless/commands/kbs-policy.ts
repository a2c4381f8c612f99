import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { DeskError } from '../../contract/errors.ts';
import type { Finding } from '../../contract/finding.ts';
import type { CallOutput } from '../../contract/index.ts';
import { given, noun, run, type CommandHost } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import type { ExitCode } from '../exit-codes.ts';
import { table } from '../table.ts';
import { paint } from '../terminal.ts';
import { ask, confirming, findingLines, type ProjectOption, textOf, verb } from './kbs-shared.ts';

interface WriteOptions extends ProjectOption {
  read?: string;
  confirm?: string;
  acceptFindings?: boolean;
}

/** 2 when any finding is an error, as for `project check`. */
const exitOfFindings = (findings: readonly Finding[]): ExitCode =>
  findings.some(({ severity }) => severity === 'error') ? 2 : 0;

async function get(desk: Desk, options: ProjectOption & { output?: string }) {
  const answer = await ask(desk, 'kbs.policy_read', { file: desk.place(options.project) });
  if (!answer.ok) return desk.printer.answer(answer, () => '');
  if (options.output !== undefined) await writeFile(desk.place(options.output), answer.value.text);
  return desk.printer.answer(answer, ({ text, sha256, changed_elsewhere: other }) => {
    desk.printer.note(`sha256 ${sha256}`);
    if (other) desk.printer.note(`changed by someone else: last set from here ${other.known_at}`);
    return options.output === undefined ? confine(text) : '';
  });
}

async function lint(desk: Desk, path: string | undefined, options: ProjectOption) {
  const file = desk.place(options.project);
  const answer =
    path === undefined
      ? await ask(desk, 'kbs.policy_read', { file })
      : await ask(desk, 'kbs.policy_lint', { file, text: await textOf(desk, path) });
  return desk.printer.answer<{ findings: Finding[]; release: string | null }>(
    answer,
    ({ findings, release }) =>
      findings.length === 0
        ? `nothing found (Trustee ${release ?? '?'})\n`
        : findingLines(desk, findings, path === '-' ? '' : (path ?? '')),
    ({ findings }) => exitOfFindings(findings),
  );
}

async function generate(desk: Desk, options: ProjectOption & { output?: string }) {
  const answer = await ask(desk, 'kbs.policy_generate', { file: desk.place(options.project) });
  if (!answer.ok) return desk.printer.answer(answer, () => '');
  if (options.output !== undefined) await writeFile(desk.place(options.output), answer.value.text);
  return desk.printer.answer(answer, ({ text, left_out }) => {
    for (const { participant, reason } of left_out)
      desk.printer.note(`no rule for ${participant}: ${reason}`);
    return options.output === undefined ? confine(text) : '';
  });
}

type Line = CallOutput<'kbs.policy_compare'>['ours'][number];

/** Changed lines with three lines around each. */
function shown(lines: readonly Line[], desk: Desk): string {
  const colour = paint(desk.terminal, 'stdout');
  const near = lines.map((_, at) =>
    lines.slice(Math.max(0, at - 3), at + 4).some(({ kind }) => kind !== 'same'),
  );
  const out: string[] = [];
  for (const [at, { kind, text }] of lines.entries()) {
    if (!near[at]) {
      if (near[at - 1]) out.push('…');
      continue;
    }
    if (kind === 'added') out.push(colour.green(`+${confine(text)}`));
    else if (kind === 'removed') out.push(colour.red(`-${confine(text)}`));
    else out.push(` ${confine(text)}`);
  }
  return out.map((line) => `${line}\n`).join('');
}

async function diff(desk: Desk, path: string, options: ProjectOption & { read?: string }) {
  const input = { file: desk.place(options.project), text: await textOf(desk, path) };
  const answer = await ask(desk, 'kbs.policy_compare', { ...input, ...given({ read_sha256: options.read }) });
  return desk.printer.answer(answer, ({ base, conflict, ours, theirs }) => {
    const from = {
      read: 'the policy that was read',
      last_set: 'the last one set from here',
      theirs: 'the server',
    }[base.from];
    const changed = theirs.some(({ kind }) => kind !== 'same');
    const other = changed ? `on the server since then:\n${shown(theirs, desk)}` : '';
    return `compared with ${from}\nyours:\n${shown(ours, desk)}${other}${conflict ? 'both changed the same lines\n' : ''}`;
  });
}

const rowsOf = (cvms: CallOutput<'kbs.policy_simulate'>['cvms']): string =>
  cvms.length === 0
    ? 'no confidential VM is known here\n'
    : table(
        cvms.map(({ participant, change, before, after, reason }) => [
          participant,
          change,
          before,
          after,
          reason ?? '',
        ]),
        ['PARTICIPANT', 'KEY', 'NOW', 'THEN', ''],
      );

async function simulate(desk: Desk, path: string, options: ProjectOption) {
  const answer = await ask(desk, 'kbs.policy_simulate', {
    file: desk.place(options.project),
    text: await textOf(desk, path),
  });
  return desk.printer.answer(answer, ({ cvms }) => rowsOf(cvms));
}

type Compared = CallOutput<'kbs.policy_measurements'>;

/** Enough to tell one from another, as in the pages. */
const short = (measurement: string | null): string => (measurement === null ? '?' : measurement.slice(0, 16));
const at = (lines: readonly number[]): string => (lines.length === 0 ? '' : `line ${lines.join(', ')}`);

function staleText({ opens, was }: Compared['stale'][number]): string {
  const swap = was?.debug_swap ? ', on a host with debug swap' : '';
  const of = was ? `image of ${was.participant} in ${was.run}${swap}` : 'no image known here';
  const gets =
    opens === null
      ? 'what it gets is not known'
      : opens.length === 0
        ? 'gets no key'
        : `gets the key of ${opens.join(', ')}`;
  return `${of}; ${gets}`;
}

async function measurements(desk: Desk, path: string | undefined, options: ProjectOption) {
  const answer = await ask(desk, 'kbs.policy_measurements', {
    file: desk.place(options.project),
    ...(path === undefined ? {} : { text: await textOf(desk, path) }),
  });
  return desk.printer.answer(
    answer,
    ({ images, stale }) => {
      const rows = images.map(({ participant, measurement, answer: key, lines, reason }) => [
        participant,
        short(measurement),
        key,
        at(lines),
        reason ?? '',
      ]);
      const left = stale.map((one) => [short(one.measurement), at(one.lines), staleText(one)]);
      const kept = left.length > 0 ? `\nallowed, and of no newest image:\n${table(left)}` : '';
      const shown =
        rows.length === 0
          ? 'no confidential VM is known here\n'
          : table(rows, ['PARTICIPANT', 'MEASUREMENT', 'KEY', 'STANDS ON', '']);
      return `${shown}${kept}`;
    },
    ({ images }) => (images.some(({ answer: key }) => key === 'deny' || key === 'error') ? 1 : 0),
  );
}

const renderWritten = ({ changed, sha256, cvms }: CallOutput<'kbs.policy_set'>): string =>
  `${changed ? 'set, and read back byte by byte' : 'this text stood there already'}\nsha256 ${sha256}\n${rowsOf(cvms)}`;

/** What was read is named, or read now: then only a change between that and the write is noticed. */
async function writing(desk: Desk, options: WriteOptions) {
  const file = desk.place(options.project);
  const common = given({ confirm: options.confirm });
  if (options.read !== undefined) return { file, read_sha256: options.read, ...common };
  const read = await ask(desk, 'kbs.policy_read', { file });
  if (!read.ok) {
    const { code, message, ...details } = read.error;
    throw new DeskError(code, message, details);
  }
  return { file, read_sha256: read.value.sha256, ...common };
}

async function set(desk: Desk, path: string, options: WriteOptions) {
  const text = await textOf(desk, path);
  const accept = given({ accept_findings: options.acceptFindings });
  const answer = await ask(desk, 'kbs.policy_set', { ...(await writing(desk, options)), text, ...accept });
  return desk.printer.answer(answer, renderWritten);
}

async function history(desk: Desk, options: ProjectOption) {
  const answer = await ask(desk, 'kbs.policy_history', { file: desk.place(options.project) });
  return desk.printer.answer(answer, ({ records }) =>
    records.length === 0
      ? 'no policy was read or set from here yet\n'
      : table(
          records.map(({ id, at, kind, sha256, actor, note }) => [
            id,
            at,
            kind,
            sha256.slice(0, 12),
            actor,
            note ?? '',
          ]),
          ['ID', 'AT', 'WHAT', 'SHA-256', 'BY', ''],
        ),
  );
}

async function rollBack(desk: Desk, id: string, options: WriteOptions) {
  const accept = given({ accept_findings: options.acceptFindings });
  const answer = await ask(desk, 'kbs.policy_roll_back', {
    ...(await writing(desk, options)),
    id,
    ...accept,
  });
  return desk.printer.answer(answer, renderWritten);
}

async function denyAll(desk: Desk, options: WriteOptions) {
  return desk.printer.answer(
    await ask(desk, 'kbs.policy_deny_all', await writing(desk, options)),
    renderWritten,
  );
}

/** `kbs policy …`. */
export function registerKbsPolicy(kbs: Command, host: CommandHost): void {
  const policy = noun(
    kbs,
    'policy',
    'its resource policy: read, check, compare, set, roll back',
    'flaredesk kbs policy get -p project.yml',
  );
  const write = (name: string, summary: string, example: string): Command =>
    confirming(
      verb(policy, name, summary, example).option(
        '--read <sha256>',
        'the policy you looked at; another one there is refused (default: read now)',
      ),
    );
  const accepting = (made: Command): Command =>
    made.option('--accept-findings', 'set it although the check found errors');
  verb(policy, 'get', 'print the policy that is in force', 'policy get')
    .option('-o, --output <file>', 'write it to this file')
    .action(run(host, get));
  verb(
    policy,
    'lint [text]',
    'check a policy text (default: the one in force); 2 when it has errors',
    'policy lint policy.rego',
  ).action(run(host, lint));
  verb(policy, 'generate', 'write the rules for the images of the project', 'policy generate')
    .option('-o, --output <file>', 'write them to this file')
    .action(run(host, generate));
  verb(
    policy,
    'diff <text>',
    'compare a text with the policy in force, and with their common base',
    'policy diff policy.rego',
  )
    .option('--read <sha256>', 'the policy you began from (default: the last one set from here)')
    .action(run(host, diff));
  verb(
    policy,
    'simulate <text>',
    'say which CVMs would lose or gain their disk key',
    'policy simulate policy.rego',
  ).action(run(host, simulate));
  verb(
    policy,
    'measurements [text]',
    'compare with the images of the project; 1 when an image would get no key',
    'policy measurements',
  ).action(run(host, measurements));
  accepting(
    write('set <text>', 'replace the policy, if it is still the one you looked at', 'policy set policy.rego'),
  ).action(run(host, set));
  verb(policy, 'history', 'policies seen at and set on this key broker', 'policy history').action(
    run(host, history),
  );
  accepting(write('roll-back <id>', 'set a text of the history again', 'policy roll-back ID')).action(
    run(host, rollBack),
  );
  write('deny-all', 'in an emergency: release no key to anybody', 'policy deny-all').action(
    run(host, denyAll),
  );
}
