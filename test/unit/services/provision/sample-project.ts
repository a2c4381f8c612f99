import type {
  BuilderSpec,
  FlareLine,
  Participant,
  Project,
} from '../../../../src-main/domain/project/model.ts';

const source = { file: '/p/project.yml', line: 1, column: 1 };

/** A participant with every default a loaded project has. */
export function participant(
  type: Participant['type'],
  name: string,
  more: Partial<Participant> = {},
): Participant {
  return {
    name,
    type,
    org: 'nvidia',
    hostNames: [],
    defaultHost: name,
    capacity: { numOfGpus: 0, memPerGpuInGib: 0 },
    allowErrorSending: false,
    allowLogStreaming: true,
    properties: {},
    source,
    ...(type === 'server' ? { fedLearnPort: 8002, adminPort: 8002 } : {}),
    ...(type === 'admin' ? { role: 'project_admin' } : {}),
    ...more,
  };
}

export function builder(path: string, args: Record<string, unknown> = {}): BuilderSpec {
  return { path: `nvflare.lighter.${path}`, args, source };
}

export const usualBuilders = [
  builder('impl.workspace.WorkspaceBuilder'),
  builder('impl.static_file.StaticFileBuilder', { config_folder: 'config' }),
  builder('impl.cert.CertBuilder'),
  builder('impl.signature.SignatureBuilder'),
];

/** The ordinary project: a server, two clients, an admin. */
export function sampleProject(line: FlareLine, more: Partial<Project> = {}): Project {
  return {
    file: '/p/project.yml',
    apiVersion: 3,
    name: 'example_project',
    description: '',
    line,
    participants: [
      participant('server', 'server1', { adminPort: line === '2.7.2' ? 8003 : 8002 }),
      participant('client', 'site-1'),
      participant('client', 'site-2'),
      participant('admin', 'admin@nvidia.com'),
    ],
    builders: usualBuilders,
    studies: [],
    ...more,
  };
}
