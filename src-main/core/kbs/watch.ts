/** The key broker of the open project, asked while somebody looks: status, policy, counters; and what they tell of sites. */
import { DeskError } from '../../contract/errors.ts';
import type { StateValue } from '../../contract/index.ts';
import type { SiteEvent } from '../../domain/attestation/index.ts';
import {
  allowedMeasurements,
  type KbsCounters,
  keyPath,
  newReads,
  trusteeProfile,
} from '../../domain/kbs/index.ts';
import type { CoreParts } from '../context.ts';
import { describeError } from '../errors.ts';
import type { VaultHealth } from '../../services/kbs/index.ts';
import type { KbsEvidence, KbsWatch } from '../parts.ts';
import { createStateCell } from '../state-cell.ts';
import { type Broker, brokerOf, lookAt, readPolicyOf, releaseOf, type SeenPolicy } from './broker.ts';
import { answers, countersOf, statusOf, vaultOf } from './shapes.ts';

type Value = StateValue<'kbs.current'>;

export interface KbsPace {
  policyMs: number;
  countersMs: number;
}

/** Status and policy every 5 minutes, counters and vault every minute (docs/reference/confidential-computing.md §6.4). */
const usualPace: KbsPace = { policyMs: 300_000, countersMs: 60_000 };
const nothing: Value = {
  address: null,
  status: null,
  policy: null,
  counters: null,
  vault: null,
  error: null,
};

export async function createKbsWatch(core: CoreParts, pace: KbsPace = usualPace): Promise<KbsWatch> {
  const workspace = await core.workspace();
  const listeners = new Set<KbsEvidence>();
  let pages = 0;
  let shown: string | undefined;
  let broker: Broker | undefined;
  let last: KbsCounters | undefined;
  let stop = new AbortController();
  let timers: NodeJS.Timeout[] = [];
  let turn: Promise<void> = Promise.resolve();

  const state = createStateCell<Value>(nothing, (count) => {
    pages = count;
    lookers();
  });
  const told = (change: Partial<Value>): void => state.set({ ...state.get(), ...change });
  const now = (): string => new Date(core.clock.now()).toISOString();

  /** One look at a time; what a project that was left answers is dropped. */
  const inTurn = (work: (broker: Broker, signal: AbortSignal) => Promise<void>): void => {
    const { signal } = stop;
    turn = turn.then(async () => {
      if (signal.aborted || shown === undefined) return;
      try {
        broker ??= await brokerOf(core, shown);
        if (state.get().address !== broker.target.address) told({ address: broker.target.address });
        await work(broker, signal);
        if (!signal.aborted && state.get().error) told({ error: null });
      } catch (error) {
        if (signal.aborted) return;
        // A project without a key broker has nothing to tell.
        const isMissing = !broker && error instanceof DeskError && error.code === 'invalid_input';
        told(isMissing ? nothing : { error: describeError(error, core.logger) });
      }
    });
  };

  const lookAtPolicy = (): void =>
    inTurn(async (known, signal) => {
      const status = await lookAt(known, signal);
      signal.throwIfAborted();
      told({ status: statusOf(status, known.target.address, now()) });
      if (status.admin !== 'ok') return told({ policy: null });
      const read = await readPolicyOf(known, core.clock, signal);
      signal.throwIfAborted();
      told({
        policy: { sha256: read.sha256, read_at: read.at, changed_elsewhere: read.changedElsewhere },
      });
      await tellRules(known, read, signal);
    });

  const lookAtCounters = (): void =>
    inTurn(async (known, signal) => {
      const { readCounters } = await import('../../services/kbs/index.ts');
      const counters = await readCounters(known.client, signal);
      signal.throwIfAborted();
      if (!counters) return told({ counters: null });
      told({ counters: countersOf(counters, now()) });
      // Without a look before there is no window in which a read could have happened.
      if (last) await tellReads(known, newReads(last, counters));
      last = counters;
    });

  /** Whatever the key broker says meanwhile: a failed look at it does not hide the vault, nor the other way round. */
  const lookAtVault = (): void => {
    const { signal } = stop;
    turn = turn.then(async () => {
      const vault = broker?.target.vault;
      if (signal.aborted || !vault) return;
      const { vaultHealth } = await import('../../services/kbs/index.ts');
      const health = await vaultHealth(vault, signal).catch(() => undefined);
      if (health && !signal.aborted) tookVault(health);
    });
  };
  /** A vault that says nothing is not said to be open. */
  const tookVault = (health: VaultHealth): void => {
    told({ vault: vaultOf(health, now()) });
    if (health.state === 'unreachable' || health.state === 'unclear') return;
    for (const listener of listeners) listener.onVault(health.state === 'sealed');
  };

  const lookAtAll = (): void => {
    lookAtPolicy();
    lookAtCounters();
    lookAtVault();
  };

  const tell = (event: SiteEvent): void => {
    for (const listener of listeners) listener.onSite(event);
  };

  const tellRules = async (known: Broker, read: SeenPolicy, signal: AbortSignal): Promise<void> => {
    if (listeners.size === 0) return;
    const { changedElsewhere: changed } = read;
    for (const listener of listeners)
      listener.onForeignPolicy(changed ? `someone else, seen ${changed.at}` : undefined);
    const profile = trusteeProfile(await releaseOf(known, signal));
    const inventory = await known.inventory();
    const allowed = allowedMeasurements(read.text, profile, inventory.cvms);
    for (const listener of listeners) listener.onAllowed(allowed);
    for (const { participant, answer } of answers(read.text, inventory, profile)) {
      if (answer === 'unknown') continue;
      tell({
        site: participant,
        class: 'K',
        kind: 'rule',
        at: core.clock.now(),
        source: known.target.address,
        present: answer === 'allow',
      });
    }
  };

  const tellReads = async (known: Broker, reads: Record<string, number>): Promise<void> => {
    if (listeners.size === 0 || Object.keys(reads).length === 0) return;
    for (const { participant, vmId } of (await known.inventory()).cvms) {
      const path = Object.keys(reads).find((one) => one.replace(/^\//, '') === keyPath(vmId));
      if (path === undefined) continue;
      tell({
        site: participant,
        class: 'K',
        kind: 'released',
        at: core.clock.now(),
        source: known.target.address,
        count: reads[path] ?? 0,
      });
    }
  };

  const rest = (): void => {
    for (const timer of timers) clearInterval(timer);
    timers = [];
    stop.abort(new DeskError('cancelled', 'Nobody looks at the key broker any more.'));
    stop = new AbortController();
    last = undefined;
  };

  /** Begins when the first looks, rests when the last has left. */
  const lookers = (): void => {
    const wanted = (pages > 0 || listeners.size > 0) && shown !== undefined;
    if (wanted === timers.length > 0) return;
    if (!wanted) return rest();
    timers = [
      setInterval(lookAtPolicy, pace.policyMs).unref(),
      setInterval(lookAtCounters, pace.countersMs).unref(),
      setInterval(lookAtVault, pace.countersMs).unref(),
    ];
    lookAtAll();
  };

  const unfollow = workspace.state.subscribe(() => {
    const opened = workspace.opened();
    const file = opened?.kind === 'project' ? opened.file : undefined;
    if (file === shown) return;
    rest();
    shown = file;
    broker = undefined;
    state.set(nothing);
    lookers();
  });

  return {
    state,
    hold(evidence) {
      listeners.add(evidence);
      lookers();
      return () => {
        listeners.delete(evidence);
        lookers();
      };
    },
    touched(file) {
      if (file !== shown) return;
      // desk.yml may name another one by now.
      broker = undefined;
      if (timers.length > 0) lookAtPolicy();
    },
    lookAgain() {
      if (timers.length > 0) lookAtAll();
    },
    dispose() {
      unfollow();
      listeners.clear();
      shown = undefined;
      rest();
    },
  };
}
