/** Seeded faults in a project that is sound otherwise: each is found at its line, with its fix, at once. */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkGuide, dockerArchive, type GuideFiles, guideProject, guideServer, soundSite } from './guide.ts';

type FileName = 'project.yml' | 'cc_server1.yml' | 'cc_site-1.yml';

interface Fault {
  what: string;
  /** Which file is spoilt: the text that is replaced, and what stands there instead. */
  file: FileName;
  from: string;
  to: string;
  code: string;
  severity?: 'warning';
  path: string;
  /** A part of the line the finding points to. */
  line: string;
  /** A part of the fix. */
  fix: string;
  flare?: '2.7.2';
  files?: GuideFiles;
}

const sound: Record<FileName, string> = {
  'project.yml': guideProject,
  'cc_server1.yml': guideServer,
  'cc_site-1.yml': soundSite,
};
const snp = 'nvflare.app_opt.confidential_computing.snp_authorizer.SNPAuthorizer';
const confidential = 'nvflare.app_opt.confidential_computing';
const archive = 'docker_archive: ~/NVFlare/examples/advanced/cc_provision/docker/nvflare-site.tar.gz';
const issuers = soundSite.slice(soundSite.indexOf('cc_issuers:'), soundSite.indexOf('\ncc_attestation'));

const faults: Fault[] = [
  {
    what: 'a cc_config file that is not there',
    file: 'project.yml',
    from: 'cc_config: cc_site-1.yml',
    to: 'cc_config: cc_site1.yml',
    code: 'file_missing',
    path: 'participants[1].cc_config',
    line: 'cc_site1.yml',
    fix: 'looked for',
  },
  {
    what: 'settings written in place of a file',
    file: 'project.yml',
    from: 'cc_config: cc_site-1.yml',
    to: 'cc_config: { compute_env: onprem_cvm }',
    code: 'wrong_type',
    path: 'participants[1].cc_config',
    line: 'cc_config: {',
    fix: 'file of their own',
  },
  {
    what: 'a client without confidential computing',
    file: 'project.yml',
    from: '    cc_config: cc_site-1.yml\n',
    to: '',
    code: 'cc_client_without',
    path: 'participants[1].cc_config',
    line: 'site-1',
    fix: 'cc_config: cc_site-1.yml',
  },
  {
    what: 'no CCBuilder',
    file: 'project.yml',
    from: '  - path: nvflare.lighter.cc_provision.impl.cc.CCBuilder\n',
    to: '',
    code: 'cc_builder_missing',
    path: 'participants[0].cc_config',
    line: 'cc_server1.yml',
    fix: 'before SignatureBuilder',
  },
  {
    what: 'CCBuilder after SignatureBuilder',
    file: 'project.yml',
    from: '  - path: nvflare.lighter.cc_provision.impl.cc.CCBuilder\n  - path: nvflare.lighter.impl.signature.SignatureBuilder\n',
    to: '  - path: nvflare.lighter.impl.signature.SignatureBuilder\n  - path: nvflare.lighter.cc_provision.impl.cc.CCBuilder\n',
    code: 'builder_order',
    path: 'builders[3]',
    line: 'SignatureBuilder',
    fix: '(CCBuilder), SignatureBuilder',
  },
  {
    what: 'a build command that is not there',
    file: 'project.yml',
    from: 'build_image_cmd: ~/',
    to: 'build_image_cmd: /opt/',
    code: 'cc_build_command',
    severity: 'warning',
    path: 'packager.args.build_image_cmd',
    line: 'build_image_cmd',
    fix: 'Looked for /opt/',
  },
  {
    what: 'no packager',
    file: 'project.yml',
    from: guideProject.slice(guideProject.indexOf('packager:')),
    to: '',
    code: 'cc_packager_missing',
    severity: 'warning',
    path: 'participants[0].cc_config',
    line: 'cc_server1.yml',
    fix: 'OnPremPackager',
  },
  {
    what: 'a wrong environment',
    file: 'cc_site-1.yml',
    from: 'onprem_cvm',
    to: 'on_prem_cvm',
    code: 'cc_compute_env',
    path: 'compute_env',
    line: 'compute_env',
    fix: 'Did you mean "onprem_cvm"?',
  },
  {
    what: 'an unknown processor protection',
    file: 'cc_server1.yml',
    from: 'amd_sev_snp',
    to: 'amd_sev',
    code: 'cc_cpu_mechanism',
    path: 'cc_cpu_mechanism',
    line: 'cc_cpu_mechanism',
    fix: 'amd_sev_snp',
  },
  {
    what: 'a role that is not the participant’s',
    file: 'cc_site-1.yml',
    from: 'role: client',
    to: 'role: server',
    code: 'cc_role_mismatch',
    path: 'role',
    line: 'role: server',
    fix: 'role: client',
  },
  {
    what: 'issuers left empty',
    file: 'cc_site-1.yml',
    from: issuers,
    to: 'cc_issuers:\n',
    code: 'cc_config_invalid',
    path: 'cc_issuers',
    line: 'cc_issuers',
    fix: '- id: snp_authorizer',
  },
  {
    what: 'no issuers at all',
    file: 'cc_site-1.yml',
    from: issuers,
    to: 'cc_issuers: []\n',
    code: 'cc_issuers_empty',
    path: 'cc_issuers',
    line: 'cc_issuers',
    fix: 'SNPAuthorizer',
  },
  {
    what: 'a misspelt key that provisioning reads',
    file: 'cc_server1.yml',
    from: 'cc_attestation:',
    to: 'cc_atestation:',
    code: 'unknown_key',
    path: 'cc_atestation',
    line: 'cc_atestation',
    fix: 'cc_attestation',
  },
  {
    what: 'tokens that outlive the check',
    file: 'cc_site-1.yml',
    from: 'token_expiration: 100',
    to: 'token_expiration: 120',
    code: 'cc_token_expiration',
    path: 'cc_issuers[0].token_expiration',
    line: 'token_expiration',
    fix: 'Write 100 or less',
  },
  {
    what: 'a check frequency in words',
    file: 'cc_site-1.yml',
    from: 'check_frequency: 120',
    to: 'check_frequency: 2m',
    code: 'cc_config_invalid',
    path: 'cc_attestation.check_frequency',
    line: 'check_frequency',
    fix: '120',
  },
  {
    what: 'a check frequency under a key nobody reads',
    file: 'cc_site-1.yml',
    from: 'check_frequency: 120',
    to: 'every: 120',
    code: 'unknown_key',
    severity: 'warning',
    path: 'cc_attestation.every',
    line: 'every',
    fix: 'check_frequency',
  },
  {
    what: 'a misspelt issuer class',
    file: 'cc_site-1.yml',
    from: snp,
    to: snp.replace('SNPAuthorizer', 'SNPAuthoriser'),
    code: 'cc_issuer_unknown',
    path: 'cc_issuers[0].path',
    line: 'SNPAuthoriser',
    fix: `Did you mean "${snp}"?`,
  },
  {
    what: 'an argument the issuer does not take',
    file: 'cc_site-1.yml',
    from: 'token_expiration: 100',
    to: 'args: { snpguest: /host/bin/snpguest }',
    code: 'cc_issuer_argument',
    path: 'cc_issuers[0].args.snpguest',
    line: 'snpguest:',
    fix: 'snpguest_binary',
  },
  {
    what: 'a missing argument of the TDX issuer',
    file: 'cc_site-1.yml',
    from: '    token_expiration: 100',
    to: `  - id: tdx\n    path: ${confidential}.tdx_authorizer.TDXAuthorizer\n    args: { config_dir: /tdx }`,
    code: 'cc_issuer_argument',
    path: 'cc_issuers[1].args.tdx_cli_command',
    line: 'config_dir: /tdx',
    fix: 'tdx_cli_command',
  },
  {
    what: 'a GPU issuer whose package the server lacks',
    file: 'cc_site-1.yml',
    from: '    token_expiration: 100',
    to: `  - id: gpu_authorizer\n    path: ${confidential}.gpu_authorizer.GPUAuthorizer`,
    code: 'cc_issuer_packages',
    severity: 'warning',
    path: 'cc_issuers[1].path',
    line: 'GPUAuthorizer',
    fix: 'nv_attestation_sdk',
  },
  {
    what: 'one issuer id for two classes',
    file: 'cc_site-1.yml',
    from: snp,
    to: `${confidential}.gpu_authorizer.GPUAuthorizer`,
    code: 'cc_issuer_conflict',
    path: 'cc_issuers[0].path',
    line: 'GPUAuthorizer',
    fix: 'different ids',
  },
  {
    what: 'a mock issuer in a real environment',
    file: 'cc_site-1.yml',
    from: '    token_expiration: 100',
    to: `  - id: mock\n    path: ${confidential}.mock_authorizer.MockAuthorizer`,
    code: 'cc_issuer_mock',
    severity: 'warning',
    path: 'cc_issuers[1].path',
    line: 'MockAuthorizer',
    fix: 'SNPAuthorizer',
  },
  {
    what: 'a drive size with its unit',
    file: 'cc_server1.yml',
    from: 'root_drive_size: 45',
    to: 'root_drive_size: 45GB',
    code: 'cc_drive_size',
    path: 'root_drive_size',
    line: '45GB',
    fix: 'the number alone',
  },
  {
    what: 'an archive that is not there',
    file: 'cc_site-1.yml',
    from: archive,
    to: 'docker_archive: /nowhere/app.tar.gz',
    code: 'cc_archive_missing',
    severity: 'warning',
    path: 'docker_archive',
    line: 'docker_archive',
    fix: 'docker save',
  },
  {
    what: 'an archive of something else',
    file: 'cc_site-1.yml',
    from: archive,
    to: 'docker_archive: ~/code.tar.gz',
    files: { 'home/code.tar.gz': await dockerArchive('README.md') },
    code: 'cc_archive_invalid',
    path: 'docker_archive',
    line: 'docker_archive',
    fix: 'docker save',
  },
  {
    what: 'user_config as a list',
    file: 'cc_site-1.yml',
    from: 'user_config:\n  nvflare: /tmp/startup_kits',
    to: 'user_config: [/tmp/extra]',
    code: 'cc_user_config',
    path: 'user_config',
    line: 'user_config',
    fix: 'extra:',
  },
  {
    what: 'a server port that is not let in',
    file: 'cc_server1.yml',
    from: '  - 8002\n\nallowed_out_ports',
    to: '  - 8003\n\nallowed_out_ports',
    code: 'cc_port_missing',
    severity: 'warning',
    path: 'allowed_ports',
    line: '- 8003',
    fix: '8003, 8002',
  },
  {
    what: 'no way to the key broker',
    file: 'cc_site-1.yml',
    from: '[443, 8002, 8999]',
    to: '[443, 8002]',
    code: 'cc_out_port_missing',
    severity: 'warning',
    path: 'allowed_out_ports',
    line: 'allowed_out_ports',
    fix: '[443, 8002, 8999]',
  },
  {
    what: 'half of NFS',
    file: 'cc_site-1.yml',
    from: '[443, 8002, 8999]',
    to: '[443, 2049, 8002, 8999]',
    code: 'cc_nfs_port_missing',
    severity: 'warning',
    path: 'allowed_out_ports',
    line: '2049',
    fix: 'Add 111',
  },
  {
    what: 'a name where an address belongs',
    file: 'cc_site-1.yml',
    from: '10.176.200.152',
    to: 'fl.example.org',
    code: 'cc_hosts_invalid',
    path: 'hosts_entries.server1',
    line: 'fl.example.org',
    fix: '10.0.0.5',
  },
  {
    what: 'a server nobody can look up',
    file: 'cc_site-1.yml',
    from: '  server1: 10',
    to: '  sever1: 10',
    code: 'cc_host_unresolved',
    severity: 'warning',
    path: 'hosts_entries',
    line: 'sever1',
    fix: 'meant to be "server1"',
  },
  {
    what: 'an allow-list entry that is a file',
    file: 'cc_site-1.yml',
    from: '  - hello_cyclic.\n',
    to: '  - hello_cyclic/app/custom/trainer.py\n',
    code: 'cc_allow_list_form',
    path: 'class_allow_list[1]',
    line: 'trainer.py',
    fix: 'hello_cyclic.app.custom.trainer.',
  },
  {
    what: 'an allow-list on a line without one',
    file: 'cc_site-1.yml',
    from: 'class_allow_list:',
    to: 'class_allow_list:',
    flare: '2.7.2',
    code: 'cc_allow_list_line',
    severity: 'warning',
    path: 'class_allow_list',
    line: 'hello_cyclic.app',
    fix: '2.8.1',
  },
  {
    what: 'the encrypted workspace on a line without one',
    file: 'project.yml',
    from: 'cc_config: cc_server1.yml',
    to: 'cc_config: cc_server1.yml',
    flare: '2.7.2',
    code: 'cc_workspace_plain',
    severity: 'warning',
    path: 'participants[0].cc_config',
    line: 'cc_server1.yml',
    fix: 'FLARE 2.8',
  },
];

describe('seeded faults', () => {
  const times: number[] = [];
  it.each(faults)('$what', async (fault) => {
    const text = sound[fault.file];
    expect(text).toContain(fault.from);
    const spoilt = text.replace(fault.from, fault.to);
    const { findings, folder, seconds } = await checkGuide(
      { 'cc_site-1.yml': soundSite, [fault.file]: spoilt, ...fault.files },
      fault.flare ? { flare: fault.flare } : {},
    );
    times.push(seconds);
    const found = findings.find(({ code, path }) => code === fault.code && path === fault.path);
    expect(found, JSON.stringify(findings, null, 1)).toMatchObject({
      severity: fault.severity ?? 'error',
      file: join(folder, fault.file),
    });
    expect(spoilt.split('\n')[(found?.line ?? 0) - 1]).toContain(fault.line);
    expect(found?.column).toBeGreaterThan(0);
    expect(found?.hint).toContain(fault.fix);
    // Nothing else is claimed because of it, except what follows from it.
    const others = findings.filter((one) => one.severity !== 'info' && one !== found);
    expect(others.length, JSON.stringify(others, null, 1)).toBeLessThanOrEqual(2);
  });

  afterAll(() => {
    expect(faults.length).toBeGreaterThanOrEqual(30);
    expect(Math.max(...times)).toBeLessThan(2);
  });
});

it('names a key with a dot in it as it is written', async () => {
  const spoilt = soundSite.replace('check_frequency: 120', 'every.two: 120');
  const { findings } = await checkGuide({ 'cc_site-1.yml': spoilt });
  const found = findings.find(({ path }) => path === 'cc_attestation.every.two');
  expect(found).toMatchObject({ code: 'unknown_key' });
  expect(found?.message).toContain('"every.two" is not a key');
});

it('finds all of them at once, each in its file', async () => {
  // A file that is not there, or has no issuers, has no other faults either.
  const hiding = new Set([
    'file_missing',
    'wrong_type',
    'cc_client_without',
    'cc_config_invalid',
    'cc_issuers_empty',
  ]);
  const spoilt = { ...sound };
  for (const { file, from, to, code } of faults)
    if (!hiding.has(code)) spoilt[file] = spoilt[file].replace(from, to);
  const { findings, seconds } = await checkGuide(spoilt);
  expect(seconds).toBeLessThan(2);
  expect(findings.filter(({ severity }) => severity === 'error').length).toBeGreaterThan(10);
  for (const { file, line, hint, severity } of findings) {
    expect(file).toBeTruthy();
    expect(line).toBeGreaterThan(0);
    if (severity !== 'info') expect(hint).toBeTruthy();
  }
});
