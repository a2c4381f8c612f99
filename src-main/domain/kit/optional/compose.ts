import { stringify } from 'yaml';
import type { BuilderSpec, Participant, Project } from '../../project/model.ts';
import type { KitFile } from '../kit-file.ts';
import { serverPorts } from './server-ports.ts';

const image = '${IMAGE_NAME}';
const workspace = '${WORKSPACE}';

/**
 * What DockerBuilder puts beside the kits: a compose file with one service per server and client, its environment,
 * and the folder its image is built from (docs/reference/provisioning.md §4.8).
 * `requirements` is the text of the builder's `requirements_file`; a project without one gets an empty file.
 */
export function renderCompose(project: Project, builder: BuilderSpec, requirements = ''): KitFile[] {
  const baseImage = builder.args['base_image'];
  const from = typeof baseImage === 'string' ? baseImage : 'python:3.10';
  const services = Object.fromEntries(
    project.participants
      .filter(({ type }) => type === 'server' || type === 'client')
      .toSorted((a, b) => Number(a.type === 'client') - Number(b.type === 'client'))
      .map((participant) => [participant.name, service(participant)]),
  );
  const file = (path: string, content: string): KitFile => ({ path, mode: 0o644, content });
  return [
    file('compose.yaml', stringify({ services, volumes: { nvflare_svc_persist: null } })),
    file(
      '.env',
      'WORKSPACE=/workspace\nPYTHON_EXECUTABLE=/usr/local/bin/python3\nIMAGE_NAME=nvflare-service\n',
    ),
    file(
      'nvflare_compose/Dockerfile',
      `FROM ${from}\nRUN pip install -U pip\nRUN pip install nvflare\nCOPY requirements.txt requirements.txt\nRUN pip install -r requirements.txt\n`,
    ),
    file('nvflare_compose/requirements.txt', requirements),
  ];
}

function service(participant: Participant): Record<string, unknown> {
  const { name, org, type } = participant;
  const isServer = type === 'server';
  const ports = serverPorts(participant);
  return {
    build: 'nvflare_compose',
    container_name: name,
    image,
    ...(isServer ? { ports: [`${ports.fedLearn}:${ports.fedLearn}`, `${ports.admin}:${ports.admin}`] } : {}),
    volumes: [`./${name}:${workspace}`, ...(isServer ? ['nvflare_svc_persist:/tmp/nvflare/'] : [])],
    command: [
      '${PYTHON_EXECUTABLE}',
      '-u',
      '-m',
      `nvflare.private.fed.app.${type}.${type}_train`,
      '-m',
      workspace,
      '-s',
      `fed_${type}.json`,
      '--set',
      'secure_train=true',
      ...(isServer
        ? ['config_folder=config', `org=${org}`]
        : [`uid=${name}`, `org=${org}`, 'config_folder=config']),
    ],
  };
}
