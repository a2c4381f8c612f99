import { join } from 'node:path';
import { DeskError } from '../contract/errors.ts';
import type { PassphraseQuestion } from '../services/ssh/index.ts';
import type { SiteResult, SitesOptions, SiteTarget } from '../services/sites/index.ts';
import type { ChildTask } from '../services/tasks/index.ts';
import type { TaskHandlers, WorkContext } from './context.ts';
import { chooseSites } from './site-targets.ts';
import { soundProject } from './sound-project.ts';

type HostKeys = SitesOptions['ssh']['hostKeys'];

const bad: ReadonlySet<string> = new Set(['failed', 'cancelled']);

/** The names under which a host may be accepted: as the question shows it, or the participant desk.yml puts there. */
function acceptedKey(
  question: { host: string; port: number },
  targets: readonly SiteTarget[],
  accepted: Readonly<Record<string, string>>,
): string | undefined {
  const shown = question.port === 22 ? question.host : `[${question.host}]:${question.port}`;
  const there = targets.filter(
    ({ ssh }) => ssh.host.replace(/^.*@/, '') === question.host && (ssh.port ?? 22) === question.port,
  );
  const name = [shown, ...there.map((target) => target.name)].find((one) => Object.hasOwn(accepted, one));
  return name === undefined ? undefined : accepted[name];
}

function hostKeysOf(
  context: WorkContext,
  targets: readonly SiteTarget[],
  accepted: Readonly<Record<string, string>>,
): HostKeys {
  const { core, task, signal } = context;
  return {
    ownFile: join(core.stateFolder, 'known_hosts'),
    readFiles: [join(core.environment.home, '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'],
    ask: async ({ host, port, presented, notes }) => {
      const trail = await core.audit();
      const decided = async (accept: boolean): Promise<boolean> => {
        await trail.append({
          actor: `task ${task.id}`,
          action: 'host_key.decision',
          target: `[${host}]:${port}`,
          outcome: accept ? 'accepted' : 'refused',
          detail: { key_type: presented.keyType, fingerprint: presented.fingerprint },
        });
        return accept;
      };
      const expected = acceptedKey({ host, port }, targets, accepted);
      if (expected !== undefined) return decided(expected === presented.fingerprint);
      const { accept } = await task.waiting(() =>
        core.prompts.ask(
          'prompts.host_key',
          {
            task: task.id,
            host,
            port,
            key_type: presented.keyType,
            fingerprint: presented.fingerprint,
            notes: [...notes],
          },
          { signal, otherwise: 'Pin the key in desk.yml (host_key).' },
        ),
      );
      return decided(accept);
    },
  };
}

function authOf({ core, task, signal }: WorkContext): SitesOptions['ssh']['auth'] {
  return {
    ...(core.environment.sshAgentSocket === undefined
      ? {}
      : { agentSocket: core.environment.sshAgentSocket }),
    defaultUser: core.environment.user,
    passphrase: async ({ file, host, attempt }: PassphraseQuestion) => {
      const answer = await task.waiting(() =>
        core.prompts.ask(
          'prompts.passphrase',
          { task: task.id, target: host, what: file, attempt },
          { signal, otherwise: 'Name a passphrase file in desk.yml.' },
        ),
      );
      return answer.passphrase ?? undefined;
    },
  };
}

/** One child task per site, made when the site first reports. */
function childrenOf(context: WorkContext) {
  const children = new Map<string, ChildTask>();
  const childFor = (target: string): ChildTask => {
    const child = children.get(target) ?? context.task.child(target);
    children.set(target, child);
    return child;
  };
  return {
    report: (progress: Parameters<WorkContext['task']['report']>[0]) =>
      progress.target === undefined
        ? context.task.report(progress)
        : childFor(progress.target).report(progress),
    end: ({ name, state, steps, error }: SiteResult) => {
      const status = state === 'failed' ? 'failed' : state === 'cancelled' ? 'cancelled' : 'succeeded';
      const result = { state, steps };
      childFor(name).end({ status, result, ...(error === undefined ? {} : { error }) });
    },
  };
}

export const handlers: Pick<TaskHandlers, 'sites.run'> = {
  'sites.run': {
    title: ({ verb }) => verb,
    target: ({ file }) => file,
    steps: ({ verb }) => [verb],
    idempotent: true,
    isPartly: ({ sites }) => sites.some(({ state }) => bad.has(state)),
    async run(input, context) {
      const { core, task, signal } = context;
      const { project, desk } = await soundProject(input);
      const { targets, withoutHost } = chooseSites(project, desk, input);
      if (input.verb === 'distribute' && targets.some(({ kit }) => kit === undefined)) {
        throw new DeskError('not_found', `No kits were provisioned for ${input.file} yet.`, {
          hint: `Make them first: flaredesk provision -p ${input.file}`,
        });
      }
      const [{ runSites }, { verifyKit }] = await Promise.all([
        import('../services/sites/index.ts'),
        import('../services/kits/index.ts'),
      ]);
      task.report({ step: input.verb, done: 0, total: targets.length, unit: 'sites' });
      const children = childrenOf(context);
      const { sites } = await runSites(
        {
          step: input.verb,
          targets,
          ssh: {
            hostKeys: hostKeysOf(context, targets, input.accept_host_keys ?? {}),
            auth: authOf(context),
            home: core.environment.home,
          },
          narrate: (site, line) => core.logger.debug(line, { task: task.id, site }),
          ...(desk ? { parallel: desk.transfer.parallel } : {}),
          verifyKit: async (kit, { signal: stop }) => {
            const { problems } = await verifyKit(kit, {
              now: core.clock.now(),
              ...(stop ? { signal: stop } : {}),
            });
            const [first] = problems;
            if (!first) return;
            throw new DeskError('integrity', `The kit ${kit} is not whole: ${first.file} ${first.problem}.`, {
              hint: 'Provision again; a kit is never changed by hand.',
              fields: problems.map(({ file, problem }) => ({ file, message: problem })),
            });
          },
        },
        { signal, report: children.report },
      );
      for (const site of sites) children.end(site);
      signal.throwIfAborted();
      return {
        sites: [
          ...sites.map((site) => ({
            name: site.name,
            state: site.state,
            steps: site.steps,
            ...(site.status ? { status: { ...site.status } } : {}),
            ...(site.error ? { error: site.error } : {}),
          })),
          ...withoutHost.map((name) => ({ name, state: 'no_host', steps: [] })),
        ],
      };
    },
  },
};
