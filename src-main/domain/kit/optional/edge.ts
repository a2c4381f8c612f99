import type { Participant, Project } from '../../project/model.ts';
import type { KitFile } from '../kit-file.ts';

/**
 * What EdgeBuilder adds to a leaf client that listens and has an `edge_service_port`: the service that devices talk to
 * (docs/reference/provisioning.md §4.8). Nothing for every other participant.
 */
export function renderEdge(participant: Participant, project: Project): KitFile[] {
  const { type, name, edgeServicePort, listeningHost } = participant;
  const isLeaf = !project.participants.some((other) => other.type === 'client' && other.parent === name);
  if (type !== 'client' || !isLeaf || !edgeServicePort || !listeningHost) return [];
  const content = {
    format_version: 2,
    components: [
      {
        id: 'api_service',
        path: 'nvflare.edge.widgets.api_service.ApiService',
        args: { host: '0.0.0.0', port: edgeServicePort },
      },
      {
        id: 'task_dispatcher',
        path: 'nvflare.edge.widgets.etd.EdgeTaskDispatcher',
        args: { request_timeout: 5.0 },
      },
    ],
  };
  return [
    { path: 'local/edge__p_resources.json', mode: 0o644, content: `${JSON.stringify(content, null, 2)}\n` },
  ];
}
