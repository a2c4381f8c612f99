/** Every rule for one `cc_config` file, each finding at its line (docs/reference/provisioning.md §8.1). */
import type { Finding } from '../../contract/finding.ts';
import { nearest } from '../project/near-miss.ts';
import { Report } from '../project/report.ts';
import { child, describe, isNull, shorten, textOf, toPlain } from '../project/yaml/node.ts';
import type { YamlNode } from '../project/yaml/node.ts';
import { nodeAt, parseFieldPath } from '../project/yaml/path.ts';
import { type CcConfig, computeEnvironments, readCcConfig } from './cc-config.ts';
import { type CcCheck, type CcFileContext, isImaged } from './cc-file.ts';
import { checkAllowList } from './check-allow-list.ts';
import { checkAttestation } from './check-attestation.ts';
import { checkDrives } from './check-drives.ts';
import { checkNetwork } from './check-network.ts';
import {
  ccKeyNames,
  ccKeys,
  ccRoles,
  cpuMechanisms,
  gpuMechanisms,
  hostsKey,
  misspeltHostsKey,
} from './keys.ts';

export interface CcFileResult {
  /** Missing when something provisioning reads is wrong. */
  config?: CcConfig;
  findings: Finding[];
}

export function checkCcFile(root: YamlNode, context: CcFileContext): CcFileResult {
  const report = new Report();
  const { config, problems } = readCcConfig(toPlain(root));
  for (const { path, message, hint } of problems) {
    const node = nodeAt(root, parseFieldPath(path));
    if (path === 'compute_env') reportEnvironment(node, message, report);
    else
      report.error(node, path, {
        code: 'cc_config_invalid',
        message,
        ...(hint === undefined ? {} : { hint }),
      });
  }
  if (root.kind !== 'mapping') return { findings: report.findings };
  const written = textOf(child(root, 'compute_env'));
  const environment = computeEnvironments.find((one) => one === written);
  const check: CcCheck = { root, report, context, ...(environment ? { environment } : {}) };
  checkKeys(check);
  checkMechanisms(check);
  checkRole(check);
  checkDrives(check);
  checkNetwork(check);
  checkAttestation(check);
  checkAllowList(check);
  return { ...(config ? { config } : {}), findings: report.findings };
}

function reportEnvironment(node: YamlNode, message: string, report: Report): void {
  const meant = nearest(textOf(node) ?? '', computeEnvironments);
  report.error(node, 'compute_env', {
    code: 'cc_compute_env',
    message: `${message} NVFlare would make this site without any protection.`,
    hint: meant ? `Did you mean "${meant}"?` : `Use one of ${computeEnvironments.join(', ')}.`,
  });
}

/** Misspelt, missing and unknown keys. A misspelt key that provisioning reads would silently weaken the site. */
function checkKeys(check: CcCheck): void {
  const { root, report } = check;
  for (const entry of root.entries.values()) {
    const { name, key } = entry;
    if (ccKeyNames.includes(name)) continue;
    if (name === misspeltHostsKey) {
      const both = root.entries.has(hostsKey);
      const problem = {
        code: 'cc_host_entries',
        message: both
          ? `${misspeltHostsKey} and ${hostsKey} are both written; the image builder reads ${hostsKey} only.`
          : `The image builder reads ${hostsKey}, not ${misspeltHostsKey} (a slip in NVFlare's guide); it is taken as ${hostsKey} here.`,
        hint: both ? `Move its entries into ${hostsKey} and remove it.` : `Rename it to ${hostsKey}.`,
      };
      if (both) report.error(key, name, problem);
      else report.warning(key, name, problem);
      continue;
    }
    const meant = nearest(name, ccKeyNames);
    if (meant === undefined) {
      report.info(key, name, {
        code: 'cc_key_unknown',
        message: `"${shorten(name)}" is not a key NVFlare knows; it is handed to the image builder as it is.`,
      });
      continue;
    }
    const problem = {
      code: 'unknown_key',
      message: `"${shorten(name)}" is not a key NVFlare or the image builder knows; it is ignored.`,
      hint: root.entries.has(meant)
        ? `"${meant}" is written here too; remove "${shorten(name)}".`
        : `Did you mean "${meant}"?`,
    };
    if ('provisioning' in ccKeys[meant as keyof typeof ccKeys]) report.error(key, name, problem);
    else report.warning(key, name, problem);
  }
  if (!isImaged(check)) return;
  const missing = Object.entries(ccKeys)
    .filter(([name, one]) => 'neededForImage' in one && isNull(child(root, name) ?? nullNode(root)))
    .map(([name]) => name);
  if (missing.length > 0) {
    report.warning(root, missing[0] ?? '', {
      code: 'cc_key_missing',
      message: `The image builder needs ${missing.join(', ')}, which ${missing.length === 1 ? 'is' : 'are'} not written.`,
      hint: `Example: ${missing.map((name) => `${name}: ${examples[name] ?? ''}`).join(', ')}`,
    });
  }
}

const examples: Record<string, string> = {
  cc_cpu_mechanism: 'amd_sev_snp',
  role: 'client',
  root_drive_size: '45',
  applog_drive_size: '2',
  user_config_drive_size: '1',
  user_data_drive_size: '1',
  docker_archive: 'docker/nvflare-site.tar.gz',
};

const nullNode = (root: YamlNode): YamlNode => ({
  kind: 'scalar',
  type: 'null',
  value: null,
  source: root.source,
  offset: root.offset,
});

function checkChoice(check: CcCheck, key: string, choices: readonly string[]): string | undefined {
  const node = child(check.root, key);
  if (!node || isNull(node)) return undefined;
  const text = textOf(node);
  if (text !== undefined && choices.includes(text)) return text;
  const meant = nearest(text ?? '', choices);
  check.report.error(node, key, {
    code: `cc_${key.replace(/^cc_/, '')}`,
    message: `${key} must be ${choices.join(' or ')}, not ${describe(node)}.`,
    hint: meant ? `Did you mean "${meant}"?` : `Write "${key}: ${choices[0] ?? ''}".`,
  });
  return undefined;
}

function checkMechanisms(check: CcCheck): void {
  const cpu = checkChoice(check, 'cc_cpu_mechanism', cpuMechanisms);
  if (cpu === 'intel_tdx' && isImaged(check)) {
    check.report.warning(child(check.root, 'cc_cpu_mechanism') ?? check.root, 'cc_cpu_mechanism', {
      code: 'cc_tdx_image',
      message: 'The documented image builder makes AMD SEV-SNP images only; none for Intel TDX is known.',
      hint: 'Make sure that your image builder does, or use amd_sev_snp.',
    });
  }
  checkChoice(check, 'cc_gpu_mechanism', gpuMechanisms);
}

function checkRole(check: CcCheck): void {
  const { root, report, context } = check;
  const role = checkChoice(check, 'role', ccRoles);
  if (role === undefined) return;
  const node = child(root, 'role') ?? root;
  const others = context.users.filter((user) => user.type !== role);
  const [other] = others;
  if (!other) return;
  report.error(node, 'role', {
    code: 'cc_role_mismatch',
    message: `role is "${role}", but the file is used by the ${other.type} "${other.name}"; its image would be built for the wrong role.`,
    hint:
      context.users.length > others.length
        ? 'Give the server and the clients a file each.'
        : other.type === 'server' || other.type === 'client'
          ? `Write "role: ${other.type}".`
          : `Remove cc_config from "${other.name}": confidential computing covers the server and the clients.`,
  });
}
