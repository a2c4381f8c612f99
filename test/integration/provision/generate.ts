/** Seeded projects over everything project.yml can say and this product supports (docs/reference/provisioning.md §2). */
import type { FlareVersion } from '../../lab/nvflare.ts';
import { ccConfigFile } from './generate-cc.ts';
import { Random } from './random.ts';

export type Fields = Record<string, unknown>;

export interface GeneratedProject {
  seed: number;
  /** The content of project.yml. */
  project: Fields & { name: string; participants: Fields[] };
  /** Other files by name, beside project.yml. */
  files: Record<string, unknown>;
  addClient?: string;
  addUser?: string;
  /** `-s`: start_all.sh as well. */
  genScripts?: boolean;
}

const securities = ['clear', 'tls', 'mtls', 'TLS', 'Clear'];
const impl = 'nvflare.lighter.impl';

export function generateProject(line: FlareVersion, seed: number): GeneratedProject {
  const random = new Random(seed);
  const files: Record<string, unknown> = {};
  const withCc = random.chance(0.25);
  const customCa = (): Fields => {
    files['custom.pem'] = '-----BEGIN CERTIFICATE-----\nnot looked at\n-----END CERTIFICATE-----\n';
    return { custom_ca_cert: 'custom.pem' };
  };
  const common = (security = 0.3): Fields => ({
    ...random.maybe(security, () => ({ connection_security: random.pick(securities) })),
    ...random.maybe(0.1, customCa),
  });

  const server: Fields = {
    name: random.pick(['server1', 'fl.example.com', '10.1.2.3', 'Server-A', 'xn--bcher-kva.example']),
    type: 'server',
    org: random.pick(['nvidia', 'Org_1', '2nd']),
    ...random.maybe(0.7, () => ({ fed_learn_port: random.int(1, 65_535) })),
    ...random.maybe(0.5, () => ({ admin_port: random.int(1, 65_535) })),
    ...random.maybe(0.4, () => ({ host_names: hostNames(random) })),
    ...random.maybe(0.4, () => ({ default_host: host(random) })),
    ...random.maybe(0.25, () => ({ listening_host: listeningHost(random, 0.7) })),
    ...random.maybe(0.2, () => ({ use_aio: random.chance(0.7) })),
    ...common(),
  };
  const relays = makeRelays(random, server, common);
  const clients = makeClients(random, line, server, relays, common);
  const admins = Array.from(
    { length: random.int(0, 3) },
    (_, index): Fields => ({
      name: `admin${index}@${random.pick(['nvidia.com', 'a-b.example.org', 'x.io'])}`,
      type: 'admin',
      org: random.pick(['nvidia', 'org2']),
      role: random.pick(['project_admin', 'org_admin', 'lead', 'member', 'auditor']),
      ...random.maybe(0.2, () => ({ connect_to: connectTo(random) })),
      ...common(0.2),
    }),
  );
  let isRehearsal = true;
  if (withCc) {
    isRehearsal = random.chance(0.5);
    for (const [index, participant] of [server, ...clients].entries()) {
      if (isRehearsal && !random.chance(0.7)) continue;
      const file = `cc_${index}.yml`;
      files[file] = ccConfigFile(
        random,
        line,
        participant.type === 'server' ? 'server' : 'client',
        isRehearsal,
      );
      participant.cc_config = file;
    }
  }

  const version4 = line === '2.8.1' && random.chance(0.5);
  const generated: GeneratedProject = {
    seed,
    files,
    project: {
      api_version: version4 ? 4 : 3,
      name: random.pick(['example_project', 'a', 'Project 7', 'multi-site.study', '2024']),
      ...random.maybe(0.5, () => ({ description: 'generated' })),
      ...random.maybe(0.2, () => ({ connection_security: random.pick(securities) })),
      ...random.maybe(0.1, customCa),
      ...random.maybe(0.3, () => ({ [allowKey(line)]: random.chance(0.5) })),
      participants: random.shuffle([server, ...relays, ...clients, ...admins]),
      builders: builders(random, line, withCc),
      ...(version4 && random.chance(0.7) ? { studies: studies(random, clients, admins) } : {}),
    },
  };
  // A client without protection beside protected ones is refused here.
  if (random.chance(0.15) && isRehearsal) {
    files['extra_client.yml'] = {
      name: 'late-client',
      org: 'nvidia',
      ...random.maybe(0.5, () => ({ capacity: { num_of_gpus: 2 } })),
    };
    generated.addClient = 'extra_client.yml';
  }
  if (random.chance(0.15)) {
    files['extra_user.yml'] = { name: 'late@nvidia.com', org: 'nvidia', role: 'lead' };
    generated.addUser = 'extra_user.yml';
  }
  if (random.chance(0.2)) generated.genScripts = true;
  return generated;
}

function makeRelays(random: Random, server: Fields, common: () => Fields): Fields[] {
  const relays: Fields[] = [];
  const count = random.chance(0.5) ? 0 : random.int(1, 4);
  for (let index = 0; index < count; index += 1) {
    const parent = random.chance(0.6) && relays.length > 0 ? random.pick(relays).name : undefined;
    const target = parent ?? (random.chance(0.5) ? server.name : undefined);
    relays.push({
      name: `relay-${index}`,
      type: 'relay',
      org: random.pick(['nvidia', 'org2']),
      listening_host: listeningHost(random, 0),
      ...random.maybe(parent === undefined ? 0.4 : 1, () => ({ connect_to: connectTo(random, target) })),
      ...random.maybe(0.3, () => ({ use_aio: random.chance(0.7) })),
      ...common(),
    });
  }
  return relays;
}

function makeClients(
  random: Random,
  line: FlareVersion,
  server: Fields,
  relays: Fields[],
  common: () => Fields,
): Fields[] {
  const clients: Fields[] = [];
  const count = random.int(0, 6);
  for (let index = 0; index < count; index += 1) {
    const relay = relays.length > 0 && random.chance(0.4) ? random.pick(relays).name : undefined;
    const target = relay ?? (random.chance(0.3) ? server.name : undefined);
    const listens = random.chance(0.25);
    clients.push({
      // A listening site is held to the pattern of server names, which knows no underscore.
      name: listens || random.chance(0.8) ? `site-${index}` : `Site_${index}-b`,
      type: 'client',
      org: random.pick(['nvidia', 'org2', 'Hospital_3']),
      ...random.maybe(relay === undefined ? 0.3 : 1, () => ({ connect_to: connectTo(random, target) })),
      ...(listens ? { listening_host: listeningHost(random, 0.4) } : {}),
      ...random.maybe(listens ? 0.6 : 0, () => ({ edge_service_port: random.int(1024, 65_000) })),
      ...random.maybe(0.3, () => ({
        parent: clients.length > 0 ? random.pick(clients).name : server.name,
      })),
      ...random.maybe(0.4, () => ({
        capacity: {
          ...random.maybe(0.7, () => ({ num_of_gpus: random.int(0, 8) })),
          ...random.maybe(0.7, () => ({ mem_per_gpu_in_GiB: random.int(0, 80) })),
        },
      })),
      ...random.maybe(0.3, () => ({ [allowKey(line)]: random.chance(0.5) })),
      ...random.maybe(0.2, () => ({ use_aio: random.chance(0.7) })),
      ...common(),
    });
  }
  return clients;
}

function connectTo(random: Random, name?: unknown): Fields | string {
  if (name === undefined && random.chance(0.4)) return host(random);
  return {
    ...(name === undefined ? {} : { name }),
    ...random.maybe(0.6, () => ({ host: host(random) })),
    ...random.maybe(0.5, () => ({ port: random.int(1, 65_535) })),
    ...random.maybe(0.3, () => ({ connection_security: random.pick(['clear', 'tls', 'mtls']) })),
  };
}

function listeningHost(random: Random, plain: number): Fields | string {
  if (random.chance(plain)) return host(random);
  return {
    default_host: host(random),
    ...random.maybe(0.5, () => ({ scheme: random.pick(['tcp', 'grpc', 'http']) })),
    ...random.maybe(0.4, () => ({ host_names: hostNames(random) })),
    ...random.maybe(0.8, () => ({ port: random.int(1, 65_535) })),
    ...random.maybe(0.4, () => ({ connection_security: random.pick(['clear', 'tls', 'mtls']) })),
  };
}

function host(random: Random): string {
  return random.pick([
    'localhost',
    '127.0.0.1',
    'fl.example.com',
    'node-7',
    '192.168.1.20',
    'a.b.c.example.org',
  ]);
}

function hostNames(random: Random): string | string[] {
  if (random.chance(0.3)) return host(random);
  return Array.from({ length: random.int(1, 4) }, () => host(random));
}

function allowKey(line: FlareVersion): string {
  return line === '2.7.2' ? 'allow_error_sending' : 'allow_log_streaming';
}

function studies(random: Random, clients: Fields[], admins: Fields[]): Fields {
  const orgs = [...new Set(clients.map(({ org }) => String(org)))];
  const study = (): Fields | null => {
    if (random.chance(0.2)) return null;
    const siteOrgs = Object.fromEntries(
      orgs
        .filter(() => random.chance(0.6))
        .map((org) => [
          org,
          clients.filter((client) => client.org === org && random.chance(0.6)).map(({ name }) => name),
        ]),
    );
    return {
      ...random.maybe(0.7, () => ({ site_orgs: siteOrgs })),
      ...random.maybe(0.7, () => ({
        admins: admins
          .filter(() => random.chance(0.5))
          .flatMap(({ name }) => (random.chance(0.2) ? [name, name] : [name])),
      })),
    };
  };
  return Object.fromEntries(
    Array.from({ length: random.int(0, 3) }, (_, index) => [`study-${index}`, study()]),
  );
}

function builders(random: Random, line: FlareVersion, withCc: boolean): Fields[] {
  const workspace = {
    path: `${impl}.workspace.WorkspaceBuilder`,
    ...random.maybe(0.3, () => ({
      args: {
        template_file: random.pick<unknown>([
          'master_template.yml',
          ['master_template.yml', 'aws_template.yml'],
        ]),
      },
    })),
  };
  const staticFiles = {
    path: `${impl}.static_file.StaticFileBuilder`,
    ...random.maybe(0.9, () => ({
      args: {
        ...random.maybe(0.7, () => ({ config_folder: random.pick(['config', 'configs', '']) })),
        ...random.maybe(0.6, () => ({ scheme: random.pick(['grpc', 'tcp', 'http', 'GRPC', ' tcp ']) })),
        ...random.maybe(0.3, () => ({
          docker_image: random.pick(['nvflare:2', 'registry.example.com:5000/fl/nvflare']),
        })),
        ...random.maybe(0.2, () => ({ app_validator: 'x.Y', download_job_url: 'http://jobs.example.com' })),
      },
    })),
  };
  const cert = { path: `${impl}.cert.CertBuilder` };
  const optional = [
    {
      path: `${impl}.docker.DockerBuilder`,
      ...random.maybe(0.5, () => ({ args: { base_image: 'python:3.11' } })),
    },
    { path: `${impl}.edge.EdgeBuilder` },
    { path: `${impl}.aws.AWSBuilder` },
    { path: `${impl}.azure.AzureBuilder` },
    { path: `${impl}.template.TemplateBuilder` },
    ...(line === '2.7.2'
      ? [{ path: `${impl}.helm_chart.HelmChartBuilder`, args: { docker_image: 'nvflare:hc' } }]
      : []),
  ].filter(() => random.chance(0.15));
  const late = random.chance(0.3) ? optional.splice(0, 1) : [];
  return [
    workspace,
    ...(random.chance(0.85) ? [staticFiles, cert] : [cert, staticFiles]),
    ...(withCc
      ? [
          {
            path: 'nvflare.lighter.cc_provision.impl.cc.CCBuilder',
            ...random.maybe(0.3, () => ({ args: { cc_mgr_id: 'manager' } })),
          },
        ]
      : []),
    ...optional,
    { path: `${impl}.signature.SignatureBuilder` },
    ...late,
  ];
}
