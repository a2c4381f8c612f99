import type { FlareVersion } from '../../lab/nvflare.ts';
import type { Random } from './random.ts';

const authorizers = 'nvflare.app_opt.confidential_computing';

/**
 * A confidential-computing file of one participant (docs/reference/provisioning.md §8.1). In a rehearsal nothing is protected, and
 * sites without issuers are taken too.
 */
export function ccConfigFile(
  random: Random,
  line: FlareVersion,
  role: 'server' | 'client',
  isRehearsal: boolean,
): Record<string, unknown> {
  const issuers = [
    {
      id: 'snp_authorizer',
      path: `${authorizers}.snp_authorizer.SNPAuthorizer`,
      ...random.maybe(0.5, () => ({ args: { cpu_model: 'milan', max_retries: random.int(1, 9) } })),
    },
    { id: 'gpu_authorizer', path: `${authorizers}.gpu_authorizer.GPUAuthorizer` },
    { id: 'mock_authorizer', path: `${authorizers}.mock_authorizer.MockAuthorizer`, args: {} },
  ]
    .filter((_, index) => (index === 0 && !isRehearsal) || random.chance(0.6))
    .map((issuer) => ({
      ...issuer,
      ...random.maybe(0.7, () => ({ token_expiration: random.int(5, 29) })),
    }));
  return {
    compute_env: isRehearsal
      ? 'mock'
      : random.pick(['onprem_cvm', 'mock', 'azure_cvm', 'azure_confidential_container']),
    cc_cpu_mechanism: 'amd_sev_snp',
    role,
    root_drive_size: 45,
    applog_drive_size: 1,
    user_config_drive_size: 1,
    user_data_drive_size: 1,
    docker_archive: '/tmp/image.tar.gz',
    ...random.maybe(0.5, () => ({ user_config: { extra: '/tmp/extra' } })),
    ...random.maybe(0.5, () => ({ allowed_ports: [8002], allowed_out_ports: [443, 8999] })),
    ...random.maybe(0.4, () => ({ hosts_entries: { 'fl.example.com': '10.1.2.3' } })),
    ...random.maybe(isRehearsal ? 0.9 : 1, () => ({ cc_issuers: issuers })),
    ...random.maybe(0.6, () => ({
      cc_attestation: {
        ...random.maybe(0.7, () => ({ check_frequency: random.int(30, 90) })),
        failure_action: 'stop_system',
      },
    })),
    ...(line === '2.8.1'
      ? random.maybe(0.4, () => ({ class_allow_list: ['my.package.Class', 'nvflare.app_common.', 'other.'] }))
      : {}),
  };
}
