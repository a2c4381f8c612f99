/** Puts a verified archive in the place of the kit it was made from (docs/reference/provisioning.md §8.3 j). */
import { chmod, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Staging {
  /** Folder that will take the kit's place. */
  folder: string;
  /** Where the archive is brought to. */
  archive: string;
}

const stagingName = (site: string, id: string) => `.${site}.image-${id}`;
const asideName = (site: string, id: string) => `.${site}.kit-${id}`;

/** Makes a fresh folder beside the kit for the result. Removes one of an earlier attempt of the same build. */
export async function stage(prod: string, site: string, id: string): Promise<Staging> {
  const folder = join(prod, stagingName(site, id));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o755 });
  return { folder, archive: join(folder, `${site}.tgz`) };
}

/**
 * Swaps: the kit steps aside, the folder with the archive takes its name, the kit is removed. Whatever is interrupted, kit or
 * archive is there, and `recover` ends the rest. Answers the archive's path.
 */
export async function publish(prod: string, site: string, id: string): Promise<string> {
  const place = join(prod, site);
  const staging = join(prod, stagingName(site, id));
  const aside = join(prod, asideName(site, id));
  const archive = join(staging, `${site}.tgz`);
  await chmod(archive, 0o600);
  await flush(archive);
  await flush(staging);
  await rename(place, aside);
  await rename(staging, place);
  await flush(prod);
  await rm(aside, { recursive: true, force: true });
  return join(place, `${site}.tgz`);
}

/** Ends swaps that were interrupted; removes folders of results that were never verified. */
export async function recover(prod: string, site: string): Promise<void> {
  const names = await readdir(prod).catch(() => [] as string[]);
  const own = (prefix: string) => names.filter((name) => name.startsWith(prefix));
  const place = join(prod, site);
  const [aside] = own(asideName(site, ''));
  if (aside !== undefined) {
    const id = aside.slice(asideName(site, '').length);
    const staging = join(prod, stagingName(site, id));
    const isThere = await exists(place);
    if (!isThere && (await exists(staging))) await rename(staging, place);
    else if (!isThere) await rename(join(prod, aside), place);
    if (await exists(join(place, `${site}.tgz`)))
      await rm(join(prod, aside), { recursive: true, force: true });
  }
  for (const name of own(stagingName(site, ''))) await rm(join(prod, name), { recursive: true, force: true });
}

/** Path and size of the archive when the participant's image has been built; undefined while there is only a kit. */
export async function builtArchive(
  prod: string,
  site: string,
): Promise<{ archive: string; bytes: number } | undefined> {
  const archive = join(prod, site, `${site}.tgz`);
  const found = await stat(archive).catch(() => undefined);
  return found?.isFile() === true ? { archive, bytes: found.size } : undefined;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
