import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CcConfig } from '../../../../src-main/domain/cc/cc-config.ts';
import { confidentialProject, kitContext, renderKit } from '../../../../src-main/domain/kit/index.ts';
import { float, jsonFile } from '../../../../src-main/domain/kit/kit-json.ts';
import type { FlareLine, Participant, Project } from '../../../../src-main/domain/project/model.ts';
import { builder, participant, sampleProject, usualBuilders } from '../../../lab/sample-project.ts';

const lines: FlareLine[] = ['2.7.2', '2.8.1'];

/** The JSON files of one kit by path, without `startup/` scripts. */
function kitOf(name: string, project: Project, configs?: Map<string, CcConfig>): Record<string, unknown> {
  const confidential = configs === undefined ? undefined : confidentialProject(project, configs);
  const found = project.participants.find((one) => one.name === name) as Participant;
  const files = renderKit(found, kitContext(project, confidential));
  expect(new Set(files.map(({ path }) => path)).size).toBe(files.length);
  return Object.fromEntries(
    files
      .filter(({ path }) => path.includes('.json'))
      .map(({ path, content }) => [path, JSON.parse(content) as unknown]),
  );
}

const project = (participants: Participant[], line: FlareLine = '2.8.1', more: Partial<Project> = {}) =>
  sampleProject(line, { participants, ...more });

const listener = (host: string, port?: number, connectionSecurity = 'mtls') => ({
  scheme: 'grpc',
  hostNames: [],
  defaultHost: host,
  connectionSecurity,
  ...(port === undefined ? {} : { port }),
});

describe('the JSON of a kit', () => {
  it('is ASCII whatever it holds, and reads back as it was', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })), (value) => {
        const { content } = jsonFile('x.json', value);
        expect(content).toMatch(/^[\x20-\x7e\n]*$/);
        expect(JSON.parse(content)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('keeps whole numbers floats where Python expects them', () => {
    expect(jsonFile('x.json', { a: float(10), b: float(2.5) }).content).toBe(
      '{\n  "a": 10.0,\n  "b": 2.5\n}\n',
    );
  });
});

describe('where participants connect to', () => {
  const server = participant('server', 'server1', {
    defaultHost: 'fl.example',
    fedLearnPort: 443,
    adminPort: 8003,
    connectionSecurity: 'tls',
  });

  it.each(lines)('is the host of the server, or the own one (%s)', (line) => {
    const all = project(
      [
        server,
        participant('client', 'plain'),
        participant('client', 'own', { connectTo: { host: 'proxy.example', port: 9443 } }),
        participant('client', 'port-only', { connectTo: { port: 9443 } }),
        participant('admin', 'a@b.org'),
        participant('admin', 'b@b.org', {
          connectTo: { host: 'proxy.example', port: 1 },
          connectionSecurity: 'clear',
        }),
      ],
      line,
    );
    const endPoint = (name: string) => {
      const config = kitOf(name, all)['startup/fed_client.json'] as {
        servers: { service: { target?: string } }[];
        overseer_agent?: { args: { sp_end_point: string } };
      };
      return line === '2.7.2' ? config.overseer_agent?.args.sp_end_point : config.servers[0]?.service.target;
    };
    const suffix = line === '2.7.2' ? ':8003' : '';
    expect(endPoint('plain')).toBe(`fl.example:443${suffix}`);
    expect(endPoint('own')).toBe(`proxy.example:9443${suffix}`);
    expect(endPoint('port-only')).toBe(`fl.example:9443${suffix}`);
    const admin = (name: string) => kitOf(name, all)['startup/fed_admin.json'] as { admin: object };
    expect(admin('a@b.org').admin).toMatchObject({
      host: 'fl.example',
      port: 8003,
      connection_security: 'mtls',
    });
    expect(admin('b@b.org').admin).toMatchObject({
      host: 'proxy.example',
      port: 1,
      connection_security: 'clear',
    });
    const client = kitOf('plain', all)['startup/fed_client.json'] as object;
    expect('overseer_agent' in client).toBe(line === '2.7.2');
  });

  it('follows relays from the server down', () => {
    const all = project([
      server,
      participant('relay', 'r1', { listeningHost: listener('r1.example', 9001, 'tls'), useAio: true }),
      participant('relay', 'r2', {
        listeningHost: listener('r2.example', 9002),
        connectTo: { name: 'r1', host: 'inside.example' },
      }),
      participant('client', 'deep', { connectTo: { name: 'r2', port: 7 } }),
    ]);
    expect(kitOf('r1', all)['startup/fed_relay.json']).toEqual({
      format_version: 2,
      project_name: 'example_project',
      identity: 'r1',
      server_identity: 'server1',
      connect_to: {
        scheme: 'http',
        identity: 'server1',
        address: 'fl.example:443',
        fqcn: 'server',
        connection_security: 'tls',
      },
    });
    expect(kitOf('r2', all)['startup/fed_relay.json']).toMatchObject({
      connect_to: {
        scheme: 'grpc',
        identity: 'r1',
        address: 'inside.example:9001',
        fqcn: 'r1',
        connection_security: 'tls',
      },
    });
    expect(kitOf('deep', all)['local/relay__resources.json']).toEqual({
      format_version: 2,
      relay_config: {
        scheme: 'grpc',
        identity: 'r2',
        address: 'r2.example:7',
        fqcn: 'r1.r2',
        connection_security: 'mtls',
      },
    });
    expect(kitOf('r1', all)['local/comm_config.json']).toEqual({
      allow_adhoc_conns: false,
      backbone_conn_gen: 1,
      internal: {
        scheme: 'agrpc',
        resources: { host: 'r1.example', port: 9001, connection_security: 'tls' },
      },
    });
    expect(kitOf('deep', all)['local/comm_config.json']).toEqual({
      allow_adhoc_conns: false,
      backbone_conn_gen: 1,
      internal: { scheme: 'tcp', resources: { host: 'localhost', connection_security: 'clear' } },
    });
  });

  it('has a configuration for listeners alone, and no port where none is set', () => {
    const all = project([
      participant('server', 'server1', { listeningHost: listener('inner', undefined) }),
      participant('client', 'plain'),
      participant('client', 'listening', { listeningHost: listener('c.example', 0) }),
    ]);
    expect(kitOf('plain', all)['local/comm_config.json']).toBeUndefined();
    for (const name of ['server1', 'listening']) {
      const { internal, backbone_conn_gen } = kitOf(name, all)['local/comm_config.json'] as Record<
        string,
        object
      >;
      expect(backbone_conn_gen).toBe(2);
      expect(internal).toMatchObject({ scheme: 'grpc' });
      expect(JSON.stringify(internal)).not.toContain('"port"');
    }
  });
});

describe('the client tree', () => {
  it('names each client by its place, and knows who is a leaf', () => {
    const all = project([
      participant('server', 'server1'),
      participant('client', 'leaf', { parent: 'middle' }),
      participant('client', 'middle', { parent: 'top' }),
      participant('client', 'top', { parent: 'server1' }),
    ]);
    const place = (name: string) => {
      const { client } = kitOf(name, all)['startup/fed_client.json'] as {
        client: { fqsn: string; is_leaf: boolean };
      };
      return [client.fqsn, client.is_leaf];
    };
    expect(place('leaf')).toEqual(['top.middle.leaf', true]);
    expect(place('middle')).toEqual(['top.middle', false]);
    expect(place('top')).toEqual(['top', false]);
  });
});

describe('what a client sends of its logs', () => {
  const resources = (line: FlareLine, more: Partial<Participant>) =>
    kitOf('site-1', project([participant('server', 's'), participant('client', 'site-1', more)], line))[
      'local/resources.json.default'
    ] as { components: { id: string }[]; allow_log_streaming?: boolean };
  const ids = (line: FlareLine, more: Partial<Participant>) =>
    resources(line, more).components.map(({ id }) => id);

  it('needs leave on 2.7', () => {
    expect(ids('2.7.2', { allowErrorSending: true })).toContain('error_log_sender');
    expect(ids('2.7.2', { allowErrorSending: false })).not.toContain('error_log_sender');
  });

  it('is a switch on 2.8', () => {
    expect(resources('2.8.1', { allowLogStreaming: false }).allow_log_streaming).toBe(false);
    expect(resources('2.8.1', { allowLogStreaming: true }).allow_log_streaming).toBe(true);
    expect(ids('2.8.1', {})).toContain('site_log_streamer');
  });
});

describe('studies', () => {
  const studies = [
    { name: 'open' },
    { name: 'lung', siteOrgs: { nvidia: ['site-1'] }, admins: ['admin@nvidia.com'] },
  ];

  it('stand in the registry of a 2.8 server, and nowhere on 2.7', () => {
    expect(kitOf('server1', sampleProject('2.8.1', { studies }))['local/study_registry.json']).toEqual({
      format_version: '1.0',
      studies: { open: {}, lung: { site_orgs: { nvidia: ['site-1'] }, admins: ['admin@nvidia.com'] } },
    });
    expect(
      kitOf('server1', sampleProject('2.7.2', { studies }))['local/study_registry.json'],
    ).toBeUndefined();
    expect(kitOf('site-1', sampleProject('2.8.1', { studies }))['local/study_registry.json']).toBeUndefined();
  });
});

describe('confidential sites', () => {
  const issuer = (id: string, path: string) => ({ id, path, args: {}, tokenExpiration: null });
  const config = (more: Partial<CcConfig>): CcConfig => ({
    computeEnvironment: 'onprem_cvm',
    issuers: [],
    classAllowList: [],
    ...more,
  });
  const all = (line: FlareLine) =>
    sampleProject(line, { builders: [...usualBuilders, builder('cc_provision.impl.cc.CCBuilder')] });
  const configs = new Map([
    ['server1', config({ issuers: [issuer('snp', 'a.First')], checkFrequency: 60 })],
    [
      'site-2',
      config({
        computeEnvironment: 'azure_cvm',
        issuers: [issuer('snp', 'a.Last'), issuer('gpu', 'a.Gpu')],
        classAllowList: ['my.Class', 'nvflare.app_common.workflows.fedavg.FedAvg'],
      }),
    ],
  ]);

  it('can each check all others, and the last of two issuers with one id counts everywhere', () => {
    const manager = (name: string) =>
      (
        kitOf(name, all('2.7.2'), configs)['local/cc_manager__p_resources.json'] as {
          components: { args: object }[];
        }
      ).components[0]?.args;
    expect(manager('server1')).toEqual({
      cc_issuers_conf: [{ issuer_id: 'snp', token_expiration: null }],
      cc_verifier_ids: ['snp', 'gpu'],
      verify_frequency: 60,
      cc_enabled_sites: ['server', 'site-2'],
    });
    expect(manager('site-2')).toEqual({
      cc_issuers_conf: [
        { issuer_id: 'snp', token_expiration: null },
        { issuer_id: 'gpu', token_expiration: null },
      ],
      cc_verifier_ids: ['snp', 'gpu'],
      cc_enabled_sites: ['server', 'site-2'],
    });
    for (const name of ['server1', 'site-2']) {
      expect(kitOf(name, all('2.7.2'), configs)['local/snp__p_resources.json']).toEqual({
        components: [{ id: 'snp', path: 'a.Last', args: {} }],
      });
    }
  });

  it('are stricter, and keep logs on their own drive on premises only', () => {
    const kit = (name: string) => JSON.stringify(kitOf(name, all('2.8.1'), configs));
    const authorization = (name: string) =>
      kitOf(name, all('2.8.1'), configs)['local/authorization.json.default'] as {
        permissions: { lead: { byoc: string } };
      };
    expect(authorization('server1').permissions.lead.byoc).toBe('none');
    expect(authorization('site-1').permissions.lead.byoc).toBe('any');
    expect(kit('server1')).toContain('"/applog/log.txt"');
    expect(kit('site-2')).toContain('"log.txt"');
    expect(kit('site-2')).not.toContain('/applog/');
    expect(kit('site-1')).not.toContain('cc_manager');
  });

  it('allow their own classes on 2.8, none twice', () => {
    const list = (line: FlareLine) =>
      (kitOf('site-2', all(line), configs)['local/resources.json.default'] as { class_allow_list?: string[] })
        .class_allow_list;
    expect(list('2.8.1')).toHaveLength(82);
    expect(list('2.8.1')?.at(-1)).toBe('my.Class');
    expect(list('2.7.2')).toBeUndefined();
  });
});
