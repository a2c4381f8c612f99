/** A project with as many clients as asked for. */
export const projectWith = (clients: number): string => `api_version: 3
name: cli_study
description: command line tests
participants:
  - { name: server1, type: server, org: nvidia, fed_learn_port: 8002, admin_port: 8003 }
${Array.from({ length: clients }, (_, index) => `  - { name: site-${index + 1}, type: client, org: nvidia }`).join('\n')}
  - { name: admin@nvidia.com, type: admin, org: nvidia, role: project_admin }
builders:
  - path: nvflare.lighter.impl.workspace.WorkspaceBuilder
    args: { template_file: [master_template.yml] }
  - path: nvflare.lighter.impl.static_file.StaticFileBuilder
    args: { config_folder: config, scheme: grpc }
  - path: nvflare.lighter.impl.cert.CertBuilder
  - path: nvflare.lighter.impl.signature.SignatureBuilder
`;
