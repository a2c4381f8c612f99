/** What a host must know of an image before it is given one: from its inspection, which is made once for each archive. */
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import type { BundleFacts } from '../domain/cc/bundle-facts.ts';
import type { ReportProgress } from '../ports.ts';
import type { SiteImage } from '../services/sites/index.ts';
import type { CoreParts } from './context.ts';

const keptSchema = z.object({
  /** Size and time of the archive it was read from. */
  stamp: z.string(),
  image: z.custom<SiteImage>((value) => typeof value === 'object' && value !== null),
});
const underway = new Map<string, Promise<SiteImage>>();

interface Options {
  signal?: AbortSignal;
  report?: ReportProgress;
}

/** Tells whether an archive is still the one that was read. */
const stampOf = (size: number, changedAt: number): string => `${size}:${Math.floor(changedAt)}`;
const keyOf = (archive: string): string => `image:${archive}`;

/**
 * Facts of `<site>.tgz`. Reading an archive of 20 GB takes minutes, so what was found is kept while size and time stay the
 * same; the hand-over record beside the archive is written at the same time. Throws what `inspectBundle` throws.
 */
export async function imageFactsOf(
  core: CoreParts,
  participant: string,
  archive: string,
  options: Options,
): Promise<SiteImage> {
  const { size, mtimeMs } = await stat(archive);
  const stamp = stampOf(size, mtimeMs);
  const { documents } = await core.store();
  const key = keyOf(archive);
  const kept = keptSchema.safeParse(await documents.read(key)).data;
  if (kept?.stamp === stamp) return kept.image;
  const running = `${key} ${stamp}`;
  const before = underway.get(running);
  if (before) return before;
  const reading = inspect(core, participant, archive, options).finally(() => underway.delete(running));
  underway.set(running, reading);
  const image = await reading;
  await documents.write(key, { stamp, image });
  return image;
}

/** What was found when the archive was still here; undefined where it never was. */
export async function rememberedImage(core: CoreParts, archive: string): Promise<SiteImage | undefined> {
  const { documents } = await core.store();
  return keptSchema.safeParse(await documents.read(keyOf(archive))).data?.image;
}

/** Keeps the facts of an archive that was just inspected under the name it will have. */
export async function rememberImage(core: CoreParts, archive: string, facts: BundleFacts): Promise<void> {
  const { documents } = await core.store();
  const { size = 0, modified = '' } = facts.archive ?? {};
  const stamp = stampOf(size, Date.parse(modified));
  await documents.write(keyOf(archive), { stamp, image: imageOf(archive, facts) });
}

async function inspect(
  core: CoreParts,
  participant: string,
  archive: string,
  { signal, report }: Options,
): Promise<SiteImage> {
  const { inspectBundle, keepHandOver } = await import('../services/cvm/index.ts');
  const facts = await inspectBundle(archive, {
    now: core.clock.now(),
    ...(signal ? { signal } : {}),
    ...(report ? { report: (progress) => report({ ...progress, target: participant }) } : {}),
  });
  await keepHandOver(archive, facts, { participant, now: core.clock.now() });
  return imageOf(archive, facts);
}

function imageOf(archive: string, facts: BundleFacts): SiteImage {
  const problem = facts.findings.find(({ severity }) => severity === 'problem');
  return {
    archive,
    bytes: facts.archive?.size ?? 0,
    sha256: facts.archive?.sha256 ?? '',
    bundle: facts.bundle,
    files: facts.files.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
    launch: facts.launch,
    measurement: facts.measurement,
    ...(problem
      ? {
          problem: {
            message: problem.message,
            ...(problem.hint === undefined ? {} : { hint: problem.hint }),
          },
        }
      : {}),
  };
}
