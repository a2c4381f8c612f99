import { DeskError, type FieldError } from '../../contract/errors.ts';
import type { KitFile } from '../../domain/kit/index.ts';
import type { Participant, Project } from '../../domain/project/model.ts';
import type { CertState, Identity, IssueRequest, KnownIdentity } from '../pki/index.ts';

/** What will happen to one participant's certificate. */
export interface IdentityPlan {
  participant: Participant;
  action: 'create' | 'reuse' | 'reissue';
  /** The stored identity, when there is one that can be read. */
  known?: KnownIdentity;
  /** Why the stored certificate no longer fits the project; empty when it does. */
  mismatches: string[];
}

const day = 24 * 3600 * 1000;

/** In the order certificates are issued: server, clients, relays, admins (docs/reference/provisioning.md §5.8). */
const issueOrder = ['server', 'client', 'relay', 'admin'] as const;

/**
 * Compares every participant with the stored certificates. FLARE's own tool reuses a certificate whose organisation,
 * hosts or validity no longer fit without a word (§3.5); here each difference is found.
 * Throws `invalid_input` for a damaged entry that is not to be re-issued, and for a name in `reissue` that is no participant.
 */
export function planIdentities(
  project: Project,
  state: CertState | undefined,
  reissue: readonly string[],
  now: Date,
): IdentityPlan[] {
  checkReissue(project, reissue);
  return issueOrder
    .flatMap((type) => project.participants.filter((participant) => participant.type === type))
    .map((participant) => {
      const { name } = participant;
      if (reissue.includes(name)) {
        return {
          participant,
          action: state?.names.includes(name) === true ? 'reissue' : 'create',
          mismatches: [],
        };
      }
      const known = state?.find(name);
      if (known === undefined) return { participant, action: 'create', mismatches: [] };
      return { participant, action: 'reuse', known, mismatches: differences(participant, known, now) };
    });
}

/** Throws `conflict` that lists every certificate which no longer fits, each with its place in the project. */
export function refuseMismatches(plans: readonly IdentityPlan[]): void {
  const stale = plans.filter(({ mismatches }) => mismatches.length > 0);
  if (stale.length === 0) return;
  const fields = stale.flatMap(({ participant, mismatches }) =>
    mismatches.map(
      (message): FieldError => ({
        ...participant.source,
        path: participant.name,
        message,
        hint: `--reissue ${participant.name}`,
      }),
    ),
  );
  const names = stale.map(({ participant }) => participant.name);
  const shown =
    names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
  throw new DeskError(
    'conflict',
    `The certificates in the project's state no longer fit the project: ${shown}.`,
    {
      hint: `Undo the change, or have new certificates and keys made with --reissue NAME for each; their sites then need the new kit.`,
      fields,
    },
  );
}

/** What goes into a participant's certificate (docs/reference/provisioning.md §5.2, §5.4). */
export function certificateRequest(participant: Participant): IssueRequest {
  const { type, name, org, role } = participant;
  return {
    subject: {
      commonName: name,
      organization: org,
      ...(type === 'admin' && role !== undefined ? { role } : {}),
    },
    ...(type === 'server' ? { hosts: hostList(participant.defaultHost, participant.hostNames) } : {}),
  };
}

/** The second certificate of a client or relay that listens; made anew on every run, never stored (§3.5, §5.4). */
export function listenerRequest(participant: Participant): IssueRequest | undefined {
  const listener = participant.listeningHost;
  if (listener === undefined || (participant.type !== 'client' && participant.type !== 'relay'))
    return undefined;
  return {
    subject: { commonName: participant.name, organization: participant.org },
    hosts: hostList(listener.defaultHost, listener.hostNames),
  };
}

/** For its owner alone, on both lines; 2.7's own tool leaves keys readable for everyone. */
const privateKeyMode = 0o600;

/** Certificate and key as files in `startup` (docs/reference/provisioning.md §5.7). */
export function identityFiles(base: 'server' | 'client', identity: Identity): KitFile[] {
  return [
    { path: `startup/${base}.crt`, mode: 0o644, content: identity.certificatePem },
    { path: `startup/${base}.key`, mode: privateKeyMode, content: identity.privateKeyPem },
  ];
}

/** The default host first, then the others in order; repetitions among the others stay (§5.4). */
function hostList(defaultHost: string, hostNames: readonly string[]): string[] {
  return [defaultHost, ...hostNames.filter((host) => host !== defaultHost)];
}

function differences(participant: Participant, known: KnownIdentity, now: Date): string[] {
  const { summary } = known;
  const found: string[] = [];
  const { subject, hosts } = certificateRequest(participant);
  const compare = (what: string, written: string | undefined, certified: string | undefined) => {
    if (written === certified) return;
    found.push(
      `${what} is ${written === undefined ? 'not set' : `"${written}"`} in the project, ${certified === undefined ? 'not set' : `"${certified}"`} in the certificate.`,
    );
  };
  compare('the name', subject.commonName, summary.commonName);
  compare('the organisation', subject.organization, summary.organization);
  compare('the role', subject.role, summary.role);
  if (hosts !== undefined) {
    const wanted = [...new Set(hosts)].sort().join(', ');
    const certified = [...new Set(summary.names)].sort().join(', ');
    compare('the list of host names', wanted, certified);
  }
  if (summary.notAfter <= now.getTime()) {
    found.push(`the certificate expired on ${new Date(summary.notAfter).toISOString().slice(0, 10)}.`);
  } else if (summary.notBefore > now.getTime() + day) {
    found.push(
      `the certificate is not valid before ${new Date(summary.notBefore).toISOString().slice(0, 10)}; is this machine's clock right?`,
    );
  }
  return found;
}

function checkReissue(project: Project, reissue: readonly string[]): void {
  const unknown = reissue.filter(
    (name) => name !== project.name && !project.participants.some((participant) => participant.name === name),
  );
  if (unknown.length === 0) return;
  throw new DeskError('invalid_input', `--reissue: the project has no participant ${unknown.join(', ')}.`, {
    hint: 'Use the name as it stands in the project file.',
  });
}
