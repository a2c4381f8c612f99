/** Whether a bundle still is what the project says: a bundle holds a sealed copy of a kit, and kits move on. */
import type { LaunchFacts } from './bundle.ts';
import type { BundleFinding, KitInside } from './bundle-facts.ts';
import { attesterDifferences, type KitAttesters } from './kit-attesters.ts';

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
  /**
   * The newest kit of this participant: its run and the SHA-256 of its `signature.json`; undefined when there is none, or when it is
   * sealed in an image that was not inspected.
   */
  kit: { prod: string; signature: string } | undefined;
  /** A server: what it listens on; others: the server's (or relay's) name and port they connect to. */
  reach: { host?: string; port?: number; adminPort?: number } | undefined;
  /** `allowed_ports` of the `cc_config` file; undefined when it has none. */
  allowedPorts: readonly number[] | undefined;
  /** As a kit made now would have them; undefined when the files cannot be read. */
  attesters: KitAttesters | null | undefined;
}

const rebuild = 'Provision and build again, then deliver the new bundle.';
const plain = (fingerprint: string): string => fingerprint.replaceAll(':', '').toUpperCase();
const short = (sha256: string): string => sha256.slice(0, 12);

/** Differences between a bundle (the kit sealed in it, what its script opens) and the project. */
export function driftFindings(
  kit: KitInside,
  { forwards }: Pick<LaunchFacts, 'forwards'>,
  project: ProjectNow,
): BundleFinding[] {
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
  for (const message of reachDifferences(kit, project.reach)) add('problem', message);
  const opened = portDifference(forwards, project.allowedPorts);
  if (opened !== undefined) add('warning', opened);
  if (project.attesters && kit.attesters) {
    const differences = attesterDifferences(kit.attesters, project.attesters);
    for (const difference of differences) add('warning', `Of the kit inside, ${difference}.`);
  }
  const superseded = supersededBy(kit, project);
  if (superseded !== undefined)
    add(
      'warning',
      superseded,
      'Build and deliver the newer one, then take the rule of this one from the key broker.',
    );
  return found;
}

function reachDifferences(kit: KitInside, reach: ProjectNow['reach']): string[] {
  if (!reach) return [];
  const isServer = kit.kind === 'server';
  const found: string[] = [];
  if (!isServer && kit.host !== null && reach.host !== undefined && kit.host !== reach.host)
    found.push(`The kit inside connects to the host ${kit.host}; the project says ${reach.host}.`);
  if (kit.port !== null && reach.port !== undefined && kit.port !== reach.port)
    found.push(
      `The kit inside ${isServer ? 'listens on' : 'connects to'} port ${kit.port}; the project says ${reach.port}.`,
    );
  if (
    isServer &&
    kit.adminPort !== null &&
    reach.adminPort !== undefined &&
    kit.adminPort !== reach.adminPort
  )
    found.push(`The kit inside has the admin port ${kit.adminPort}; the project says ${reach.adminPort}.`);
  return found;
}

function portDifference(
  forwards: LaunchFacts['forwards'],
  allowed: readonly number[] | undefined,
): string | undefined {
  if (allowed === undefined) return undefined;
  const list = (ports: Iterable<number>): string =>
    [...new Set(ports)].sort((one, other) => one - other).join(', ') || 'none';
  const opened = list(forwards.map(({ guest }) => guest));
  const wanted = list(allowed);
  return opened === wanted
    ? undefined
    : `The image lets in the ports ${opened}; allowed_ports of its cc_config file says ${wanted}.`;
}

/** The signature is the judge; the number of the run counts only where the newer kit cannot be looked at. */
function supersededBy(
  kit: KitInside,
  { kit: newest, newerProd, participant }: ProjectNow,
): string | undefined {
  const who = participant?.name ?? 'this participant';
  if (newest !== undefined && kit.signature !== null) {
    if (newest.signature === kit.signature) return undefined;
    return `Superseded: ${newest.prod} has another kit for ${who} (signed as ${short(newest.signature)}, the one inside as ${short(kit.signature)}).`;
  }
  return newerProd === undefined ? undefined : `Superseded: ${newerProd} has a newer kit for ${who}.`;
}
