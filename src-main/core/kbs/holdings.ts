/** Reference values and resources of a key broker. A resource's content is read from a file, sent, and never shown. */
import { DeskError } from '../../contract/errors.ts';
import type { CallOutput } from '../../contract/index.ts';
import { keyPath, measurementText, trusteeProfile } from '../../domain/kbs/index.ts';
import type { CallHandlers, CoreParts } from '../context.ts';
import { type Broker, brokerOf, releaseOf } from './broker.ts';
import { confirmTyped } from './confirm-typed.ts';
import type { Inventory } from './inventory.ts';

type Names = Extract<keyof CallHandlers, `kbs.reference_${string}` | `kbs.resource_${string}`>;
type Resource = CallOutput<'kbs.resource_list'>['resources'][number];

async function recordOf(core: CoreParts, { target }: Broker) {
  const { holdingsRecord } = await import('../../services/kbs/index.ts');
  return holdingsRecord((await core.store()).documents, target.address);
}

/** A project whose own files are wrong has no images to tell of; its key broker has resources all the same. */
async function inventoryIfKnown(broker: Broker): Promise<Inventory> {
  return broker.inventory().catch((error: unknown) => {
    if (error instanceof DeskError) return { cvms: [], unknown: [], unmeasured: [] };
    throw error;
  });
}

const ownerOf = ({ cvms }: Inventory, path: string): string | null =>
  cvms.find(({ vmId }) => keyPath(vmId) === path)?.participant ?? null;

const now = (core: CoreParts): string => new Date(core.clock.now()).toISOString();

/** The values of a registration, and the images that could not give theirs. */
async function valuesOf(
  broker: Broker,
  given: readonly string[],
  fromImages: boolean,
  profile: ReturnType<typeof trusteeProfile>,
) {
  const values = [...given];
  const leftOut: Inventory['unknown'] = [];
  if (fromImages) {
    const { cvms, unknown, unmeasured } = await broker.inventory();
    leftOut.push(...unknown, ...unmeasured);
    for (const { measurement } of cvms)
      if (measurement !== undefined) values.push(measurementText(measurement, profile));
  }
  if (values.length === 0) {
    throw new DeskError('invalid_input', 'There is no value to register.', {
      hint: fromImages
        ? 'Inspect the images first (flaredesk cvm inspect).'
        : 'Give values, or take the measurements of the images.',
    });
  }
  return { values: [...new Set(values)], leftOut };
}

export const holdings: Pick<CallHandlers, Names> = {
  'kbs.reference_read': async ({ file, names }, { core, signal }) => {
    const broker = await brokerOf(core, file);
    const release = await releaseOf(broker, signal);
    const profile = trusteeProfile(release);
    const { references } = await (await recordOf(core, broker)).read();
    const wanted = names ?? Object.keys(references);
    const { readReferenceValues } = await import('../../services/kbs/index.ts');
    const values = await readReferenceValues(broker.client, profile, wanted, signal);
    return {
      release,
      complete: profile.referenceRead === 'all',
      values: [...values]
        .filter(([name]) => names === undefined || names.includes(name))
        .map(([name, value]) => ({ name, value, registered_at: references[name]?.at ?? null })),
    };
  },

  'kbs.reference_register': async (input, { core, signal }) => {
    const { file, name } = input;
    const broker = await brokerOf(core, file);
    const profile = trusteeProfile(await releaseOf(broker, signal));
    const { values, leftOut } = await valuesOf(
      broker,
      input.values ?? [],
      input.from_images ?? false,
      profile,
    );
    const { readReferenceValues, registerReferenceValues } = await import('../../services/kbs/index.ts');
    const before = (await readReferenceValues(broker.client, profile, [name], signal)).get(name) ?? null;
    const done = { name, before, at: now(core), left_out: leftOut };
    if (before === JSON.stringify(values)) return { ...done, changed: false, after: before };
    const { address } = broker.target;
    const question =
      before === null
        ? `The reference value ${name} is registered at ${address}: ${values.length} values.`
        : `The reference value ${name} at ${address} is replaced by ${values.length} values. VMs that measure otherwise lose their trust there.`;
    await confirmTyped(core, broker, input.confirm, question, signal);
    const after = await registerReferenceValues(broker.client, profile, name, values);
    await (await recordOf(core, broker)).reference(name, { at: done.at, actor: broker.actor });
    return { ...done, changed: true, after };
  },

  'kbs.resource_list': async ({ file }, { core, signal }) => {
    const broker = await brokerOf(core, file);
    const { readCounters } = await import('../../services/kbs/index.ts');
    const counters = await readCounters(broker.client, signal);
    const release = await releaseOf(broker, signal).catch((error: unknown) => {
      if (error instanceof DeskError && error.code === 'unsupported') return null;
      throw error;
    });
    const { resources } = await (await recordOf(core, broker)).read();
    const inventory = await inventoryIfKnown(broker);
    const bare = (table: Record<string, number> | undefined): Map<string, number> =>
      new Map(Object.entries(table ?? {}).map(([path, count]) => [path.replace(/^\//, ''), count]));
    const [reads, writes] = [bare(counters?.reads), bare(counters?.writes)];
    const paths = new Set([
      ...inventory.cvms.map(({ vmId }) => keyPath(vmId)),
      ...Object.keys(resources),
      ...writes.keys(),
      ...reads.keys(),
    ]);
    return {
      release,
      deletes: release !== null && trusteeProfile(release).resourceDelete,
      counted_at: counters ? now(core) : null,
      resources: [...paths].map((path): Resource => {
        const done = resources[path];
        return {
          path,
          participant: ownerOf(inventory, path),
          reads: counters ? (reads.get(path) ?? 0) : null,
          writes: counters ? (writes.get(path) ?? 0) : null,
          done: done ? { ...done, size: done.size ?? null } : null,
        };
      }),
    };
  },

  'kbs.resource_put': async ({ file, path, content, confirm }, { core, signal }) => {
    const broker = await brokerOf(core, file);
    const participant = ownerOf(await inventoryIfKnown(broker), path);
    const whose =
      participant === null
        ? 'What stood there before is lost.'
        : `It is the disk key of ${participant}: a disk that was encrypted with another key can not be opened any more.`;
    const question = `The resource ${path} at ${broker.target.address} is set. ${whose}`;
    await confirmTyped(core, broker, confirm, question, signal);
    const { putResource } = await import('../../services/kbs/index.ts');
    const size = await putResource(broker.client, path, content, signal);
    const at = now(core);
    await (await recordOf(core, broker)).resource(path, { what: 'put', at, actor: broker.actor, size });
    return { path, at, participant, size };
  },

  'kbs.resource_delete': async ({ file, path, confirm }, { core, signal }) => {
    const broker = await brokerOf(core, file);
    const profile = trusteeProfile(await releaseOf(broker, signal));
    const { deleteResource } = await import('../../services/kbs/index.ts');
    const participant = ownerOf(await inventoryIfKnown(broker), path);
    if (profile.resourceDelete) {
      const whose =
        participant === null ? '' : ` It is the disk key of ${participant}, which cannot boot then.`;
      const question = `The resource ${path} at ${broker.target.address} is deleted.${whose} No copy is kept.`;
      await confirmTyped(core, broker, confirm, question, signal);
    }
    await deleteResource(broker.client, profile, path, signal);
    const at = now(core);
    await (await recordOf(core, broker)).resource(path, { what: 'deleted', at, actor: broker.actor });
    return { path, at, participant };
  },
};
