/** The CVMs that a project's images make, as far as they were inspected. */
import { basename, join } from 'node:path';
import type { KnownCvm } from '../../domain/kbs/index.ts';
import type { Project } from '../../domain/project/model.ts';
import { makesImages } from '../builds/plan.ts';
import { imageArchive } from '../site-images.ts';
import { prodsOf } from '../site-targets.ts';

export interface Inventory {
  /** In the order of the project file. */
  cvms: KnownCvm[];
  /** Confidential participants whose CVM is not known, and why. */
  unknown: { participant: string; reason: string }[];
  /** CVMs whose measurement nobody vouches for, or that has none, and why. */
  unmeasured: { participant: string; reason: string }[];
}

/** An image that a measurement was of. */
export interface FormerImage {
  participant: string;
  /** `prod_NN`. */
  run: string;
  /** As it measures on a host that has debug swap. */
  debug_swap: boolean;
}

/** The runs of a project, the newest first, and what the signed records of one say. */
async function runsOf({ name }: Project, workspace: string, now: number) {
  const folder = join(workspace, name);
  const [{ expectedMeasurements }, { keyFormOf }] = await Promise.all([
    import('../../services/cvm/index.ts'),
    import('../../services/pki/index.ts'),
  ]);
  const { rootFingerprint } = await keyFormOf(join(folder, 'state'));
  return {
    runs: prodsOf(folder).map((prod) => join(folder, prod)),
    recordsOf: (run: string) => expectedMeasurements(run, { rootFingerprint, now }),
  };
}

/**
 * Every measurement that a signed record of any run gives, by its 96 hex digits. The newest run wins; one with debug swap is of
 * the newest image, too.
 */
export async function everyMeasurement(
  project: Project,
  workspace: string,
  now: number,
): Promise<Map<string, FormerImage>> {
  const { runs, recordsOf } = await runsOf(project, workspace, now);
  const found = new Map<string, FormerImage>();
  for (const run of runs) {
    for (const [participant, { measurement }] of await recordsOf(run)) {
      if (!measurement.computed) continue;
      for (const [hex, debug_swap] of [
        [measurement.plain, false],
        [measurement.withDebugSwap, true],
      ] as const)
        if (!found.has(hex)) found.set(hex, { participant, run: basename(run), debug_swap });
    }
  }
  return found;
}

/**
 * From the hand-over records beside the newest image of each participant; a measurement counts when its record is signed under
 * the project's root. An archive without a record is not hashed here: that takes minutes.
 */
export async function inventoryOf(project: Project, workspace: string, now: number): Promise<Inventory> {
  const inventory: Inventory = { cvms: [], unknown: [], unmeasured: [] };
  const confidential = project.participants.filter(({ ccConfig }) => ccConfig !== undefined);
  if (!makesImages(project) || confidential.length === 0) return inventory;
  const { runs, recordsOf } = await runsOf(project, workspace, now);
  const expected = new Map<string, Awaited<ReturnType<typeof recordsOf>>>();
  for (const { name } of confidential) {
    const run = runs.find((folder) => imageArchive(join(folder, name), name) !== undefined);
    if (run === undefined) {
      inventory.unknown.push({ participant: name, reason: 'no image of it was built' });
      continue;
    }
    const records = expected.get(run) ?? (await recordsOf(run));
    expected.set(run, records);
    const bundle = records.get(name);
    if (bundle?.vmId === undefined) {
      const reason = bundle
        ? 'the launch script of its image names no CVM id'
        : 'its image was not inspected (flaredesk cvm inspect)';
      inventory.unknown.push({ participant: name, reason });
      continue;
    }
    const { measurement, vmId } = bundle;
    if (!measurement.computed) inventory.unmeasured.push({ participant: name, reason: measurement.reason });
    inventory.cvms.push({
      participant: name,
      vmId,
      ...(measurement.computed ? { measurement: measurement.plain } : {}),
    });
  }
  return inventory;
}
