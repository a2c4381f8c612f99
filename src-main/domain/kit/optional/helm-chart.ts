import { stringify } from 'yaml';
import type { BuilderSpec, Project } from '../../project/model.ts';
import type { KitFile } from '../kit-file.ts';
import { serverPorts } from './server-ports.ts';

/**
 * What HelmChartBuilder (2.7 only) puts beside the kits: a chart that runs the server from a host folder
 * (docs/reference/provisioning.md §4.8). Empty when the project has no server.
 */
export function renderHelmChart(project: Project, builder: BuilderSpec): KitFile[] {
  const server = project.participants.find(({ type }) => type === 'server');
  if (!server) return [];
  const ports = serverPorts(server);
  const { name } = server;
  const labels = { system: name };
  const file = (path: string, value: unknown): KitFile => ({
    path: `nvflare_hc/${path}`,
    mode: 0o644,
    content: stringify(value),
  });

  const chart = {
    apiVersion: 'v2',
    name: 'nvflare',
    description: 'Runs the server of a FLARE project',
    type: 'application',
    version: '0.1.0',
    appVersion: '2.2.0',
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: {
      selector: labels,
      ports: [
        { name: 'fl-port', protocol: 'TCP', port: ports.fedLearn, targetPort: ports.fedLearn },
        { name: 'admin-port', protocol: 'TCP', port: ports.admin, targetPort: ports.admin },
      ],
    },
  };
  const hostFolder = (volume: string, value: string) => ({
    name: volume,
    hostPath: { path: `{{ .Values.${value} }}`, type: 'Directory' },
  });
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          volumes: [hostFolder('workspace', 'workspace'), hostFolder('persist', 'persist')],
          containers: [
            {
              name,
              image: builder.args['docker_image'],
              imagePullPolicy: 'IfNotPresent',
              volumeMounts: [
                { name: 'workspace', mountPath: '/workspace' },
                { name: 'persist', mountPath: '/tmp/nvflare' },
              ],
              command: ['/usr/local/bin/python3'],
              args: [
                '-u',
                '-m',
                'nvflare.private.fed.app.server.server_train',
                '-m',
                `/workspace/${name}`,
                '-s',
                'fed_server.json',
                '--set',
                'secure_train=true',
                'config_folder=config',
                `org=${server.org}`,
              ],
              ports: [
                { containerPort: ports.fedLearn, protocol: 'TCP' },
                { containerPort: ports.admin, protocol: 'TCP' },
              ],
            },
          ],
        },
      },
    },
  };
  return [
    file('Chart.yaml', chart),
    file('values.yaml', { workspace: '/home/nvflare', persist: '/home/nvflare' }),
    file('templates/deployment_server0.yaml', deployment),
    file('templates/service_server0.yaml', service),
  ];
}
