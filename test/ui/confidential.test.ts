import { describe, expect, it } from 'vitest';
import {
  enableAll,
  hasNfs,
  type Issuer,
  portsOf,
  setBuildCommand,
  setPairs,
  setValue,
  switchIssuer,
  withNfs,
} from '../../src-renderer/features/project/cc-model.ts';
import { ccFindingsOf, type Draft, findingsOfStep } from '../../src-renderer/features/project/draft.ts';

const issuer = (name: string, proves: string): Issuer => ({
  path: `lib.${name}`,
  usual_id: name,
  title: name,
  proves,
  environments: ['onprem_cvm'],
  packages: [],
  args: [],
});
const snp = issuer('snp', 'amd_sev_snp');
const gpu = issuer('gpu', 'nvidia_gpu');
const tdx = issuer('tdx', 'intel_tdx');
const file = 'cc:cc_site-1.yml' as const;

const site = (name: string, cc?: string) => ({
  name,
  type: name === 'admin' ? 'admin' : 'client',
  org: 'o',
  properties: {},
  ...(cc ? { cc: { file: cc, own: true } } : {}),
});
const draft = (overrides: object = {}): Draft => ({
  id: 'd',
  revision: 1,
  kind: 'edit',
  label: '/p',
  step: 'confidential',
  files: { project: { text: '', base: '' }, desk: { text: '', base: '' }, cc: [] },
  model: {
    name: 'p',
    description: '',
    flare: '2.8.1',
    participants: [site('site-1', 'cc_site-1.yml'), site('site-2'), site('admin')],
    defaults: {},
    confidential: {
      has_builder: true,
      has_packager: false,
      build_image_cmd: '',
      builders: {},
      kbs: { address: 'https://kbs:9443' },
    },
    ...overrides,
  },
  findings: [
    { severity: 'warning', code: 'a', message: 'a', file: '/p/cc_site-1.yml', line: 1, path: 'role' },
    { severity: 'error', code: 'b', message: 'b', file: '/p/desk.yml', path: 'kbs.address' },
    { severity: 'error', code: 'c', message: 'c', file: '/p/project.yml', path: 'name' },
  ],
  can_undo: false,
  can_redo: false,
});

describe('what a confidential-computing form says, as operations', () => {
  it('writes numbers as numbers, and words as they are for the check to refuse', () => {
    expect(setValue(file, ['root_drive_size'], '45', 'number')).toMatchObject({ op: 'set', value: 45 });
    expect(setValue(file, ['root_drive_size'], '45GB', 'number')).toMatchObject({ value: '45GB' });
    expect(setValue(file, ['role'], '')).toEqual({ op: 'unset', file, path: ['role'] });
    expect(portsOf('443, 8002;x')).toEqual([443, 8002, 'x']);
  });

  it('touches only the pairs that differ, and those it shows', () => {
    const before = { a: '1.1.1.1', b: '2.2.2.2', nvflare: '/kit' };
    expect(setPairs(file, 'user_config', before, 'a 1.1.1.1\nc = 3.3.3.3', ['nvflare'])).toEqual([
      { op: 'set', file, path: ['user_config', 'c'], value: '3.3.3.3' },
      { op: 'unset', file, path: ['user_config', 'b'] },
    ]);
    expect(setPairs(file, 'hosts_entries', { a: '1.1.1.1' }, '')).toEqual([
      { op: 'unset', file, path: ['hosts_entries'] },
    ]);
  });

  it('opens and closes both ports of NFS', () => {
    expect(withNfs([443, 111], true)).toEqual([443, 111, 2049]);
    expect(withNfs([443, 111, 2049], false)).toEqual([443]);
    expect(hasNfs([111])).toBe(false);
  });

  it('adds an issuer whose tokens last shorter than a check, and takes it away', () => {
    const values = { cc_issuers: [{ id: 'x', path: 'lib.snp' }], cc_attestation: { check_frequency: 60 } };
    expect(switchIssuer(file, values, snp, true)).toEqual([]);
    expect(switchIssuer(file, values, gpu, true)).toEqual([
      {
        op: 'set_list',
        file,
        path: ['cc_issuers'],
        value: [
          { id: 'x', path: 'lib.snp' },
          { id: 'gpu', path: 'lib.gpu', token_expiration: 50 },
        ],
      },
    ]);
    expect(switchIssuer(file, values, snp, false)).toEqual([{ op: 'unset', file, path: ['cc_issuers', 0] }]);
  });

  it('switches on the sites that have none, with the port of the key broker', () => {
    const words = { environment: 'onprem_cvm', archive: '/a.tgz', frequency: 60, gpu: true } as const;
    const sites = draft().model?.participants.slice(0, 2) ?? [];
    expect(enableAll(draft(), sites, words, [snp, gpu, tdx])).toEqual([
      {
        op: 'enable_cc',
        name: 'site-2',
        environment: 'onprem_cvm',
        check_frequency: 60,
        issuers: ['lib.snp', 'lib.gpu'],
        docker_archive: '/a.tgz',
        kbs_port: 9443,
      },
    ]);
  });

  it('makes, changes and removes the packager', () => {
    expect(setBuildCommand(draft(), '/b')).toMatchObject([
      { path: ['packager'], value: { args: { build_image_cmd: '/b' } } },
    ]);
    expect(setBuildCommand(draft(), '')).toEqual([]);
  });
});

it('shows a finding at the step it belongs to', () => {
  expect(ccFindingsOf(draft(), 'site-1').map(({ code }) => code)).toEqual(['a']);
  expect(findingsOfStep(draft(), 'confidential').map(({ code }) => code)).toEqual(['a', 'b']);
  expect(findingsOfStep(draft(), 'basics').map(({ code }) => code)).toEqual(['c']);
});
