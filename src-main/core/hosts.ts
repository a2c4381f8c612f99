/** The host probes as a task, and the last answers as a state. */
import { isAddress } from '../domain/cc/check-network.ts';
import type { SiteTarget } from '../services/sites/index.ts';
import { eventsOfProbes } from './attestation/host-evidence.ts';
import type { TaskHandlers } from './context.ts';
import { childrenOf } from './sites.ts';
import { withImages } from './site-images.ts';
import { chooseSites } from './site-targets.ts';
import { soundProject } from './sound-project.ts';
import { sshOptionsOf } from './ssh-options.ts';

const bad: ReadonlySet<string> = new Set(['failed', 'cancelled']);

export const handlers: Pick<TaskHandlers, 'hosts.check'> = {
  'hosts.check': {
    title: () => 'check hosts',
    target: ({ file }) => file,
    steps: () => ['probe'],
    idempotent: true,
    isPartly: ({ hosts }) => hosts.some(({ state }) => bad.has(state)),
    async run(input, context) {
      const { core, task, signal } = context;
      const { project, desk } = await soundProject(input);
      const { targets: plain } = chooseSites(project, desk, { only: input.only });
      const { targets, gpuSites, hostsEntries } = await withImages(core, project, plain, {
        desk,
        signal,
        report: task.report,
      });
      const { checkHosts } = await import('../services/hosts/index.ts');
      task.report({ step: 'probe', done: 0, total: targets.length, unit: 'sites' });
      const children = childrenOf(context);
      const hosts = await checkHosts(
        {
          targets: targets.map((site) => {
            const image = site.cvm?.image;
            return {
              site,
              context: {
                gpu: gpuSites.has(site.name),
                ...(desk?.kbs ? { kbs: desk.kbs.address } : {}),
                ...(desk?.kbs?.vault ? { vault: desk.kbs.vault.address } : {}),
                ...defined({ nfsServer: desk?.hosts.get(site.name)?.nfs }),
                names: namesOf(site, hostsEntries.get(site.name)),
                ...(image
                  ? {
                      image: {
                        bytes: image.files.reduce((sum, { size }) => sum + size, 0),
                        forwards: image.launch.forwards.map(({ host }) => host),
                        ...defined({
                          vmId: image.launch.vmId,
                          cBitPosition: image.launch.cBitPosition,
                          memory: image.launch.memory,
                          qmpSocket: image.launch.qmpSocket,
                          measurement: image.measurement,
                          ovmfSha256: image.files.find(({ name }) => name === 'OVMF.amdsev.fd')?.sha256,
                        }),
                      },
                    }
                  : {}),
              },
            };
          }),
          ssh: sshOptionsOf({ core, signal, targets, accepted: input.accept_host_keys ?? {}, task }),
          narrate: (site, line) => core.logger.debug(line, { task: task.id, site }),
          ...(input.probes ? { probes: input.probes } : {}),
        },
        { signal, report: children.report },
      );
      for (const check of hosts) {
        const target = targets.find(({ name }) => name === check.name);
        const image = target?.cvm?.image;
        const known = image && defined({ vmId: image.launch.vmId, measurement: image.measurement });
        if (target?.cvm)
          core.hostNews.tell(project.name, eventsOfProbes(target, known, check, core.clock.now()));
      }
      for (const { name, state, error } of hosts)
        children.end({
          name,
          state: state === 'failed' || state === 'cancelled' ? state : 'ready',
          steps: [],
          ...(error ? { error } : {}),
        });
      signal.throwIfAborted();
      return {
        hosts: hosts.map(({ probes, ...host }) => ({
          ...host,
          probes: probes.map(({ fix, ...probe }) => ({
            ...probe,
            ...(fix
              ? { fix: { text: fix.text, ...(fix.commands ? { commands: [...fix.commands] } : {}) } }
              : {}),
          })),
        })),
      };
    },
  },
};

/** Names the site connects to that must be found where it runs: no addresses, none that its image knows by itself. */
function namesOf({ reaches = [] }: SiteTarget, sealed: readonly { name: string }[] = []): string[] {
  const names = reaches.map(({ host }) => host).filter((host) => !isAddress(host));
  return [...new Set(names)].filter((name) => !sealed.some((entry) => entry.name === name));
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Without the keys whose value is not there. */
function defined<T extends object>(value: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<
    Defined<T>
  >;
}
