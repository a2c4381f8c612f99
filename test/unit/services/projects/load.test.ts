import { execFileSync } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadProject } from '../../../../src-main/services/projects/index.ts';
import { builders, folderWith, load, projectWith } from './project-folder.ts';

describe('the project as provisioning uses it', () => {
  it('has defaults and fallbacks applied', async () => {
    const { project, errors, folder } = await load(
      {
        'project.yml': projectWith(
          `  host_names: alt.example.org
  connection_security: TLS
- name: site-1
  type: client
  org: a
  allow_log_streaming: true
  connect_to: {port: 443}
- name: site-2
  type: client
  org: a
  parent: site-1
- {name: a@b.co, type: admin, org: a, role: lead, connection_security: CLEAR}
`,
          'allow_log_streaming: false\nallow_error_sending: true\nconnection_security: mtls\ncustom_ca_cert: ca.pem\n',
        ),
        'ca.pem': 'x',
      },
      { flare: '2.8.0' },
    );
    expect(errors).toEqual([]);
    expect(project).toMatchObject({ apiVersion: 3, line: '2.8.1', description: '', studies: [] });
    const [server, one, two, admin] = project?.participants ?? [];
    expect(server).toMatchObject({
      fedLearnPort: 8002,
      adminPort: 8002,
      defaultHost: 'server1',
      hostNames: ['alt.example.org'],
      connectionSecurity: 'tls',
      customCaCert: join(folder, 'ca.pem'),
    });
    expect(one).toMatchObject({
      connectionSecurity: 'mtls',
      allowLogStreaming: true,
      allowErrorSending: true,
      connectTo: { port: 443 },
    });
    expect(two).toMatchObject({
      allowLogStreaming: false,
      parent: 'site-1',
      customCaCert: join(folder, 'ca.pem'),
    });
    expect(admin).toMatchObject({ connectionSecurity: 'clear', role: 'lead', customCaCert: undefined });
  });

  it("honours a client's explicit false", async () => {
    const { project } = await load({
      'project.yml': projectWith(
        '- {name: site-1, type: client, org: a, allow_error_sending: false, allow_log_streaming: false}\n',
        'allow_error_sending: true\nallow_log_streaming: true\n',
      ),
    });
    expect(project?.participants[1]).toMatchObject({ allowErrorSending: false, allowLogStreaming: false });
  });

  it('gives listening hosts their defaults', async () => {
    const { project } = await load({
      'project.yml': projectWith(`  listening_host: {port: 9001}
- {name: relay-1, type: relay, org: a, listening_host: {port: 9002, scheme: grpc}}
- {name: site-1, type: client, org: a, listening_host: lh.example.org, connect_to: {name: relay-1}}
`),
    });
    expect(project?.participants.map((one) => one.listeningHost)).toEqual([
      { scheme: 'tcp', hostNames: [], defaultHost: 'server1', port: 9001, connectionSecurity: 'clear' },
      { scheme: 'grpc', hostNames: [], defaultHost: 'localhost', port: 9002, connectionSecurity: 'clear' },
      { scheme: 'tcp', hostNames: [], defaultHost: 'lh.example.org', connectionSecurity: 'clear' },
    ]);
  });

  it('cuts a long server name and keeps the whole one as host', async () => {
    const long = `${'a'.repeat(40)}.${'b'.repeat(40)}`;
    const { project, codes } = await load({
      'project.yml': `api_version: 3\nname: p\n${builders}participants:\n- {name: ${long}, type: server, org: a}\n- {name: s, type: client, org: a, connect_to: {name: ${long}}}\n`,
    });
    expect(project?.participants[0]).toMatchObject({ name: long.slice(0, 64), defaultHost: long });
    expect(project?.participants[1]?.connectTo?.name).toBe(long.slice(0, 64));
    expect(codes).toEqual(['name_cut']);
  });

  it('adds users, then clients, of their own files', async () => {
    const { project } = await load(
      {
        'project.yml': projectWith(''),
        'c.yml': 'name: site-9\norg: a\ntype: server\ncapacity: {num_of_gpus: 1}\n',
        'u.yml': 'name: u@x.org\norg: a\nrole: lead\n',
      },
      { addClients: ['c.yml'], addUsers: ['u.yml'] },
    );
    expect(project?.participants.map(({ name, type }) => [name, type])).toEqual([
      ['server1', 'server'],
      ['u@x.org', 'admin'],
      ['site-9', 'client'],
    ]);
  });

  it('reads studies as 2.8 does', async () => {
    const text = projectWith(
      '- {name: site-1, type: client, org: a}\n- {name: u@x.org, type: admin, org: a, role: lead}\n',
      'studies:\n  one:\n  two: {site_orgs: {a: [site-1]}, admins: [u@x.org, u@x.org]}\n',
    ).replace('api_version: 3', 'api_version: 4');
    const { project } = await load({ 'project.yml': text });
    expect(project?.studies).toEqual([
      { name: 'one' },
      { name: 'two', siteOrgs: { a: ['site-1'] }, admins: ['u@x.org'] },
    ]);
  });

  it('drops an overseer in 2.8 and refuses it in 2.7', async () => {
    const files = { 'project.yml': projectWith('- {name: over, type: overseer, org: a}\n') };
    const now = await load(files);
    expect(now.project?.participants).toHaveLength(1);
    expect((await load(files, { flare: '2.7.2' })).errors).toMatchObject([{ code: 'overseer_removed' }]);
  });
});

describe('findings', () => {
  it('are all there in one run, each with its place and a fix', async () => {
    const { errors, findings } = await load({
      'project.yml': `api_version: "3"
name: a/b
conection_security: tls
participants:
  - name: server_1
    type: server
    org: my-org
    fed_learn_port: 99999
  - name: site 1
    typ: client
    org: a
  - name: site-2
    type: client
    org: a
    listning_host: x
    connect_to: {host: "http://x", prot: 1}
  - name: bob
    type: admin
    org: a
builders:
  - path: nvflare.lighter.impl.workspace.WorkspaceBuilders
  - path: nvflare.lighter.impl.cert.CertBuilder
    args: {root_valid_days: 10}
`,
    });
    const places = findings.map(({ line, code, path }) => `${line} ${code} ${path}`);
    expect(places).toEqual([
      '1 api_version_invalid api_version',
      '2 project_name_invalid name',
      '3 unknown_key conection_security',
      '5 name_invalid participants[0].name',
      '7 org_invalid participants[0].org',
      '8 port_invalid participants[0].fed_learn_port',
      '9 missing_key participants[1].type',
      '10 unknown_key participants[1].typ',
      '15 unknown_key participants[2].listning_host',
      '16 host_name_invalid participants[2].connect_to.host',
      '16 unknown_key participants[2].connect_to.prot',
      '17 missing_key participants[3].role',
      '17 name_invalid participants[3].name',
      '21 builder_unsupported builders[0].path',
      '23 unknown_argument builders[1].args.root_valid_days',
    ]);
    for (const finding of findings) {
      expect(finding.message).toMatch(/\.$/);
      expect(finding.hint).toBeTruthy();
    }
    expect(errors).toHaveLength(11);
  });

  it.each([
    ['fedLearnPort', 'fed_learn_port'],
    ['fed-learn-port', 'fed_learn_port'],
    ['adminport', 'admin_port'],
    ['hostnames', 'host_names'],
    ['conn_security', undefined],
    ['conection_security', 'connection_security'],
    ['colour', undefined],
  ])('suggests for %s: %s', async (written, meant) => {
    const { findings, project } = await load({ 'project.yml': projectWith(`  ${written}: x\n`) });
    expect(project).toBeDefined();
    expect(findings.map(({ hint }) => hint)).toEqual(meant ? [`Did you mean "${meant}"?`] : []);
  });

  it.each([
    ['homomorphic encryption', '- path: nvflare.lighter.impl.he.HEBuilder\n', /HEBuilder/],
    ['own builders', '- path: mine.Builder\n', /mine\.Builder/],
    [
      'a Helm chart in 2.8',
      '- path: nvflare.lighter.impl.helm_chart.HelmChartBuilder\n  args: {docker_image: x}\n',
      /HelmChartBuilder exists in FLARE 2\.7\.2 only/,
    ],
  ])('refuses %s by name', async (_, builder, message) => {
    const { errors } = await load({
      'project.yml': projectWith('').replace('participants:', `${builder}participants:`),
    });
    expect(errors).toMatchObject([{ message: expect.stringMatching(message) as string, line: 8 }]);
  });

  it.each([
    ['edge projects', 'edge: {depth: 2}\n', 'edge_unsupported'],
    ['other packagers', 'packager: {path: a.b.C}\n', 'builder_unsupported'],
  ])('refuses %s with the way out', async (_, rest, code) => {
    const { errors } = await load({ 'project.yml': projectWith('', rest) });
    expect(errors).toMatchObject([{ code, hint: expect.stringContaining('nvflare provision') as string }]);
  });

  it('finds circles, unknown parents and unknown relays', async () => {
    const { errors } = await load({
      'project.yml':
        projectWith(`- {name: r1, type: relay, org: a, listening_host: {port: 1}, connect_to: {name: r2}}
- {name: r2, type: relay, org: a, listening_host: {port: 2}, connect_to: {name: r1}}
- {name: site-1, type: client, org: a, parent: site-1}
- {name: site-2, type: client, org: a, parent: sit-1}
- {name: site-3, type: client, org: a, connect_to: {name: site-1}}
`),
    });
    expect(errors.map(({ code, line }) => [line, code])).toEqual([
      [12, 'hierarchy_circle'],
      [14, 'hierarchy_circle'],
      [15, 'participant_unknown'],
      [16, 'participant_unknown'],
    ]);
    expect(errors[0]?.message).toContain('r1 → r2 → r1');
    expect(errors[2]?.hint).toBe('Did you mean "site-1"?');
  });

  it('checks what hangs together although single participants are wrong', async () => {
    const { errors } = await load({
      'project.yml': projectWith(`- {name: r_1, type: relay, org: a b, listening_host: {port: 1}}
- {name: site 1, type: client, org: a, parent: nope, connect_to: {name: relay-9}}
- {name: site-2, type: client, org: a-b, parent: site 1, connect_to: {name: r_1}}
`),
    });
    expect(errors.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'name_not_host participants[1].name',
      'org_invalid participants[1].org',
      'name_invalid participants[2].name',
      'participant_unknown participants[2].parent',
      'participant_unknown participants[2].connect_to.name',
      'org_invalid participants[3].org',
    ]);
  });

  it('looks for named files beside the project first, then in the current folder', async () => {
    const text = projectWith('  custom_ca_cert: ca.pem\n');
    const folder = await folderWith({
      'p/project.yml': text,
      'p/ca.pem': '',
      'ca.pem': '',
      'q/project.yml': text,
    });
    const beside = await loadProject({ file: 'p/project.yml', currentFolder: folder });
    expect(beside.project?.participants[0]?.customCaCert).toBe(join(folder, 'p/ca.pem'));
    const current = await loadProject({ file: 'q/project.yml', currentFolder: folder });
    expect(current.project?.participants[0]?.customCaCert).toBe(join(folder, 'ca.pem'));
    expect(current.findings).toMatchObject([{ code: 'file_outside_project', severity: 'warning' }]);
  });

  it('checks cc_config files at their own lines', async () => {
    const text = projectWith('  cc_config: cc.yml\n').replace(
      '- path: nvflare.lighter.impl.signature',
      '- path: nvflare.lighter.cc_provision.impl.cc.CCBuilder\n- path: nvflare.lighter.impl.signature',
    );
    const { findings, folder } = await load({
      'project.yml': text,
      'cc.yml':
        'role: client\ncompute_env: onprem\nhost_entries: {a: 1.2.3.4}\ncc_issuers:\n- id: a b\n  path: x\n',
    });
    expect(findings).toMatchObject([
      { file: join(folder, 'cc.yml'), line: 1, code: 'cc_role_mismatch', severity: 'error' },
      { line: 2, code: 'cc_compute_env' },
      { line: 3, code: 'cc_host_entries', severity: 'warning', hint: 'Rename it to hosts_entries.' },
      { line: 5, code: 'cc_config_invalid', path: 'cc_issuers[0].id' },
      { line: 6, code: 'cc_issuer_unknown', severity: 'warning' },
    ]);
  });
});

describe('files that are no project', () => {
  it.each([
    ['empty', '', 'yaml_empty'],
    ['binary', Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0, 0xff]), 'yaml_binary'],
    ['Latin-1', Uint8Array.from([0x61, 0x3a, 0x20, 0xe9, 0x0a]), 'yaml_encoding'],
    ['UTF-16', Uint8Array.from([0xff, 0xfe, 0x61, 0]), 'yaml_encoding'],
    ['a list', '- a\n', 'wrong_type'],
    ['a number', '5', 'wrong_type'],
    ['tabs', 'a:\n\tb: 1\n', 'yaml_syntax'],
    [
      'a bomb',
      Array.from(
        { length: 25 },
        (_, i) => `l${i}: &l${i} [${i === 0 ? 'x, x' : `*l${i - 1}, *l${i - 1}`}]`,
      ).join('\n'),
      'yaml_too_large',
    ],
  ])('%s', async (_, content, code) => {
    const { errors, participantCount } = await load({ 'project.yml': content });
    expect(errors).toMatchObject([{ code, line: expect.any(Number) as number }]);
    expect(participantCount).toBe(0);
  });

  it('says where a bad byte stands', async () => {
    const { errors } = await load({
      'project.yml': Buffer.concat([Buffer.from('a: 1\nbé: '), Buffer.from([0xff])]),
    });
    expect(errors).toMatchObject([{ code: 'yaml_encoding', line: 2, column: 5 }]);
  });

  it('takes a byte order mark', async () => {
    const { project } = await load({ 'project.yml': `\ufeff${projectWith('')}` });
    expect(project).toBeDefined();
  });

  it('missing, a folder, a pipe, unreadable, far too large', async () => {
    const folder = await folderWith({
      'secret.yml': 'a: 1',
      'huge.yml': Buffer.alloc(17 * 1024 * 1024, 0x61),
    });
    execFileSync('mkfifo', [join(folder, 'pipe.yml')]);
    await chmod(join(folder, 'secret.yml'), 0);
    const codeOf = async (file: string) =>
      (await loadProject({ file, currentFolder: folder })).findings[0]?.code;
    expect(await codeOf('nope.yml')).toBe('file_missing');
    expect(await codeOf('.')).toBe('file_unreadable');
    expect(await codeOf('pipe.yml')).toBe('file_unreadable');
    if (process.getuid?.() !== 0) expect(await codeOf('secret.yml')).toBe('file_unreadable');
    expect(await codeOf('huge.yml')).toBe('yaml_too_large');
  });
});

it('refuses other FLARE versions with the reason', async () => {
  const folder = await folderWith({ 'project.yml': projectWith('') });
  await expect(loadProject({ file: join(folder, 'project.yml'), flare: '2.9.0' })).rejects.toMatchObject({
    code: 'unsupported',
  });
});

it('checks 500 sites in less than 300 ms', async () => {
  const sites = Array.from(
    { length: 500 },
    (_, i) =>
      `# site ${i}\n- name: site-${i}\n  type: client\n  org: org_${i % 7}\n  connection_security: tls\n  capacity: {num_of_gpus: 2}\n`,
  );
  const folder = await folderWith({
    'project.yml': projectWith(sites.join('')),
    'bad.yml': projectWith(sites.join('')).replaceAll('org: org_', 'org: org-'),
  });
  const run = async (file: string) => {
    const start = performance.now();
    const loaded = await loadProject({ file, currentFolder: folder });
    return { loaded, milliseconds: performance.now() - start };
  };
  const runs = [await run('project.yml'), await run('project.yml'), await run('project.yml')];
  expect(runs[0]?.loaded.participantCount).toBe(501);
  expect(Math.min(...runs.map(({ milliseconds }) => milliseconds))).toBeLessThan(300);
  expect((await run('bad.yml')).loaded.findings.filter(({ code }) => code === 'org_invalid')).toHaveLength(
    500,
  );
});

describe('whatever is written', () => {
  const key = fc.constantFrom(
    'name',
    'type',
    'org',
    'role',
    'host_names',
    'default_host',
    'connect_to',
    'listening_host',
    'fed_learn_port',
    'admin_port',
    'parent',
    'capacity',
    'use_aio',
    'cc_config',
    'custom_ca_cert',
    'include',
    'path',
    'args',
    'scheme',
    'site_orgs',
    'admins',
    'port',
    'host',
    '__proto__',
    'toString',
  );
  const leaf = fc.oneof(
    fc.constantFrom(
      'server',
      'client',
      'relay',
      'admin',
      'site-1',
      'server1',
      'a@b.co',
      'tls',
      '.',
      '/',
      '',
      '~',
    ),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.string(),
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 6 }),
    ),
  }));

  it('there is a project or an error, never an exception', async () => {
    const folder = await folderWith({ 'project.yml': '' });
    const { writeFile } = await import('node:fs/promises');
    const topLevel = fc.constantFrom(
      'api_version',
      'name',
      'participants',
      'builders',
      'packager',
      'studies',
      'edge',
      'connection_security',
      'custom_ca_cert',
      'include',
      'host_names',
      'connect_to',
      'listening_host',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(topLevel, value),
        fc.boolean(),
        fc.constantFrom('2.7.2', '2.8.1'),
        async (odd, onSound, flare) => {
          const sound = {
            api_version: 3,
            name: 'p',
            participants: [{ name: 'server1', type: 'server', org: 'a' }],
            builders: [],
          };
          await writeFile(
            join(folder, 'project.yml'),
            stringify(onSound ? { ...sound, ...odd } : odd, { version: '1.1', aliasDuplicateObjects: false }),
          );
          const { project, findings } = await loadProject({
            file: 'project.yml',
            currentFolder: folder,
            flare,
          });
          expect(project === undefined).toBe(findings.some(({ severity }) => severity === 'error'));
          for (const finding of findings) expect(finding.file).toBeTruthy();
        },
      ),
      { numRuns: 400 },
    );
  });
});
