import type { CallHandlers } from './context.ts';

export const handlers: Pick<CallHandlers, 'kits.inspect' | 'kits.verify'> = {
  'kits.inspect': async ({ kit }) => {
    const { inspectKit } = await import('../services/kits/index.ts');
    return { ...(await inspectKit(kit)) };
  },

  'kits.verify': async ({ kit, root_fingerprint }, { signal, core }) => {
    const { verifyKit } = await import('../services/kits/index.ts');
    const verification = await verifyKit(kit, {
      ...(root_fingerprint === undefined ? {} : { rootFingerprint: root_fingerprint }),
      now: core.clock.now(),
      signal,
    });
    return {
      ...verification,
      problems: verification.problems.map((problem) => ({ ...problem })),
      notes: verification.notes.map((note) => ({ ...note })),
    };
  },
};
