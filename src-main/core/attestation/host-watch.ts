/** While a federation is watched, its hosts are asked how the VMs stand: evidence of class S (docs/reference/confidential-computing.md §6.4). */
import { DeskError } from '../../contract/errors.ts';
import type { SiteTarget } from '../../services/sites/index.ts';
import type { CoreParts } from '../context.ts';
import type { AttestationDesk } from './desk.ts';
import { eventsOfStep } from './host-evidence.ts';

export interface HostPace {
  /** Between two looks. */
  usualMs: number;
  /** While a VM boots. */
  bootingMs: number;
  /** A host that could not be reached is left alone for so long. */
  awayMs: number;
}

const usualPace: HostPace = { usualMs: 30_000, bootingMs: 5_000, awayMs: 300_000 };
const parallel = 8;
/** Nobody is asked anything by a watch: an unknown host key or a locked key file means that the host is not looked at. */
const nobody: CoreParts['prompts'] = {
  ask: () => Promise.reject(new DeskError('needs_confirmation', 'A watch asks no questions.')),
};

/**
 * Hears what hosts say during steps and probes, and asks them by itself while the open project is the one that is watched.
 * The function it answers ends both.
 */
export function watchHosts(
  core: CoreParts,
  attestation: Pick<AttestationDesk, 'state' | 'project' | 'tell'>,
  pace: HostPace = usualPace,
): () => void {
  const stop = new AbortController();
  const awayUntil = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;

  const unfollow = core.hostNews.follow((project, events) => {
    if (project !== attestation.project()) return;
    for (const event of events) attestation.tell(event);
  });

  const look = async (): Promise<number> => {
    const opened = (await core.workspace()).opened();
    if (opened?.kind !== 'project') return pace.usualMs;
    const found = await confidentialTargets(core, opened.file, stop.signal);
    if (found === undefined || found.project !== attestation.project()) return pace.usualMs;
    const now = core.clock.now();
    const targets = found.targets.filter(({ name }) => (awayUntil.get(name) ?? 0) <= now);
    if (targets.length === 0) return pace.usualMs;
    const [{ runSites }, { sshOptionsOf }] = await Promise.all([
      import('../../services/sites/index.ts'),
      import('../ssh-options.ts'),
    ]);
    const asking = { ...core, prompts: nobody };
    const { sites } = await runSites(
      {
        step: 'status',
        targets,
        parallel,
        ssh: sshOptionsOf({ core: asking, signal: stop.signal, targets }),
      },
      { signal: stop.signal },
    );
    let isBooting = false;
    for (const result of sites) {
      const target = targets.find(({ name }) => name === result.name);
      if (target === undefined) continue;
      if (result.error === undefined) awayUntil.delete(result.name);
      else {
        core.logger.debug(`Attestation: ${result.error.message}`, { site: result.name });
        awayUntil.set(result.name, core.clock.now() + pace.awayMs);
      }
      const { process, vm } = result.status ?? {};
      isBooting ||= process === 'running' && /^(silent|booting|attesting)$/.test(vm?.serial.stage ?? '');
      core.hostNews.tell(found.project, eventsOfStep('status', target, result, core.clock.now()));
    }
    return isBooting ? pace.bootingMs : pace.usualMs;
  };

  const round = async (): Promise<void> => {
    timer = undefined;
    looking = true;
    const next = await look().catch((error: unknown) => {
      if (!stop.signal.aborted) core.logger.debug('The hosts could not be looked at.', { error });
      return pace.usualMs;
    });
    looking = false;
    if (!stop.signal.aborted && attestation.state.get().watching) {
      timer = setTimeout(() => void round(), next).unref();
    }
  };

  const unwatch = attestation.state.subscribe(({ value: { watching } }) => {
    if (watching && timer === undefined && !looking) void round();
    if (watching) return;
    clearTimeout(timer);
    timer = undefined;
    awayUntil.clear();
  });
  return () => {
    stop.abort(new DeskError('cancelled', 'Nobody watches any more.'));
    clearTimeout(timer);
    unfollow();
    unwatch();
  };
}

/** The hosts of participants whose image is known; undefined where the project says nothing of hosts. */
async function confidentialTargets(
  core: CoreParts,
  file: string,
  signal: AbortSignal,
): Promise<{ project: string; targets: SiteTarget[] } | undefined> {
  const [{ loadFor }, { chooseSites }, { withImages }] = await Promise.all([
    import('../sound-project.ts'),
    import('../site-targets.ts'),
    import('../site-images.ts'),
  ]);
  const { project, desk } = await loadFor({ file });
  if (project === undefined || desk === undefined || desk.hosts.size === 0) return undefined;
  const { targets } = await withImages(core, project, chooseSites(project, desk, {}).targets, {
    desk,
    signal,
  });
  return { project: project.name, targets: targets.filter(({ cvm }) => cvm?.image !== undefined) };
}
