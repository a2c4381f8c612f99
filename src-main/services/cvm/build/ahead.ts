/**
 * The next build of a host made ready while the present one runs: checked, kit and config sent. It belongs to the host no more
 * than any other that waits: whoever cancels it or builds it elsewhere discards what was sent.
 */
import { join } from 'node:path';
import { DeskError } from '../../../contract/errors.ts';
import { type Build, type BuildTools, say } from './build.ts';
import { checkHost } from './check-host.ts';
import { clean } from './ending-scripts.ts';
import { type Machine, must } from './machine.ts';
import { sendBuild } from './run-build.ts';

const discardMs = 5000;

export interface Ahead {
  /** False when it could not be made ready; nothing of it is left on the host then. */
  ready: Promise<boolean>;
  /** Stops sending and removes what was sent. Never rejects; what cannot be removed is told in the build's log. */
  discard: () => Promise<void>;
}

/** @param reach the host, dialled again when its connection has ended */
export function prepareAhead(
  build: Build,
  reach: (signal: AbortSignal) => Promise<Machine>,
  tools: BuildTools,
): Ahead {
  const { request, record } = build;
  const stop = new AbortController();
  const signal = AbortSignal.any([build.signal, stop.signal]);
  let host = '';
  const prepare = async (): Promise<void> => {
    await tools.verifyKit(join(request.prod, request.site), signal);
    const machine = await reach(signal);
    const { home, notes } = await checkHost({ ...build, signal }, machine, { isBuilding: true });
    signal.throwIfAborted();
    // Written down first: a kit that was sent before a crash is then found again on the host, and removed.
    host = machine.label;
    await build.change({ host: machine.host.name });
    await sendBuild({ ...build, signal }, machine, tools, home);
    for (const note of notes) say(build, tools, note);
    await build.change({ note: `Kit and config lie ready on ${host}.` });
  };
  const prepared = prepare();
  const remove = async (): Promise<void> => {
    stop.abort(new DeskError('cancelled', 'Not built there.'));
    await prepared.catch(() => undefined);
    if (host === '') return;
    try {
      const machine = await reach(AbortSignal.timeout(discardMs));
      await must(machine, 'Removing the kit', clean, [record.id], { timeoutMs: discardMs });
    } catch {
      say(build, tools, `The kit of ${request.site} may still lie on ${host}: it could not be removed.`);
      return;
    }
    await build.change({ host: undefined, note: undefined });
  };
  let removed: Promise<void> | undefined;
  const discard = () => (removed ??= remove());
  const ready = prepared.then(
    () => true,
    () => discard().then(() => false),
  );
  return { ready, discard };
}
