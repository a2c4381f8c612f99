/** Which participants run in a confidential VM, and the image each host is given. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DeskError } from '../contract/errors.ts';
import type { Project } from '../domain/project/model.ts';
import type { DeskFile } from '../services/projects/index.ts';
import type { SiteImage, SiteTarget } from '../services/sites/index.ts';
import type { ReportProgress } from '../ports.ts';
import type { CoreParts } from './context.ts';
import { makesImages } from './builds/plan.ts';
import { ccSettings, hostsEntriesIn } from './cc-settings.ts';
import { createBuildStore } from './builds/store.ts';
import { imageFactsOf, rememberedImage } from './image-facts.ts';
import { reachedBy } from './site-targets.ts';

export interface ImagedSites {
  targets: SiteTarget[];
  /** Sites that hand a GPU to their VM. */
  gpuSites: ReadonlySet<string>;
  /** Names that the image of a site knows without DNS. */
  hostsEntries: ReadonlyMap<string, readonly { name: string; address: string }[]>;
}

interface CcFacts {
  hostsEntries: { name: string; address: string }[];
  gpu: boolean;
}

/** `prod_NN/<site>/<site>.tgz`, where packaging leaves it; undefined where none was built. */
export function imageArchive(kit: string, site: string): string | undefined {
  const archive = join(kit, `${site}.tgz`);
  return existsSync(archive) ? archive : undefined;
}

/**
 * Adds the image to every target that runs in a confidential VM: one with a `cc_config` in a project that packages images.
 * Such a site is never given its bare kit. Reading an archive for the first time takes as long as hashing it.
 */
export async function withImages(
  core: CoreParts,
  project: Project,
  targets: readonly SiteTarget[],
  options: { desk: DeskFile | undefined; signal?: AbortSignal; report?: ReportProgress },
): Promise<ImagedSites> {
  const gpuSites = new Set<string>();
  const entriesOf = new Map<string, CcFacts['hostsEntries']>();
  if (!makesImages(project)) return { targets: [...targets], gpuSites, hostsEntries: entriesOf };
  const files = new Map(project.participants.map(({ name, ccConfig }) => [name, ccConfig]));
  const imaged = await Promise.all(
    targets.map(async (target): Promise<SiteTarget> => {
      const file = files.get(target.name);
      if (file === undefined) return target;
      const { hostsEntries, gpu } = await ccFacts(file, project);
      if (gpu) gpuSites.add(target.name);
      entriesOf.set(target.name, hostsEntries);
      const archive = target.kit === undefined ? undefined : imageArchive(target.kit, target.name);
      if (archive === undefined) {
        const image = await imageOnBuilder(core, target, options.desk);
        if (image) return { ...target, cvm: { image: { ...image, hostsEntries } } };
        return {
          ...target,
          cvm: { reason: `No image of ${target.name} was built${target.prod ? ` in ${target.prod}` : ''}.` },
        };
      }
      try {
        const image = await imageFactsOf(core, target.name, archive, options);
        return { ...target, cvm: { image: { ...image, hostsEntries } } };
      } catch (error) {
        options.signal?.throwIfAborted();
        const why = error instanceof DeskError ? error.message : `${archive} cannot be read as an image.`;
        return { ...target, cvm: { reason: why } };
      }
    }),
  );
  return { targets: imaged, gpuSites, hostsEntries: entriesOf };
}

/**
 * The image whose archive was taken from this machine after it had been built and inspected here, when the builder it came from still
 * is in desk.yml. That the builder has the same bytes is proved at the site, by their SHA-256.
 */
async function imageOnBuilder(
  core: CoreParts,
  target: SiteTarget,
  desk: DeskFile | undefined,
): Promise<SiteImage | undefined> {
  if (target.kit === undefined || existsSync(join(target.kit, 'startup'))) return undefined;
  const known = await rememberedImage(core, join(target.kit, `${target.name}.tgz`));
  const builds = createBuildStore((await core.store()).documents);
  const built = await builds.read(dirname(target.kit), target.name);
  const builder = desk?.builders.get(built?.host ?? '');
  if (!known || built?.result?.sha256 !== known.sha256 || builder?.ssh === undefined) return undefined;
  const relay = {
    name: built.host ?? '',
    ssh: reachedBy(builder.ssh, builder),
    path: built.result.builderPath,
  };
  return { ...known, relay };
}

async function ccFacts(file: string, project: Project): Promise<CcFacts> {
  const settings = await ccSettings(file, project);
  const issuers = settings['cc_issuers'];
  return {
    hostsEntries: Object.entries(hostsEntriesIn(settings)).flatMap(([name, address]) =>
      typeof address === 'string' ? [{ name, address }] : [],
    ),
    gpu:
      Array.isArray(issuers) &&
      (issuers as { path?: unknown }[]).some(({ path }) => typeof path === 'string' && /gpu/i.test(path)),
  };
}

/** The kit of an administrator who may shut sites down, in the folder of one run; undefined when it is not here. */
export function adminKitOf(project: Project, prodFolder: string): string | undefined {
  return project.participants
    .filter(({ type, role }) => type === 'admin' && role === 'project_admin')
    .map(({ name }) => join(prodFolder, name))
    .find((folder) => existsSync(join(folder, 'startup')));
}

export const prodFolderOf = (target: SiteTarget): string | undefined =>
  target.kit === undefined ? undefined : dirname(target.kit);
