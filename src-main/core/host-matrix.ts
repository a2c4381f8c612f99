/** The last answers of the probes of the open project's hosts, kept between runs with their time. */
import { z } from 'zod';
import { hosts as contract } from '../contract/hosts.ts';
import type { StateValue } from '../contract/index.ts';
import type { CoreParts } from './context.ts';
import type { HostMatrix } from './parts.ts';
import { createStateCell } from './state-cell.ts';

type Value = StateValue<'hosts.matrix'>;

const keyOf = (file: string): string => `hosts:${file}`;
const resultSchema = contract.check.output;
const keptSchema = contract.matrix.value;
const ended: ReadonlySet<string> = new Set([
  'succeeded',
  'partly_done',
  'failed',
  'cancelled',
  'interrupted',
]);
const inputSchema = z.object({ file: z.string(), probes: z.array(z.string()).optional() });

/** Follows the open project and the tasks that probe its hosts. */
export async function createHostMatrix(core: CoreParts): Promise<HostMatrix> {
  const documents = (await core.store()).documents;
  const runner = await core.tasks();
  const workspace = await core.workspace();
  const state = createStateCell<Value>({ hosts: [] });
  let shown: string | undefined;

  const read = async (file: string): Promise<Value> =>
    keptSchema.safeParse(await documents.read(keyOf(file))).data ?? { hosts: [] };

  const show = async (): Promise<void> => {
    const opened = workspace.opened();
    const file = opened?.kind === 'project' ? opened.file : undefined;
    if (file === shown) return;
    shown = file;
    const value = file === undefined ? { hosts: [] } : await read(file);
    if (shown === file) state.set(value);
  };

  const learn = async (input: unknown, result: unknown): Promise<void> => {
    const about = inputSchema.safeParse(input).data;
    const found = resultSchema.safeParse(result).data;
    if (!about || !found) return;
    const before = await read(about.file);
    const at = new Date(core.clock.now()).toISOString();
    const byName = new Map(before.hosts.map((host) => [host.name, host]));
    for (const host of found.hosts) {
      const old = byName.get(host.name);
      const fresh = new Map(host.probes.map((probe) => [probe.id, probe]));
      // A look at some probes, or at a host that is away, leaves the other answers with their own time.
      const kept = (old?.probes ?? []).filter((probe) => !fresh.has(probe.id));
      const probes = [...kept, ...host.probes].sort((a, b) => a.number - b.number);
      byName.set(host.name, { ...host, probes, at });
    }
    const value: Value = { hosts: [...byName.values()] };
    await documents.write(keyOf(about.file), value);
    if (shown === about.file) state.set(value);
  };

  const stopOpened = workspace.state.subscribe(() => void show());
  const stopTasks = runner.watch(undefined, (event) => {
    if (event.kind === 'progress' || event.task.kind !== 'hosts.check' || event.task.parent !== undefined)
      return;
    if (!ended.has(event.task.status)) return;
    learn(event.task.input, event.task.result).catch((error: unknown) =>
      core.logger.error('What the probes of the hosts said is lost.', { error }),
    );
  });
  await show();
  return {
    state,
    dispose() {
      stopOpened();
      stopTasks();
    },
  };
}
