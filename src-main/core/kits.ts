import { join } from 'node:path';
import type { CallHandlers } from './context.ts';
import { soundProject } from './sound-project.ts';

export const handlers: Pick<CallHandlers, 'kits.inspect' | 'kits.verify' | 'certificates.list'> = {
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

  'certificates.list': async (input, { signal, core }) => {
    const { project, workspace } = await soundProject(input);
    const { listCertificates } = await import('../services/kits/index.ts');
    const { certificates, problems } = await listCertificates(join(workspace, project.name), {
      now: core.clock.now(),
      signal,
    });
    return {
      certificates: certificates.map((certificate) => ({ ...certificate })),
      problems: problems.map((problem) => ({ ...problem })),
    };
  },
};
