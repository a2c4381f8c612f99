/** A `cc_config` file of the project, with positions (docs/reference/provisioning.md §8.1). */
import type { Finding } from '../../contract/finding.ts';
import { readCcConfig } from '../cc/cc-config.ts';
import { Report } from './report.ts';
import { child, textOf, toPlain } from './yaml/node.ts';
import type { YamlNode } from './yaml/node.ts';
import { nodeAt, parseFieldPath } from './yaml/path.ts';

const ccKeys = [
  'compute_env',
  'cc_issuers',
  'cc_attestation',
  'class_allow_list',
  'user_config',
  'cc_cpu_mechanism',
  'cc_gpu_mechanism',
  'role',
  'root_drive_size',
  'applog_drive_size',
  'user_config_drive_size',
  'user_data_drive_size',
  'docker_archive',
  'allowed_ports',
  'allowed_out_ports',
  'hosts_entries',
  'cvm_image_name',
];

/** `types` = the types of the participants that use the file. */
export function checkCcFile(root: YamlNode, types: ReadonlySet<string>): Finding[] {
  const report = new Report();
  for (const { path, message, hint } of readCcConfig(toPlain(root)).problems) {
    const code = path === 'compute_env' ? 'cc_compute_env' : 'cc_config_invalid';
    report.error(nodeAt(root, parseFieldPath(path)), path, {
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  if (root.kind !== 'mapping') return report.findings;
  report.nearMisses(root, '', ccKeys);
  const role = child(root, 'role');
  const written = textOf(role);
  if (role && written !== undefined && types.size > 0 && !types.has(written)) {
    report.warning(role, 'role', {
      code: 'cc_role_mismatch',
      message: `role is "${written}", but the file is used by a ${[...types].join(' and a ')}.`,
      hint: 'The image builder goes by this role.',
    });
  }
  return report.findings;
}
