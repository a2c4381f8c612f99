import type { Project } from '../../domain/project/model.ts';
import type { Clock } from '../../ports.ts';
import { CertState } from '../pki/index.ts';
import { asFileError } from './file-errors.ts';
import { planIdentities } from './identities.ts';
import { withCertifiableServer } from './server-name.ts';
import { refuseUnsupported } from './supported.ts';
import { nextProd, workspacePaths } from './workspace.ts';

export interface PlanOptions {
  /** Absolute path of the folder that holds the project's folder. */
  workspace: string;
  reissue?: readonly string[];
  clock?: Clock;
}

export interface ProvisionPlan {
  /** Participants that get a key and a certificate for the first time. */
  create: string[];
  /** Participants whose key and certificate stay. */
  reuse: string[];
  /** Participants whose certificate no longer fits the project, or is to be re-issued, and why. */
  changed: { participant: string; why: string }[];
  /** The folder the next run writes: `prod_03`. */
  next: string;
}

/**
 * What `provision` would do, without touching anything. Differences that would stop it stand in `changed`.
 * Throws as `provision` does for what cannot be read: `unsupported`, `invalid_input`, `conflict` (state of another
 * project, folder numbers), `denied`.
 */
export async function planProvision(written: Project, options: PlanOptions): Promise<ProvisionPlan> {
  const project = withCertifiableServer(written);
  refuseUnsupported(project);
  const paths = workspacePaths(options.workspace, project.name);
  const now = new Date(options.clock?.now() ?? Date.now());
  const reissue = options.reissue ?? [];
  try {
    const next = await nextProd(paths.root);
    const state = await CertState.peek(paths.state, { projectName: project.name, line: project.line, now });
    const plans = planIdentities(project, state, reissue, now);
    const namesOf = (fits: (plan: (typeof plans)[number]) => boolean) =>
      plans.filter(fits).map(({ participant }) => participant.name);
    return {
      create: namesOf(({ action }) => action === 'create'),
      reuse: namesOf(({ action, mismatches }) => action === 'reuse' && mismatches.length === 0),
      changed: [
        ...rootChange(project, state, reissue, now),
        ...plans.flatMap(({ participant, action, mismatches }) => {
          if (action === 'reissue')
            return [{ participant: participant.name, why: 'to be issued anew, as asked.' }];
          return mismatches.map((why) => ({ participant: participant.name, why }));
        }),
      ],
      next,
    };
  } catch (error) {
    throw asFileError(error, 'The workspace cannot be read', paths.root);
  }
}

function rootChange(project: Project, state: CertState | undefined, reissue: readonly string[], now: Date) {
  if (state === undefined) return [];
  if (reissue.includes(project.name)) {
    return [
      {
        participant: project.name,
        why: 'the root certificate is to be renewed over the same key, as asked.',
      },
    ];
  }
  const { notAfter } = state.authority.summary;
  if (notAfter > now.getTime()) return [];
  const date = new Date(notAfter).toISOString().slice(0, 10);
  return [{ participant: project.name, why: `the root certificate expired on ${date}.` }];
}
