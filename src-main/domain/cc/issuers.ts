/**
 * The attesters NVFlare 2.7 and 2.8 have, with their arguments (docs/reference/provisioning.md §8.1,
 * docs/reference/confidential-computing.md §1.3).
 */
import type { ComputeEnvironment } from './cc-config.ts';

export type IssuerArgumentKind = 'text' | 'count' | 'seconds';

export interface IssuerArgument {
  kind: IssuerArgumentKind;
  required?: boolean;
  /** What applies when it is not written; missing = nothing. */
  fallback?: string | number;
  /** Other values do not work. */
  choices?: readonly string[];
  about: string;
}

/** What an issuer proves. */
export type IssuerSubject = 'amd_sev_snp' | 'intel_tdx' | 'azure' | 'nvidia_gpu' | 'nothing';

export interface IssuerClass {
  /** Full Python class. */
  path: string;
  /** Id that NVFlare's examples give it. */
  usualId: string;
  title: string;
  /** Name of its tokens at run time. */
  namespace: string;
  proves: IssuerSubject;
  environments: readonly ComputeEnvironment[];
  args: Readonly<Record<string, IssuerArgument>>;
  /** Python packages every site's image needs to load this class. */
  packages: readonly string[];
  /** What a person should know before choosing it. */
  remark?: string;
}

const home = 'nvflare.app_opt.confidential_computing.';

const maaEndpoint: IssuerArgument = {
  kind: 'text',
  fallback: 'sharedeus2.eus2.attest.azure.net',
  about: 'Host of the Microsoft Azure Attestation service',
};
const nonceHistory: IssuerArgument = {
  kind: 'count',
  fallback: 1000,
  about: 'Nonces kept to notice a replay',
};

export const issuerClasses: readonly IssuerClass[] = [
  {
    path: `${home}snp_authorizer.SNPAuthorizer`,
    usualId: 'snp_authorizer',
    title: 'AMD SEV-SNP',
    namespace: 'x-snp',
    proves: 'amd_sev_snp',
    environments: ['onprem_cvm'],
    args: {
      snpguest_binary: {
        kind: 'text',
        fallback: 'snpguest',
        about: 'Path of snpguest inside the VM',
      },
      cpu_model: {
        kind: 'text',
        fallback: 'milan',
        choices: ['milan', 'genoa', 'bergamo', 'siena', 'turin'],
        about: 'Processor family whose certificates are fetched',
      },
      amd_certs_dir: { kind: 'text', fallback: '/opt/certs', about: 'Folder for AMD certificates' },
      max_nonce_history: nonceHistory,
      max_retries: { kind: 'count', fallback: 5, about: 'Attempts of one snpguest command' },
      retry_interval: { kind: 'seconds', fallback: 10, about: 'Pause before the next attempt' },
      cmd_timeout: { kind: 'seconds', fallback: 60, about: 'Time one snpguest command may take' },
    },
    packages: [],
    remark:
      'It proves a genuine SEV-SNP guest, not which image runs in it; the key broker decides that when the VM starts.',
  },
  {
    path: `${home}gpu_authorizer.GPUAuthorizer`,
    usualId: 'gpu_authorizer',
    title: 'NVIDIA GPU',
    namespace: 'x-nv-gpu',
    proves: 'nvidia_gpu',
    environments: ['onprem_cvm'],
    args: {
      verifier_url: {
        kind: 'text',
        fallback: 'https://nras.attestation.nvidia.com/v4/attest/gpu',
        about: 'NVIDIA Remote Attestation Service',
      },
      policy_file: { kind: 'text', about: 'Attestation policy inside the VM; built in when missing' },
      max_nonce_history: nonceHistory,
    },
    packages: ['nv_attestation_sdk', 'PyJWT'],
    remark: 'NVIDIA ends support of nv_attestation_sdk; plan for its successor.',
  },
  {
    path: `${home}tdx_authorizer.TDXAuthorizer`,
    usualId: 'tdx_authorizer',
    title: 'Intel TDX',
    namespace: 'x-tdx',
    proves: 'intel_tdx',
    environments: ['onprem_cvm'],
    args: {
      tdx_cli_command: { kind: 'text', required: true, about: 'Path of the trust authority client' },
      config_dir: { kind: 'text', required: true, about: 'Folder of its configuration and tokens' },
    },
    packages: ['PyJWT'],
    remark: 'The documented image builder makes AMD SEV-SNP images only.',
  },
  {
    path: `${home}az_cvm_authorizer.AZCVMAuthorizer`,
    usualId: 'az_cvm_authorizer',
    title: 'Azure confidential VM',
    namespace: 'x-az-cvm',
    proves: 'azure',
    environments: ['azure_cvm'],
    args: {
      attester_binary: { kind: 'text', fallback: 'AttestationClient', about: 'Azure attestation client' },
      maa_endpoint: maaEndpoint,
    },
    packages: ['PyJWT'],
  },
  {
    path: `${home}aci_authorizer.ACIAuthorizer`,
    usualId: 'aci_authorizer',
    title: 'Azure confidential container',
    namespace: 'x-az-aci',
    proves: 'azure',
    environments: ['azure_confidential_container'],
    args: {
      maa_endpoint: maaEndpoint,
      retry_count: { kind: 'count', fallback: 5, about: 'Attempts of one request' },
      retry_sleep: { kind: 'seconds', fallback: 2, about: 'Pause before the next attempt' },
    },
    packages: ['PyJWT', 'requests'],
  },
  {
    path: `${home}mock_authorizer.MockAuthorizer`,
    usualId: 'mock_authorizer',
    title: 'Mock (proves nothing)',
    namespace: 'x-mock',
    proves: 'nothing',
    environments: ['mock'],
    args: {},
    packages: [],
    remark: 'Every site sends the same token, and it is always accepted: for rehearsals only.',
  },
];

export function issuerClassOf(path: string): IssuerClass | undefined {
  return issuerClasses.find((one) => one.path === path);
}
