/** Whether a bundle still is what the project says: a bundle holds a sealed copy of a kit, and kits move on. */
import type { BundleFinding, KitInside } from './bundle-facts.ts';

export interface ProjectNow {
  line: string;
  /** Name of the server. */
  server: string | undefined;
  /** The participant of this bundle as the project has it; undefined when it has none of that name. */
  participant: { name: string; type: string; org: string } | undefined;
  /** Of the project's state; undefined when nothing was provisioned here. */
  rootFingerprint: string | undefined;
  /** `prod_NN` newer than the one of the bundle that has this participant. */
  newerProd: string | undefined;
}

const rebuild = 'Provision and build again, then deliver the new bundle.';
const plain = (fingerprint: string): string => fingerprint.replaceAll(':', '').toUpperCase();

/** Differences between the kit in a bundle and the project. */
export function driftFindings(kit: KitInside, project: ProjectNow): BundleFinding[] {
  const found: BundleFinding[] = [];
  const add = (severity: BundleFinding['severity'], message: string, hint = rebuild): void => {
    found.push({ severity, file: '.', message, hint });
  };
  const { participant } = project;
  if (
    project.rootFingerprint !== undefined &&
    plain(project.rootFingerprint) !== plain(kit.rootFingerprint)
  ) {
    add(
      'problem',
      `The kit inside is of another root: ${kit.rootFingerprint}, the project has ${project.rootFingerprint}.`,
    );
  }
  if (!participant) {
    add(
      'problem',
      `The project has no participant ${kit.name ?? 'of this name'}.`,
      'Retire this bundle: take its rule from the key broker.',
    );
  } else {
    if (participant.type !== kit.kind)
      add('problem', `The kit inside is one of a ${kit.kind}; ${participant.name} is a ${participant.type}.`);
    if (kit.org !== null && participant.org !== kit.org) {
      add('warning', `The kit inside has the organization ${kit.org}; the project says ${participant.org}.`);
    }
  }
  if (kit.server !== null && project.server !== undefined && kit.server !== project.server) {
    add(
      'problem',
      `The kit inside connects to ${kit.server}; the server of the project is ${project.server}.`,
    );
  }
  if (kit.flare !== null && kit.flare !== project.line) {
    add('warning', `The kit inside is for FLARE ${kit.flare}, the project for ${project.line}.`);
  }
  if (project.newerProd !== undefined) {
    add(
      'warning',
      `Superseded: ${project.newerProd} has a newer kit for ${participant?.name ?? 'this participant'}.`,
      'Build and deliver the newer one, then take the rule of this one from the key broker.',
    );
  }
  return found;
}
