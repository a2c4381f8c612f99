/** The host probes as a task, and the last answers as a state. */
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
      const { targets, gpuSites } = await withImages(core, project, plain, {
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
                ...(image
                  ? {
                      image: {
                        bytes: image.files.reduce((sum, { size }) => sum + size, 0),
                        forwards: image.launch.forwards.map(({ host }) => host),
                        ...defined({
                          vmId: image.launch.vmId,
                          cBitPosition: image.launch.cBitPosition,
                          memory: image.launch.memory,
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

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Without the keys whose value is not there. */
function defined<T extends object>(value: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<
    Defined<T>
  >;
}
