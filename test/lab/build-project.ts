/** Parts of a confidential project whose images the test builder (test/lab/cvm-builder) makes. */

export const ccBuilders = [
  'impl.workspace.WorkspaceBuilder',
  'impl.static_file.StaticFileBuilder',
  'impl.cert.CertBuilder',
  'cc_provision.impl.cc.CCBuilder',
  'impl.signature.SignatureBuilder',
].map((path) => ({ path: `nvflare.lighter.${path}` }));

export const onPremPackager = 'nvflare.lighter.cc_provision.impl.onprem_packager.OnPremPackager';

/** The cc_config of a participant beside `server1`; `wishes`: how the test builder behaves. */
export const buildConfig = (role: 'server' | 'client', wishes: Record<string, unknown>) => ({
  compute_env: 'onprem_cvm',
  cc_cpu_mechanism: 'amd_sev_snp',
  role,
  root_drive_size: 1,
  allowed_ports: role === 'server' ? [8002] : [],
  allowed_out_ports: [443, 8002, 8999],
  hosts_entries: { server1: '10.0.0.5' },
  cc_issuers: [
    {
      id: 'snp_authorizer',
      path: 'nvflare.app_opt.confidential_computing.snp_authorizer.SNPAuthorizer',
      token_expiration: 100,
    },
  ],
  cc_attestation: { check_frequency: 120 },
  test_builder: wishes,
});
