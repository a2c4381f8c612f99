import { command, given, noun, run, type RegisterCommands } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { table } from '../table.ts';

export interface KitOptions {
  kit: string;
  study?: string;
}

export const kitInput = (desk: Desk, options: KitOptions) =>
  given({ kit: desk.place(options.kit), study: options.study });

async function info(desk: Desk, options: KitOptions) {
  const answer = await desk.client.call('session.info', kitInput(desk, options), {
    signal: desk.interrupted,
  });
  return desk.printer.answer(answer, (value) => {
    const { server } = value;
    const who = confine(`${value.user} of ${value.org}, ${value.role}\n`);
    const study = value.study === undefined ? '' : confine(`study ${value.study}\n`);
    const status = `FLARE ${server.version}, ${server.refused ?? server.status}, ${server.clients.length} clients\n`;
    const rows = server.clients.map((client) => [client.name, client.last_connected ?? '']);
    return `${who}${study}server ${confine(status)}${rows.length > 0 ? table(rows, ['CLIENT', 'LAST SEEN']) : ''}`;
  });
}

export const registerSession: RegisterCommands = (program, host) => {
  const session = noun(
    program,
    'session',
    'the admin session with a server',
    'flaredesk session info --kit workspace/study/prod_00/admin@hospital.org',
  );
  command(
    session,
    'info',
    'log in and say who, with which role, and how the server is',
    'flaredesk session info --kit workspace/study/prod_00/admin@hospital.org',
  )
    .requiredOption('--kit <directory>', 'admin kit')
    .option('--study <name>', 'study to log in to (FLARE 2.8)')
    .action(run(host, info));
};
