import { DeskError } from '../../contract/errors.ts';
import type { Project } from '../../domain/project/model.ts';
import type { CertState } from '../pki/index.ts';

/**
 * Checks that the project's root certificate is still valid, or renews it over the same key when the project's name is
 * among the names to re-issue: what it signed stays valid, but every site needs the new `rootCA.pem`.
 * Throws `cert_expired`.
 */
export function prepareRoot(project: Project, state: CertState, reissue: readonly string[], now: Date): void {
  if (reissue.includes(project.name)) {
    state.renewRoot();
    return;
  }
  const { notAfter } = state.authority.summary;
  if (notAfter > now.getTime()) return;
  const date = new Date(notAfter).toISOString().slice(0, 10);
  throw new DeskError('cert_expired', `The root certificate of ${project.name} expired on ${date}.`, {
    hint: `Renew it over the same key with --reissue "${project.name}"; every site then needs its new kit.`,
  });
}
