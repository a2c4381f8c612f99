/** Seeded projects near to sound ones: some are sound, most have one or two faults. */
import type { FlareLine } from '../../../src-main/domain/project/model.ts';
import type { Random } from '../provision/random.ts';

type Fields = Record<string, unknown>;

const implementation = 'nvflare.lighter.impl.';
const odd: unknown[] = [
  null,
  '',
  0,
  1,
  -1,
  true,
  false,
  'x',
  'a_b',
  'a b',
  'a.b.c',
  5,
  3.5,
  [],
  {},
  ['a'],
  ['a_b'],
  { a: 1 },
  '8002',
  8002,
  70000,
  'UPPER',
  'ö',
  'a\n',
];
const names = [
  'x'.repeat(64),
  'x'.repeat(65),
  `${'a'.repeat(30)}.${'b'.repeat(40)}`,
  'root_cert',
  'server',
  '-',
  '_',
  'a-',
  '-a',
  'a_',
  'a.',
  'a@b.co',
  'a@b.c',
  'A|b@x.o|g',
];
const projectNames = ['a b', 'a.b', 'x'.repeat(63), 'x'.repeat(64), '_a', 'a/b', 'é', 'a-', 'A'];

function participant(random: Random, type: string, index: number): Fields {
  const name = {
    server: random.pick(['server1', 's.example.org', '10.0.0.1', 'srv-1']),
    admin: `u${index}@x.org`,
    relay: `relay-${index}`,
  }[type];
  return {
    name: name ?? `site-${index}`,
    type,
    org: random.pick(['nvidia', 'org_a', 'o1']),
    ...(type === 'server' ? serverProperties(random) : {}),
    ...(type === 'admin'
      ? { role: random.pick(['project_admin', 'lead', 'member', 'org_admin', 'custom']) }
      : {}),
    ...(type === 'relay'
      ? {
          listening_host: random.pick<unknown>([
            { default_host: 'localhost', port: 9001 + index },
            'localhost',
            { port: 9001 },
            { scheme: 'grpc', port: 9002, connection_security: 'tls' },
          ]),
        }
      : {}),
    ...random.maybe(0.15, () => ({
      connection_security: random.pick(['tls', 'mtls', 'clear', 'TLS', 'Clear', 'bad']),
    })),
    ...(type === 'server' ? {} : random.maybe(0.25, () => ({ connect_to: target(random) }))),
    ...(type === 'client' ? clientProperties(random) : {}),
    ...random.maybe(0.1, () => ({ use_aio: true })),
    ...random.maybe(0.05, () => ({ extra: random.pick(odd) })),
  };
}

function serverProperties(random: Random): Fields {
  return {
    ...random.maybe(0.7, () => ({ fed_learn_port: 8002 })),
    ...random.maybe(0.5, () => ({ admin_port: 8003 })),
    ...random.maybe(0.3, () => ({
      host_names: random.pick<unknown>([['a.b', 'c'], 'x.y', [], null, ['1.2.3.4']]),
    })),
    ...random.maybe(0.2, () => ({ default_host: 'd.example.org' })),
  };
}

function clientProperties(random: Random): Fields {
  return {
    ...random.maybe(0.2, () => ({
      parent: random.pick(['site-1', 'site-2', 'site-3', 'server1', 'nope', '']),
    })),
    ...random.maybe(0.2, () => ({
      listening_host: random.pick<unknown>(['localhost', { port: 9009 }, { default_host: 'h.x' }, '', {}]),
    })),
  };
}

function target(random: Random): unknown {
  return random.pick<unknown>([
    { name: `relay-${random.int(0, 3)}` },
    { host: 'a.b' },
    'a.b',
    { port: 443 },
    { name: 'server1' },
    { name: 'nope' },
    { host: 's', port: 1 },
    {},
    '',
    { name: 'relay-1', host: 'h' },
  ]);
}

function studies(random: Random): Fields {
  const name = random.pick(['s1', 's_2', 'S1', 'default', 'a']);
  return {
    [name]: random.pick<unknown>([
      null,
      {},
      { site_orgs: { nvidia: ['site-1'] } },
      { site_orgs: { nvidia: ['site-1', 'site-1'] } },
      { admins: ['u1@x.org'] },
      { admins: ['u1@x.org', 'u1@x.org'] },
      { admins: {} },
      { site_orgs: null, admins: null },
      { site_orgs: [] },
      { site_orgs: { org_a: 'site-2' } },
      { sites: ['a'] },
    ]),
  };
}

export function faultyProject(random: Random, line: FlareLine): Fields {
  const count = (most: number): number[] =>
    Array.from({ length: random.int(0, most) }, (_, index) => index + 1);
  const project: Fields = {
    api_version: line === '2.8.1' && random.chance(0.4) ? 4 : 3,
    name: 'proj',
    description: 'd',
    participants: [
      participant(random, 'server', 0),
      ...count(2).map((index) => participant(random, 'relay', index)),
      ...count(3).map((index) => participant(random, 'client', index)),
      ...count(1).map((index) => participant(random, 'admin', index)),
    ],
    builders: [
      'workspace.WorkspaceBuilder',
      'static_file.StaticFileBuilder',
      'cert.CertBuilder',
      'signature.SignatureBuilder',
    ].map((name) => ({ path: implementation + name })),
  };
  if (project.api_version === 4 && random.chance(0.6)) project.studies = studies(random);
  for (let faults = random.int(0, 2); faults > 0; faults -= 1) addFault(random, project);
  return project;
}

function addFault(random: Random, project: Fields): void {
  const participants = Array.isArray(project.participants) ? (project.participants as Fields[]) : [];
  const one = participants.length > 0 ? random.pick(participants) : {};
  const kind = random.int(0, 7);
  if (kind <= 2) {
    one[
      random.pick([
        'name',
        'type',
        'org',
        'role',
        'host_names',
        'default_host',
        'connection_security',
        'connect_to',
        'listening_host',
        'fed_learn_port',
        'admin_port',
        'parent',
        'capacity',
        'use_aio',
        'allow_log_streaming',
      ])
    ] = random.pick([...odd.filter((value) => value !== undefined)]) ?? null;
  } else if (kind === 3) delete one[random.pick(['name', 'type', 'org', 'role', 'listening_host'])];
  else if (kind === 4)
    project[
      random.pick([
        'api_version',
        'name',
        'description',
        'participants',
        'builders',
        'packager',
        'studies',
        'connection_security',
        'host_names',
        'connect_to',
        'listening_host',
        'role',
        'default_host',
      ])
    ] = random.pick(odd);
  else if (kind === 5)
    participants.push(
      participant(
        random,
        random.pick(['client', 'relay', 'admin', 'server', 'overseer', 'Client']),
        random.pick([1, 2, 5]),
      ),
    );
  else if (kind === 6) {
    if (random.chance(0.7)) one.name = random.pick(names);
    else project.name = random.pick(projectNames);
  } else addBuilderFault(random, project);
}

function addBuilderFault(random: Random, project: Fields): void {
  if (!Array.isArray(project.builders)) return;
  const builders = project.builders as unknown[];
  const kind = random.int(0, 3);
  if (kind === 0) builders.splice(random.int(0, builders.length - 1), 1);
  else if (kind === 1) project.builders = random.shuffle(builders);
  else if (kind === 2) {
    builders.push(
      random.pick<unknown>([
        { path: `${implementation}template.TemplateBuilder` },
        { path: 'a.b.C' },
        { path: `${implementation}cert.CertBuilder`, args: { x: 1 } },
        {},
        'x',
      ]),
    );
  } else {
    builders[1] = {
      path: `${implementation}static_file.StaticFileBuilder`,
      args: random.pick<unknown>([
        { scheme: 'grpc' },
        { scheme: '' },
        { scheme: 5 },
        { docker_image: 'x' },
        { unknown: 1 },
        [],
        'x',
      ]),
    };
  }
}
