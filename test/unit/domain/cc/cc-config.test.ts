import { describe, expect, it } from 'vitest';
import { readCcConfig } from '../../../../src-main/domain/cc/cc-config.ts';

const sound = {
  compute_env: 'onprem_cvm',
  cc_issuers: [{ id: 'snp', path: 'a.Snp', token_expiration: 100, args: { tool: '/bin/x' } }],
  cc_attestation: { check_frequency: 120 },
  class_allow_list: ['a.B'],
  role: 'client',
  anything: [1],
};

describe('a confidential-computing file', () => {
  it('is read as provisioning needs it', () => {
    expect(readCcConfig(sound)).toEqual({
      config: {
        computeEnvironment: 'onprem_cvm',
        issuers: [{ id: 'snp', path: 'a.Snp', tokenExpiration: 100, args: { tool: '/bin/x' } }],
        checkFrequency: 120,
        classAllowList: ['a.B'],
      },
      problems: [],
    });
  });

  it('has defaults for what is not written', () => {
    expect(
      readCcConfig({ compute_env: 'mock', cc_attestation: { failure_action: 'stop_job' } }).config,
    ).toEqual({
      computeEnvironment: 'mock',
      issuers: [],
      checkFrequency: 600,
      classAllowList: [],
    });
    expect(readCcConfig({ compute_env: 'mock' }).config?.checkFrequency).toBeUndefined();
  });

  it.each<[unknown, string[]]>([
    [undefined, ['']],
    ['text', ['']],
    [[sound], ['']],
    [{}, ['compute_env']],
    [{ ...sound, compute_env: 'onprem' }, ['compute_env']],
    [{ ...sound, cc_issuers: null }, ['cc_issuers']],
    [{ ...sound, cc_issuers: { id: 'x' } }, ['cc_issuers']],
    [{ ...sound, cc_issuers: ['x'] }, ['cc_issuers[0]']],
    [
      { ...sound, cc_issuers: [{ id: '../x', path: 'a.B' }, { path: 'a.B' }] },
      ['cc_issuers[0].id', 'cc_issuers[1].id'],
    ],
    [{ ...sound, cc_issuers: [{ id: 'x' }] }, ['cc_issuers[0].path']],
    [{ ...sound, cc_issuers: [{ id: 'x', path: 'a.B', args: [] }] }, ['cc_issuers[0].args']],
    [
      { ...sound, cc_issuers: [{ id: 'x', path: 'a.B', token_expiration: '1' }] },
      ['cc_issuers[0].token_expiration'],
    ],
    [{ ...sound, cc_attestation: 5 }, ['cc_attestation']],
    [{ ...sound, cc_attestation: { check_frequency: 'often' } }, ['cc_attestation.check_frequency']],
    [{ ...sound, cc_attestation: { check_frequency: 0 } }, ['cc_attestation.check_frequency']],
    [{ ...sound, class_allow_list: 'a.B' }, ['class_allow_list']],
    [{ ...sound, class_allow_list: ['a.B', ''] }, ['class_allow_list']],
    [
      { compute_env: 5, cc_issuers: null, cc_attestation: [] },
      ['compute_env', 'cc_issuers', 'cc_attestation'],
    ],
  ])('that is wrong is no configuration: %j', (document, paths) => {
    const { config, problems } = readCcConfig(document);
    expect(config).toBeUndefined();
    expect(problems.map(({ path }) => path)).toEqual(paths);
    for (const { message } of problems) expect(message).not.toContain('undefined');
  });
});
