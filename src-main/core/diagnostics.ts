import { flareLines } from '../domain/project/model.ts';
import { DeskError } from '../contract/errors.ts';
import type { CallHandlers, CoreParts } from './context.ts';
import { toContractTask } from './tasks.ts';

/** Characters of each file that are shown before saving. */
const previewed = 20_000;

async function bundleOf(core: CoreParts) {
  const { collectBundle } = await import('../services/diagnostics/index.ts');
  const runner = await core.tasks();
  const tasks = (await runner.list(100, { results: false })).map((record) => toContractTask(record, runner));
  const settings = await (await core.settings()).read().catch(() => 'unreadable');
  return collectBundle({
    stateFolder: core.stateFolder,
    about: {
      version: core.version,
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      settings,
    },
    tasks,
  });
}

export const handlers: Pick<
  CallHandlers,
  | 'diagnostics.about'
  | 'diagnostics.audit'
  | 'diagnostics.export_audit'
  | 'diagnostics.bundle'
  | 'diagnostics.save_bundle'
> = {
  'diagnostics.about': (_input, { core }) =>
    Promise.resolve({
      version: core.version,
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      state_folder: core.stateFolder,
      flare_lines: [...flareLines],
    }),

  'diagnostics.audit': async ({ limit }, { core }) => {
    const trail = await core.audit();
    const verdict = await trail.verify();
    return {
      entries: await trail.newest(limit ?? 100),
      intact: verdict.intact,
      ...(verdict.brokenAt === undefined ? {} : { broken_at: verdict.brokenAt }),
      ...(verdict.problem === undefined ? {} : { problem: verdict.problem }),
    };
  },

  'diagnostics.bundle': async (_input, { core }) => ({
    files: (await bundleOf(core)).map(({ name, about, text }) => ({
      name,
      about,
      bytes: Buffer.byteLength(text),
      preview: text.length > previewed ? `…${text.slice(-previewed)}` : text,
    })),
  }),

  'diagnostics.save_bundle': async ({ file, leave_out: leftOut = [] }, { core }) => {
    const { writeBundle } = await import('../services/diagnostics/index.ts');
    const files = (await bundleOf(core)).filter(({ name }) => !leftOut.includes(name));
    const bytes = await writeBundle(file, files).catch((error: unknown) => {
      throw new DeskError('denied', `${file} cannot be written: ${(error as Error).message}.`, {
        cause: error,
      });
    });
    return { files: files.length, bytes };
  },

  'diagnostics.export_audit': async ({ file }, { core }) => ({
    file,
    entries: await (await core.audit()).exportTo(file),
  }),
};
