import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseBandwidth } from '../../../../src-main/domain/project/desk.ts';
import { loadDesk, loadProject } from '../../../../src-main/services/projects/index.ts';
import { folderWith, load, projectWith } from './project-folder.ts';

const fingerprint = `SHA256:${'aB3+/'.repeat(8)}xyz`;

async function desk(text: string | Uint8Array) {
  const folder = await folderWith({ 'desk.yml': text });
  const loaded = await loadDesk(join(folder, 'desk.yml'));
  return { ...loaded, folder };
}

describe('desk.yml', () => {
  it('applies defaults and writes local paths out', async () => {
    const {
      desk: read,
      findings,
      folder,
    } = await desk(`version: 1
flare: "2.7.1"
workspace: out
defaults: { user: flare, identity: ~/.ssh/id_ed25519, directory: /opt/flare }
hosts:
  server1: { ssh: 10.0.0.5, path: [/opt/nvflare/bin] }
  site-1: { ssh: hospital-a, via: bastion, directory: ~/flare, user: other, identity: keys/id, passphrase_file: keys/pass }
  site-2: { ssh: 10.0.2.7, port: 2222, host_key: "${fingerprint}", path: /usr/bin }
transfer: { channels: 5, bandwidth: 50MB/s, parallel: 2 }
`);
    expect(findings).toEqual([]);
    expect(read).toMatchObject({
      file: join(folder, 'desk.yml'),
      flare: '2.7.2',
      project: join(folder, 'project.yml'),
      workspace: join(folder, 'out'),
      transfer: { channels: 5, parallel: 2, bytesPerSecond: 50_000_000 },
    });
    expect(read?.hosts.get('server1')).toMatchObject({
      ssh: '10.0.0.5',
      user: 'flare',
      identity: join(homedir(), '.ssh/id_ed25519'),
      directory: '/opt/flare',
      path: ['/opt/nvflare/bin'],
      source: { line: 6, column: 3 },
    });
    expect(read?.hosts.get('site-1')).toMatchObject({
      user: 'other',
      via: 'bastion',
      directory: '~/flare',
      identity: join(folder, 'keys/id'),
      passphraseFile: join(folder, 'keys/pass'),
    });
    expect(read?.hosts.get('site-2')).toMatchObject({ port: 2222, hostKey: fingerprint, path: ['/usr/bin'] });
  });

  it('needs no more than its version', async () => {
    const { desk: read, findings, folder } = await desk('version: 1\nhosts:\n');
    expect(findings).toEqual([]);
    expect(read).toMatchObject({
      workspace: join(folder, 'workspace'),
      transfer: { channels: 10, parallel: 4 },
    });
    expect(read?.hosts.size).toBe(0);
  });

  it('is not missed', async () => {
    const folder = await folderWith({});
    expect(await loadDesk(join(folder, 'desk.yml'))).toEqual({ findings: [] });
  });

  it.each([
    ['version: 2', 'desk_newer_version', 1, 10, 'version'],
    ['hosts: {}', 'missing_key', 1, 1, 'version'],
    ['version: 1\nflare: 2.8', 'desk_invalid', 2, 8, 'flare'],
    ['version: 1\nflare: "3.0"', 'flare_unsupported', 2, 8, 'flare'],
    ['version: 1\nhost: {}', 'unknown_key', 2, 1, 'host'],
    ['version: 1\nhosts:\n  a: { sh: b }', 'missing_key', 3, 6, 'hosts.a.ssh'],
    ['version: 1\nhosts:\n  a: { ssh: b, hostkey: c }', 'unknown_key', 3, 16, 'hosts.a.hostkey'],
    ['version: 1\nhosts:\n  a: { ssh: b, host_key: MD5:aa }', 'desk_invalid', 3, 26, 'hosts.a.host_key'],
    ['version: 1\nhosts:\n  a: { ssh: b, port: 70000 }', 'desk_invalid', 3, 22, 'hosts.a.port'],
    ['version: 1\nhosts:\n  a: { ssh: b, port: "22" }', 'desk_invalid', 3, 22, 'hosts.a.port'],
    ['version: 1\nhosts:\n  a: { ssh: "-oProxyCommand=x" }', 'desk_invalid', 3, 13, 'hosts.a.ssh'],
    ['version: 1\nhosts:\n  a: { ssh: b, directory: flare }', 'desk_invalid', 3, 27, 'hosts.a.directory'],
    ['version: 1\nhosts: [a]', 'desk_invalid', 2, 8, 'hosts'],
    ['version: 1\ntransfer: { bandwidth: fast }', 'desk_invalid', 2, 24, 'transfer.bandwidth'],
    ['version: 1\ntransfer: { channels: 0 }', 'desk_invalid', 2, 23, 'transfer.channels'],
    ['version: 1\nhosts: {a: {ssh: b}, a: {ssh: c}}', 'duplicate_key', 2, 22, undefined],
    ['- a', 'desk_invalid', 1, 1, ''],
    ['version: [1', 'yaml_syntax', 1, 12, undefined],
  ])('%j', async (text, code, line, column, path) => {
    const { desk: read, findings, folder } = await desk(text);
    expect(read).toBeUndefined();
    const found = findings.find((one) => one.code === code);
    expect(found).toMatchObject({ severity: 'error', file: join(folder, 'desk.yml'), line, column });
    expect(found?.path).toBe(path);
    expect(found?.message).toMatch(/\.$/);
  });

  it('knows image builders and the key broker, and where the secrets lie', async () => {
    const {
      desk: read,
      findings,
      folder,
    } = await desk(`version: 1
defaults: { user: flare, directory: /opt/flare, port: 2200 }
hosts:
  site-1: { ssh: h1, chip_id: ${'aB'.repeat(64)} }
builders:
  here: { local: true, command: ~/cc/cvm_build.sh, directory: /data/builds }
  snp-1: { ssh: 10.0.0.9, via: bastion, command: /opt/cc/cvm_build.sh, port: 22 }
kbs:
  address: https://kbs.example.org
  ca: certs/kbs-ca.pem
  admin_key: ~/kbs/private.key
  vault: https://vault.example.org/
`);
    expect(findings).toEqual([]);
    expect(read?.hosts.get('site-1')?.chipId).toBe('ab'.repeat(64));
    expect([...(read?.builders.keys() ?? [])]).toEqual(['here', 'snp-1']);
    expect(read?.builders.get('here')).toMatchObject({
      command: join(homedir(), 'cc/cvm_build.sh'),
      directory: '/data/builds',
      source: { line: 6, column: 3 },
    });
    expect(read?.builders.get('here')?.user).toBeUndefined();
    expect(read?.builders.get('snp-1')).toMatchObject({
      ssh: '10.0.0.9',
      user: 'flare',
      port: 22,
      via: 'bastion',
      command: '/opt/cc/cvm_build.sh',
      directory: '~/flaredesk-builds',
    });
    expect(read?.kbs).toMatchObject({
      address: 'https://kbs.example.org',
      port: 8999,
      ca: join(folder, 'certs/kbs-ca.pem'),
      adminKey: join(homedir(), 'kbs/private.key'),
      profile: 'auto',
      vault: { address: 'https://vault.example.org', port: 8200, ca: join(folder, 'certs/kbs-ca.pem') },
    });
  });

  it.each([
    ['builders: { a: { command: /x } }', 'builders.a', 'either "ssh: host" or "local: true"'],
    ['builders: { a: { ssh: b, local: true } }', 'builders.a', 'either "ssh: host" or "local: true"'],
    ['builders: { a: { local: yes, command: build.sh } }', 'builders.a.command', 'an absolute path'],
    ['builders: [a]', 'builders', 'a mapping: name'],
    ['kbs: { adress: https://k }', 'kbs.adress', 'no key "adress"'],
    ['kbs: { address: kbs.example.org }', 'kbs.address', 'https://kbs.example.org:8999'],
    ['kbs: { address: "https://k:99999" }', 'kbs.address', 'https://kbs.example.org:8999'],
    ['kbs: { address: "https://k", profile: v9 }', 'kbs.profile', 'one of auto, v0.14'],
    ['kbs: { address: "https://k", admin_key: a, token_file: b }', 'kbs', 'not both'],
    [
      'kbs: { address: "https://k", vault: vault.example.org }',
      'kbs.vault',
      'https://vault.example.org:8200',
    ],
    ['kbs: { address: "https://k", vault_ca: a }', 'kbs', 'beside a vault'],
    [
      'kbs: { address: "https://k", admin_key: "-----BEGIN PRIVATE KEY-----" }',
      'kbs.admin_key',
      'the key itself does not belong here',
    ],
    ['kbs: { address: "https://k", token_file: eyJhbGci.x.y }', 'kbs.token_file', 'the token itself'],
    ['hosts: { a: { ssh: b, chip_id: abc } }', 'hosts.a.chip_id', 'hex digits'],
  ])('refuses %j', async (text, path, words) => {
    const { desk: read, findings } = await desk(`version: 1\n${text}\n`);
    expect(read).toBeUndefined();
    const found = findings.find((one) => one.path === path);
    expect(found).toMatchObject({ severity: 'error', line: 2 });
    expect(found?.message).toContain(words);
  });
});

it.each([
  ['50MB/s', 50_000_000],
  ['1.5GiB/s', 1_610_612_736],
  ['800Mbit/s', 100_000_000],
  ['10 kB/s', 10_000],
  ['100B/s', 100],
  ['0MB/s', undefined],
  ['fast', undefined],
  ['50MB', undefined],
  ['-1MB/s', undefined],
])('bandwidth %s', (text, bytes) => {
  expect(parseBandwidth(text)).toBe(bytes);
});

describe('a project with desk.yml', () => {
  const sites =
    '- {name: site-1, type: client, org: a}\n- {name: u@x.org, type: admin, org: a, role: lead}\n';

  it('takes its FLARE line unless told otherwise', async () => {
    const files = { 'project.yml': projectWith(sites), 'desk.yml': 'version: 1\nflare: "2.7.2"\n' };
    expect((await load(files)).line).toBe('2.7.2');
    expect((await load(files, { flare: '2.8.1' })).line).toBe('2.8.1');
    expect((await load({ 'project.yml': projectWith(sites) })).line).toBe('2.8.1');
  });

  it('compares hosts and participants', async () => {
    const { findings, project } = await load({
      'project.yml': projectWith(sites),
      'desk.yml': 'version: 1\nhosts:\n  server1: {ssh: a}\n  site1: {ssh: b}\n',
    });
    expect(project).toBeDefined();
    expect(findings).toMatchObject([
      { code: 'participant_without_host', severity: 'info', message: 'No host yet for site-1.' },
      { code: 'host_without_participant', severity: 'warning', line: 4, hint: 'Did you mean "site-1"?' },
    ]);
  });

  it('is not provisioned by guess when desk.yml is broken', async () => {
    const { project, errors } = await load({ 'project.yml': projectWith(sites), 'desk.yml': 'version: [\n' });
    expect(project).toBeUndefined();
    expect(errors).toMatchObject([{ code: 'yaml_syntax' }]);
  });

  it('leaves the desk.yml of another project alone', async () => {
    const folder = await folderWith({
      'other.yml': projectWith(sites),
      'desk.yml': 'version: 1\nflare: "2.7.2"\n',
    });
    const { line, desk: used, findings } = await loadProject({ file: 'other.yml', currentFolder: folder });
    expect({ line, used }).toEqual({ line: '2.8.1', used: undefined });
    expect(findings).toMatchObject([{ code: 'desk_other_project' }]);
  });
});
