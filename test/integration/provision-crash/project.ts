import type { Participant, Project } from '../../../src-main/domain/project/model.ts';

const source = { file: '/p/project.yml', line: 1, column: 1 };
const base = 'nvflare.lighter.impl';

/** A signed 2.7 project with so many clients. */
export function crashProject(clients: number): Project {
  const participant = (type: Participant['type'], name: string): Participant => ({
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
  });
  return {
    file: source.file,
    apiVersion: 3,
    name: 'crashing',
    description: '',
    line: '2.7.2',
    participants: [
      participant('server', 'server1'),
      ...Array.from({ length: clients }, (_unused, index) => participant('client', `site-${index + 1}`)),
    ],
    builders: [
      'workspace.WorkspaceBuilder',
      'static_file.StaticFileBuilder',
      'cert.CertBuilder',
      'signature.SignatureBuilder',
    ].map((name) => ({ path: `${base}.${name}`, args: {}, source })),
    studies: [],
  };
}
