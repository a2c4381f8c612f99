import type { Project } from '../../domain/project/model.ts';

/** X.509 allows a common name 64 characters. */
const longestCommonName = 64;

/**
 * A server name too long for a certificate is cut; its default host stays the whole name, so that others can still
 * connect (docs/reference/provisioning.md §5.6).
 */
export function withCertifiableServer(project: Project): Project {
  const participants = project.participants.map((participant) =>
    participant.type === 'server' && participant.name.length > longestCommonName
      ? { ...participant, name: participant.name.slice(0, longestCommonName) }
      : participant,
  );
  return { ...project, participants };
}
