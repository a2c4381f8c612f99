import { confine } from '../confine.ts';
import { command, given, noun, run, type RegisterCommands } from '../command.ts';
import type { Desk } from '../desk.ts';
import { table } from '../table.ts';

async function inspect(desk: Desk, kit: string) {
  const answer = await desk.client.call(
    'kits.inspect',
    { kit: desk.place(kit) },
    { signal: desk.interrupted },
  );
  return desk.printer.answer(answer, (value) =>
    table(
      Object.entries(value)
        .filter(([, item]) => item !== null && item !== undefined)
        .map(([key, item]) => [key, typeof item === 'string' ? item : JSON.stringify(item)]),
    ),
  );
}

async function verify(desk: Desk, kit: string, options: { rootFingerprint?: string }) {
  const input = given({ kit: desk.place(kit), root_fingerprint: options.rootFingerprint });
  const answer = await desk.client.call('kits.verify', input, { signal: desk.interrupted });
  return desk.printer.answer(
    answer,
    (value) => {
      const problems = value.problems.map(({ file, problem }) => confine(`${file}: ${problem}\n`)).join('');
      const notes = value.notes.map(({ file, note }) => confine(`note: ${file}: ${String(note)}\n`)).join('');
      return `${problems}${notes}${value.checked} checked, ${value.problems.length} wrong\n`;
    },
    (value) => (value.problems.length > 0 ? 1 : 0),
  );
}

async function listCertificates(desk: Desk, options: { project: string; workspace?: string }) {
  const input = given({
    file: desk.place(options.project),
    workspace: desk.place(options.workspace),
  });
  const answer = await desk.client.call('certificates.list', input, { signal: desk.interrupted });
  return desk.printer.answer(answer, (value) => {
    const rows = value.certificates.map((one) => [
      one.name,
      one.kind,
      one.state,
      `${one.days_left} d`,
      one.not_after,
      one.file,
    ]);
    const problems = value.problems.map(({ file, problem }) => confine(`${file}: ${problem}\n`)).join('');
    return `${table(rows, ['NAME', 'KIND', 'STATE', 'LEFT', 'ENDS', 'FILE'])}${problems}`;
  });
}

async function calendar(desk: Desk, options: { project?: string }) {
  const file = desk.place(options.project);
  const answer = await desk.client.call('attestation.calendar', given({ file }), {
    signal: desk.interrupted,
  });
  return desk.printer.answer(answer, ({ endings, problems }) => {
    const rows = endings.map((one) => [
      one.not_after.slice(0, 10),
      `${one.days_left} d`,
      one.level === 'later' ? '' : one.level.replaceAll('_', ' '),
      one.kind,
      one.name,
      one.where,
    ]);
    const missing = problems.map(({ what, message }) => confine(`${what}: ${message}\n`)).join('');
    return `${table(rows, ['ENDS', 'LEFT', '', 'KIND', 'NAME', 'WHERE'])}${missing}`;
  });
}

export const registerKit: RegisterCommands = (program, host) => {
  const kit = noun(
    program,
    'kit',
    'look into startup kits',
    'flaredesk kit verify workspace/study/prod_00/site-1',
  );
  command(
    kit,
    'inspect <kit>',
    'say what a kit is: whose, for which server, until when',
    'flaredesk kit inspect workspace/study/prod_00/site-1',
  ).action(run(host, inspect));
  command(
    kit,
    'verify <kit>',
    'verify every signature and certificate of a kit',
    'flaredesk kit verify workspace/study/prod_00/site-1 --root-fingerprint SHA256:AB:CD:…',
  )
    .option('--root-fingerprint <fingerprint>', 'SHA-256 of the root certificate the kit must have')
    .action(run(host, verify));

  const cert = noun(program, 'cert', 'look at certificates', 'flaredesk cert list -p project.yml');
  command(
    cert,
    'list',
    'list every certificate of a project and its kits with the days left',
    'flaredesk cert list -p project.yml',
  )
    .requiredOption('-p, --project <file>', 'project.yml')
    .option('-w, --workspace <directory>', 'where kits were written (default: desk.yml, else workspace)')
    .action(run(host, listCertificates));
  command(
    cert,
    'calendar',
    'every certificate of project, kits, chips and key broker, the first to end at the top',
    'flaredesk cert calendar -p project.yml',
  )
    .option('-p, --project <file>', 'project.yml (default: the chip certificates of this machine alone)')
    .action(run(host, calendar));
};
