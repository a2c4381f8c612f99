/** The keys NVFlare knows, per place (docs/reference/provisioning.md §2.2, §2.4–§2.7). */
import type { ParticipantType } from './model.ts';

/** Read at the project level as a fallback for participants. */
const fallbackKeys = [
  'connection_security',
  'custom_ca_cert',
  'allow_error_sending',
  'allow_log_streaming',
] as const;

export const projectKeys = [
  'api_version',
  'name',
  'description',
  'participants',
  'builders',
  'packager',
  'studies',
  'edge',
  'include',
  ...fallbackKeys,
] as const;

/** Which participant types a property has an effect on. */
export const participantKeys: Record<string, readonly ParticipantType[]> = {
  name: ['server', 'client', 'relay', 'admin'],
  type: ['server', 'client', 'relay', 'admin'],
  org: ['server', 'client', 'relay', 'admin'],
  role: ['admin'],
  fed_learn_port: ['server'],
  admin_port: ['server'],
  host_names: ['server'],
  default_host: ['server'],
  connection_security: ['server', 'client', 'admin'],
  custom_ca_cert: ['server', 'client'],
  listening_host: ['server', 'client', 'relay'],
  connect_to: ['client', 'relay', 'admin'],
  use_aio: ['server', 'client', 'relay'],
  parent: ['client'],
  capacity: ['client'],
  allow_error_sending: ['client'],
  allow_log_streaming: ['client'],
  cc_config: ['server', 'client', 'relay', 'admin'],
  edge_service_port: ['client'],
  run_in_docker: ['server', 'client'],
};

/** Ignored by the lines we write, but real words of other NVFlare versions or tools: no "did you mean" for them. */
export const foreignParticipantKeys = [
  'auth_identity',
  'components',
  'enable_byoc',
  'docker_comm_port',
  'include',
];

export const connectToKeys = ['name', 'host', 'port', 'connection_security'] as const;
export const listeningHostKeys = [
  'scheme',
  'host_names',
  'default_host',
  'port',
  'connection_security',
] as const;
export const capacityKeys = ['num_of_gpus', 'mem_per_gpu_in_GiB'] as const;
export const studyKeys = ['site_orgs', 'admins'] as const;
