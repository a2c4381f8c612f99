import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  renderOptionalKitFiles,
  renderOptionalProdFiles,
  requirementsFileOf,
} from '../../../../src-main/domain/kit/optional/index.ts';
import type { BuilderSpec, Participant, Project } from '../../../../src-main/domain/project/model.ts';

const builder = (name: string, args: Record<string, unknown> = {}): BuilderSpec =>
  ({ path: `nvflare.lighter.impl.x.${name}`, args }) as unknown as BuilderSpec;

const project = {
  line: '2.7.2',
  participants: [
    { type: 'client', name: 'site-1', org: 'org1', edgeServicePort: 4000, listeningHost: {} },
    {
      type: 'client',
      name: 'site-2',
      org: 'org1',
      parent: 'site-1',
      edgeServicePort: 4001,
      listeningHost: {},
    },
    { type: 'client', name: 'site-3', org: 'org1', edgeServicePort: 4002 },
    { type: 'server', name: 'server1', org: 'nvidia', fedLearnPort: 8002, adminPort: 8003 },
    { type: 'admin', name: 'a@b.cc', org: 'nvidia' },
  ],
} as unknown as Project;

describe('optional outputs of a project', () => {
  it('DockerBuilder: one service per server and client', () => {
    const files = renderOptionalProdFiles(project, builder('DockerBuilder', { base_image: 'python:3.12' }), {
      requirements: 'torch\n',
    });
    expect(files.map(({ path }) => path)).toEqual([
      'compose.yaml',
      '.env',
      'nvflare_compose/Dockerfile',
      'nvflare_compose/requirements.txt',
    ]);
    const compose = parse(files[0]?.content ?? '') as {
      services: Record<string, { volumes: string[]; ports?: string[] }>;
    };
    expect(Object.keys(compose.services)).toEqual(['server1', 'site-1', 'site-2', 'site-3']);
    expect(compose.services.server1).toMatchObject({
      ports: ['8002:8002', '8003:8003'],
      container_name: 'server1',
    });
    expect(compose.services['site-1']?.volumes).toEqual(['./site-1:${WORKSPACE}']);
    expect(files[2]?.content).toContain('FROM python:3.12\n');
    expect(files[3]?.content).toBe('torch\n');
  });

  it('names the requirements file of DockerBuilder alone', () => {
    expect(requirementsFileOf(builder('DockerBuilder'))).toBe('requirements.txt');
    expect(requirementsFileOf(builder('DockerBuilder', { requirements_file: 'r.txt' }))).toBe('r.txt');
    expect(requirementsFileOf(builder('EdgeBuilder'))).toBeUndefined();
  });

  it('HelmChartBuilder: the chart of the server', () => {
    const files = renderOptionalProdFiles(project, builder('HelmChartBuilder', { docker_image: 'fl:1' }));
    expect(files.map(({ path }) => path)).toEqual([
      'nvflare_hc/Chart.yaml',
      'nvflare_hc/values.yaml',
      'nvflare_hc/templates/deployment_server0.yaml',
      'nvflare_hc/templates/service_server0.yaml',
    ]);
    expect(files[2]?.content).toContain('image: fl:1');
    expect(renderOptionalProdFiles({ ...project, participants: [] }, builder('HelmChartBuilder'))).toEqual(
      [],
    );
  });

  it('EdgeBuilder: leaf clients that listen and have a port', () => {
    const of = (index: number) =>
      renderOptionalKitFiles(project.participants[index] as Participant, project, builder('EdgeBuilder'));
    expect(of(0)).toEqual([]);
    expect(of(2)).toEqual([]);
    expect(of(3)).toEqual([]);
    expect(of(1).map(({ path }) => path)).toEqual(['local/edge__p_resources.json']);
    expect(JSON.parse(of(1)[0]?.content ?? '')).toMatchObject({
      components: [{ args: { host: '0.0.0.0', port: 4001 } }, {}],
    });
  });

  it('other builders add nothing', () => {
    expect(renderOptionalProdFiles(project, builder('CertBuilder'))).toEqual([]);
    expect(
      renderOptionalKitFiles(project.participants[0] as Participant, project, builder('DockerBuilder')),
    ).toEqual([]);
  });
});
