/** The project.yml of a small federation on this machine, as text. */
export type FlareVersion = '2.7.2' | '2.8.1';

export interface ReferenceAdmin {
  name: string;
  org?: string;
  role: 'project_admin' | 'org_admin' | 'lead' | 'member';
}

export interface ReferenceProject {
  version: FlareVersion;
  port: number;
  /** Missing = the same as `port`. */
  adminPort?: number;
  name?: string;
  scheme?: 'http' | 'tcp' | 'grpc';
  connectionSecurity?: 'mtls' | 'tls' | 'clear';
  /** Names, or how many (`site-1` …). */
  clients?: number | string[];
  admins?: ReferenceAdmin[];
}

/** One server named `localhost` in org `nvidia`, clients in orgs of their own, by default one project admin. */
export function referenceProject(project: ReferenceProject): string {
  const { clients = 2, admins = [{ name: 'admin@nvidia.com', role: 'project_admin' }] } = project;
  const names = Array.isArray(clients) ? clients : Array.from({ length: clients }, (_, i) => `site-${i + 1}`);
  const participants = [
    {
      name: 'localhost',
      type: 'server',
      org: 'nvidia',
      fed_learn_port: project.port,
      admin_port: project.adminPort ?? project.port,
    },
    ...names.map((name) => ({ name, type: 'client', org: name.replaceAll(/[^A-Za-z0-9_]/g, '_') })),
    ...admins.map(({ org = 'nvidia', ...admin }) => ({ ...admin, type: 'admin', org })),
  ];
  const builder = 'nvflare.lighter.impl';
  // JSON is YAML: values need no quoting rules of their own.
  return `api_version: 3
name: ${JSON.stringify(project.name ?? 'lab')}
description: a federation on one machine
connection_security: ${project.connectionSecurity ?? 'mtls'}
participants: ${JSON.stringify(participants, null, 2)}
builders:
  - path: ${builder}.workspace.WorkspaceBuilder
    args: {template_file: [master_template.yml]}
  - path: ${builder}.static_file.StaticFileBuilder
    args: {config_folder: config, scheme: ${project.scheme ?? 'tcp'}}
  - path: ${builder}.cert.CertBuilder
  - path: ${builder}.signature.SignatureBuilder
`;
}
