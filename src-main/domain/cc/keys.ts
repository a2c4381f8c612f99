/** The keys of a `cc_config` file (docs/reference/provisioning.md §8.1). */

export interface CcKey {
  /** Provisioning reads it; the others are for the image builder alone. */
  provisioning?: true;
  /** Without it the documented image builder cannot make an image. */
  neededForImage?: true;
  about: string;
}

export const ccKeys = {
  compute_env: { provisioning: true, about: 'Where the participant runs' },
  cc_cpu_mechanism: { neededForImage: true, about: 'How the processor protects it' },
  cc_gpu_mechanism: { about: 'How the GPU protects it; read by nothing yet' },
  role: { neededForImage: true, about: 'server or client' },
  root_drive_size: { neededForImage: true, about: 'GB of the encrypted system drive' },
  applog_drive_size: { neededForImage: true, about: 'GB of the log drive' },
  user_config_drive_size: { neededForImage: true, about: 'GB of the drive with the startup kit' },
  user_data_drive_size: { neededForImage: true, about: 'GB of the data drive' },
  docker_archive: { neededForImage: true, about: 'The application image: docker save | gzip' },
  user_config: { provisioning: true, about: 'Files and folders put into the image' },
  allowed_ports: { about: 'Ports that are open to the outside' },
  allowed_out_ports: { about: 'Ports the VM may connect to' },
  hosts_entries: { about: "Names for the VM's own hosts file" },
  cc_issuers: { provisioning: true, about: 'How it proves what it runs on' },
  cc_attestation: { provisioning: true, about: 'How often the sites check each other' },
  class_allow_list: { provisioning: true, about: 'Further classes for jobs without own code' },
  cvm_image_name: { about: 'Read by nothing yet' },
} as const satisfies Record<string, CcKey>;

export const ccKeyNames: readonly string[] = Object.keys(ccKeys);

/** Written so in one place of NVFlare's guide; nothing reads it. */
export const misspeltHostsKey = 'host_entries';
export const hostsKey = 'hosts_entries';

export const driveKeys = [
  'root_drive_size',
  'applog_drive_size',
  'user_config_drive_size',
  'user_data_drive_size',
] as const;
export type DriveKey = (typeof driveKeys)[number];

export const cpuMechanisms = ['amd_sev_snp', 'intel_tdx'] as const;
export const gpuMechanisms = ['nvidia_cc'] as const;
export const ccRoles = ['server', 'client'] as const;

/** Port mapper and NFS: both are needed to mount a remote folder. */
export const nfsPorts = [111, 2049] as const;
/** AMD's key service and NVIDIA's attestation service. */
export const httpsPort = 443;
