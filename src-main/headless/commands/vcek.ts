/** Certificates of the chips that sign evidence. */
import { readFile } from 'node:fs/promises';
import { command, given, noun, run, type RegisterCommands } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { table } from '../table.ts';

async function listChips(desk: Desk) {
  const answer = await desk.client.call('vcek.list', {}, { signal: desk.interrupted });
  return desk.printer.answer(answer, ({ certificates }) =>
    certificates.length === 0
      ? 'no certificates\n'
      : table(
          certificates.map((one) => [
            one.product,
            one.kind,
            (one.chip_id ?? '').slice(0, 16),
            one.tcb,
            `${one.days_left} d`,
          ]),
          ['PRODUCT', 'KIND', 'CHIP', 'FIRMWARE', 'LEFT'],
        ),
  );
}

async function importFrom(desk: Desk, from: string) {
  const answer = await desk.client.call(
    'vcek.import',
    { from: desk.place(from) },
    { signal: desk.interrupted },
  );
  return desk.printer.answer(
    answer,
    ({ files }) => table(files.map(({ file, state, message }) => [state, file, message ?? ''])),
    ({ files }) => {
      const refused = files.filter(({ state }) => state === 'refused').length;
      return refused === 0 ? 0 : refused === files.length ? 1 : 3;
    },
  );
}

async function fetchFrom(desk: Desk, options: { url?: string[]; report?: string; from?: string }) {
  const listed =
    options.from === undefined
      ? []
      : (await readFile(desk.place(options.from), 'utf8')).split('\n').filter((line) => line.trim() !== '');
  const all = [...(options.url ?? []), ...listed];
  const answer = await desk.runTask(
    'vcek.fetch',
    given({
      addresses: all.length === 0 ? undefined : all,
      report: desk.place(options.report),
    }),
  );
  return desk.printer.answer(
    answer,
    ({ chips }) =>
      table(chips.map(({ chip_id: chip, state, message }) => [state, chip.slice(0, 16), message ?? ''])),
    ({ chips }) => {
      const failed = chips.filter(({ state }) => state === 'failed').length;
      return failed === 0 ? 0 : failed === chips.length ? 1 : 3;
    },
  );
}

async function exportTo(desk: Desk, folder: string) {
  const answer = await desk.client.call(
    'vcek.export',
    { folder: desk.place(folder) },
    { signal: desk.interrupted },
  );
  return desk.printer.answer(answer, (value) =>
    confine(`${value.certificates} certificates of ${value.chips} chips in ${value.folder}\n`),
  );
}

export const registerVcek: RegisterCommands = (program, host) => {
  const vcek = noun(program, 'vcek', 'certificates of the chips that sign evidence', 'flaredesk vcek list');
  command(vcek, 'list', 'list the certificates here', 'flaredesk vcek list').action(run(host, listChips));
  command(
    vcek,
    'import <path>',
    'take in a certificate, a chain, or all of a folder; what AMD did not sign is refused',
    'flaredesk vcek import /media/usb/vcek',
  ).action(run(host, importFrom));
  command(
    vcek,
    'fetch',
    'ask AMD’s key service, one request in ten seconds; what is here is not asked for',
    'flaredesk vcek fetch --from urls.txt',
  )
    .option(
      '--url <address>',
      'as `snphost show vcek-url` prints it (repeatable)',
      (one: string, before: string[] = []) => [...before, one],
    )
    .option('--report <file>', 'the chip that signed this report')
    .option('--from <file>', 'addresses, one a line, as `snphost show vcek-url` prints them')
    .action(run(host, fetchFrom));
  command(
    vcek,
    'export <folder>',
    'write them the way Trustee’s offline store wants them',
    'flaredesk vcek export ./kds-store',
  ).action(run(host, exportTo));
};
