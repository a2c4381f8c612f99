import { flareLines } from '../domain/project/model.ts';
import type { CallHandlers } from './context.ts';

export const handlers: Pick<
  CallHandlers,
  'diagnostics.about' | 'diagnostics.audit' | 'diagnostics.export_audit'
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

  'diagnostics.export_audit': async ({ file }, { core }) => ({
    file,
    entries: await (await core.audit()).exportTo(file),
  }),
};
