/** Name rules of docs/reference/provisioning.md §2.2 and §2.3, with a fix for each. */
import type { ParticipantType } from './model.ts';

/** X.509 limits a common name to 64 characters. */
export const longestCommonName = 64;
/** nvflare cuts a longer project name to this. */
export const longestProjectName = 63;

export const projectNamePattern = /^[A-Za-z0-9][A-Za-z0-9._ -]*$/;
export const hostNamePattern =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])\.)*(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])$/;
const siteNamePattern = /^[A-Za-z0-9_-]+$/;
/** The class of the last label really contains a vertical bar. */
const adminNamePattern = /^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$/;
export const simpleNamePattern = /^[A-Za-z0-9_]+$/;
export const studyNamePattern = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/;

export const participantTypes = ['server', 'client', 'relay', 'admin'] as const satisfies ParticipantType[];
export const adminRoles = ['project_admin', 'org_admin', 'lead', 'member'] as const;
export const connectionSecurities = ['clear', 'tls', 'mtls'] as const;

/** Keys of `state/cert.json` that a subject of the same name would overwrite. */
export const stateKeys = ['root_cert', 'root_pri_key'];
/** The cell name every server has at run time. */
export const serverCellName = 'server';

export const participantNamePattern: Record<ParticipantType, RegExp> = {
  server: hostNamePattern,
  client: siteNamePattern,
  relay: siteNamePattern,
  admin: adminNamePattern,
};

export const participantNameRule: Record<ParticipantType, string> = {
  server: 'a server name is a host name: letters, digits and hyphens, in labels joined by dots',
  client: 'a client name has only letters, digits, hyphens and underscores',
  relay: 'a relay name has only letters, digits, hyphens and underscores',
  admin: 'an admin name is an e-mail address such as lead@hospital-a.org',
};
