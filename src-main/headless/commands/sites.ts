import { InvalidArgumentError, type Command } from 'commander';
import { siteVerbs } from '../../contract/names.ts';
import type { TaskInput, TaskOutput } from '../../contract/index.ts';
import { command, given, list, noun, run, type CommandHost, type RegisterCommands } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import type { ExitCode } from '../exit-codes.ts';
import { table } from '../table.ts';
import { paint } from '../terminal.ts';

type Verb = TaskInput<'sites.run'>['verb'];
type Sites = TaskOutput<'sites.run'>['sites'];

const summaries: Record<Verb, string> = {
  check: 'see whether every host is reachable and ready',
  distribute: 'deliver the kits: upload, verify, unpack, switch over',
  start: 'start every participant and prove that it runs',
  stop: 'stop every participant',
  status: 'say what runs where',
  rollback: 'switch back to the kit before the last delivery',
};

interface SitesCommandOptions {
  project: string;
  only?: string[];
  prod?: string;
  acceptHostKey?: Record<string, string>;
  kit?: string;
  force?: boolean;
}

const failed = (site: Sites[number]): boolean => site.state === 'failed' || site.state === 'cancelled';

function exitOf({ sites }: { sites: Sites }): ExitCode {
  const bad = sites.filter(failed).length;
  if (bad === 0) return 0;
  return bad === sites.filter(({ state }) => state !== 'no_host').length ? 1 : 3;
}

function render(desk: Desk, sites: Sites): string {
  const colour = paint(desk.terminal, 'stdout');
  return sites
    .map((site) => {
      const mark = failed(site) ? colour.red('✗') : site.state === 'no_host' ? '-' : colour.green('✓');
      const error = site.error
        ? confine(`    ${site.error.message}\n${site.error.hint ? `    ${site.error.hint}\n` : ''}`)
        : '';
      const shown = site.steps.filter((step) => step.state !== 'ok' || site.steps.length < 4 || failed(site));
      const steps = table(shown.map((step) => ['   ', step.name, step.state, step.message]));
      return `${mark} ${confine(site.name)}: ${site.state.replaceAll('_', ' ')}\n${steps}${error}`;
    })
    .join('');
}

/** NAME=SHA256:…, repeatable. */
export function hostKey(value: string, before: Record<string, string> | undefined): Record<string, string> {
  const [, name, fingerprint] = /^(.+?)=(SHA256:.+)$/.exec(value) ?? [];
  if (name === undefined || fingerprint === undefined) {
    throw new InvalidArgumentError('It must be NAME=SHA256:…, as ssh-keygen -l shows the key.');
  }
  return { ...before, [name]: fingerprint };
}

const step = (verb: Verb) => async (desk: Desk, options: SitesCommandOptions) => {
  const answer = await desk.runTask('sites.run', {
    verb,
    file: desk.place(options.project),
    ...given({
      only: options.only,
      prod: options.prod,
      accept_host_keys: options.acceptHostKey,
      kit: desk.place(options.kit),
      force: options.force,
    }),
  });
  return desk.printer.answer(answer, ({ sites }) => render(desk, sites), exitOf);
};

export const registerSites: RegisterCommands = (program: Command, host: CommandHost) => {
  const sites = noun(
    program,
    'sites',
    'the hosts of the participants, all at once over SSH',
    'flaredesk sites check -p project.yml',
  );
  for (const verb of siteVerbs) {
    const one = command(
      sites,
      verb,
      summaries[verb],
      `flaredesk sites ${verb} -p project.yml --only site-1,site-2`,
    )
      .option('-p, --project <file>', 'project.yml, with desk.yml beside it', 'project.yml')
      .option('--only <names>', 'only these participants, comma-separated', list)
      .option('--prod <nn>', 'kits of this prod_NN (default: the newest)')
      .option(
        '--accept-host-key <name=key>',
        'accept this SHA256:… key of a host not met before; name: the participant, host or [host]:port (repeatable)',
        hostKey,
      );
    if (verb === 'stop') {
      one
        .option(
          '--kit <dir>',
          'admin kit that shuts confidential sites down by command first (default: one of the run)',
        )
        .option('--force', 'end a confidential VM although that failed: the whole federation may stop');
    }
    one.action(run(host, step(verb)));
  }
};
