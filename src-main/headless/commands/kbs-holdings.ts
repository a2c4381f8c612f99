import type { Command } from 'commander';
import type { CallOutput } from '../../contract/index.ts';
import { given, noun, run, type CommandHost } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { table } from '../table.ts';
import { ask, confirming, type ProjectOption, verb } from './kbs-shared.ts';

interface Confirmed extends ProjectOption {
  confirm?: string;
}

async function listReferences(desk: Desk, names: string[], options: ProjectOption) {
  const answer = await ask(desk, 'kbs.reference_read', {
    file: desk.place(options.project),
    ...(names.length > 0 ? { names } : {}),
  });
  return desk.printer.answer(answer, ({ release, complete, values }) => {
    if (!complete && names.length === 0)
      desk.printer.note(`Trustee ${release} lists no names: these were registered from here; name others`);
    return values.length === 0
      ? 'no reference value is known\n'
      : table(
          values.map(({ name, value, registered_at }) => [
            name,
            confine(value ?? 'none'),
            registered_at ?? '',
          ]),
          ['NAME', 'VALUE', 'REGISTERED FROM HERE'],
        );
  });
}

async function register(
  desk: Desk,
  name: string,
  values: string[],
  options: Confirmed & { fromImages?: boolean },
) {
  const answer = await ask(desk, 'kbs.reference_register', {
    file: desk.place(options.project),
    name,
    ...(values.length > 0 ? { values } : {}),
    ...given({ from_images: options.fromImages, confirm: options.confirm }),
  });
  return desk.printer.answer(answer, ({ changed, before, after, left_out }) => {
    for (const { participant, reason } of left_out)
      desk.printer.note(`no measurement of ${participant}: ${reason}`);
    return changed
      ? `was ${confine(before ?? 'none')}\nnow ${confine(after)}\n`
      : 'these values stood there already\n';
  });
}

const timesOf = (count: number | null): string => (count === null ? '?' : String(count));

function doneText({ done }: CallOutput<'kbs.resource_list'>['resources'][number]): string {
  if (!done) return '';
  return `${done.what} ${done.at} by ${done.actor}${done.size === null ? '' : `, ${done.size} bytes`}`;
}

async function listResources(desk: Desk, options: ProjectOption) {
  const answer = await ask(desk, 'kbs.resource_list', { file: desk.place(options.project) });
  return desk.printer.answer(answer, ({ resources, counted_at }) => {
    desk.printer.note(
      'No release up to v0.21 lists its resources: these are known from images, counters and here',
    );
    if (counted_at === null) desk.printer.note('it answers no counters');
    return resources.length === 0
      ? 'no resource is known\n'
      : table(
          resources.map((one) => [
            one.path,
            one.participant ?? '',
            timesOf(one.writes),
            timesOf(one.reads),
            doneText(one),
          ]),
          ['PATH', 'DISK KEY OF', 'WRITES', 'READS', 'FROM HERE'],
        );
  });
}

async function put(desk: Desk, path: string, content: string, options: Confirmed) {
  const answer = await ask(desk, 'kbs.resource_put', {
    file: desk.place(options.project),
    path,
    content: desk.place(content),
    ...given({ confirm: options.confirm }),
  });
  return desk.printer.answer(answer, ({ size }) => `put ${size} bytes; only a VM can read them back\n`);
}

async function remove(desk: Desk, path: string, options: Confirmed) {
  const answer = await ask(desk, 'kbs.resource_delete', {
    file: desk.place(options.project),
    path,
    ...given({ confirm: options.confirm }),
  });
  return desk.printer.answer(answer, () => 'deleted\n');
}

/** `kbs reference …` and `kbs resource …`. */
export function registerKbsHoldings(kbs: Command, host: CommandHost): void {
  const reference = noun(
    kbs,
    'reference',
    'reference values of its attestation service',
    'flaredesk kbs reference list -p project.yml',
  );
  verb(
    reference,
    'list [names...]',
    'all of them up to v0.15; from v0.16 the named ones, or those registered from here',
    'reference list snp_launch_measurement',
  ).action(run(host, listReferences));
  confirming(
    verb(
      reference,
      'register <name> [values...]',
      'replace what stands under a name, and read it back',
      'reference register snp_launch_measurement --from-images',
    ).option('--from-images', 'the measurements of the project’s images'),
  ).action(run(host, register));

  const resource = noun(
    kbs,
    'resource',
    'its resources, the secrets it hands out; a content is never shown',
    'flaredesk kbs resource list -p project.yml',
  );
  verb(resource, 'list', 'paths known from images, counters and this computer', 'resource list').action(
    run(host, listResources),
  );
  confirming(
    verb(
      resource,
      'put <path> <file>',
      'set repository/type/tag to the bytes of a file',
      'resource put keys/root/VM_ID disk.key',
    ),
  ).action(run(host, put));
  confirming(
    verb(
      resource,
      'delete <path>',
      'delete a resource, from Trustee v0.20',
      'resource delete keys/root/VM_ID',
    ),
  ).action(run(host, remove));
}
