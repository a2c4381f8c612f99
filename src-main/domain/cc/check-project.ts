/** Rules between the confidential-computing files of one project, and for its packager (§8.2, §8.3). */
import type { Finding } from '../../contract/finding.ts';
import { builderPaths } from '../project/builder-rules.ts';
import type { BuilderSpec, FlareLine } from '../project/model.ts';
import type { PlacedParticipant } from '../project/participant.ts';
import { Report } from '../project/report.ts';
import { child, isTruthy, shorten, textOf, toPlain } from '../project/yaml/node.ts';
import type { YamlMapping, YamlNode } from '../project/yaml/node.ts';
import type { CcConfig } from './cc-config.ts';
import { issuerClassOf } from './issuers.ts';
import { hostsKey, misspeltHostsKey } from './keys.ts';

/** A participant's file as read; `config` is missing when the file has errors of its own. */
export interface ReadCcFile {
  root: YamlNode;
  config?: CcConfig;
}

/** The image build command on this machine. */
export interface BuildCommand {
  path: string;
  state: 'ready' | 'missing' | 'not_executable' | 'not_a_file';
}

export interface CcProjectInput {
  root: YamlMapping;
  line: FlareLine;
  placed: readonly PlacedParticipant[];
  packager?: BuilderSpec;
  /** By participant name. */
  files: ReadonlyMap<string, ReadCcFile>;
  /** Every machine that builds has a command of its own in desk.yml. */
  hasBuilderCommands: boolean;
  /** Missing when no image is built on this machine. */
  command?: BuildCommand;
}

export function checkCcProject(input: CcProjectInput): Finding[] {
  const report = new Report();
  const protectedOnes = input.placed.filter(({ node }) => isTruthy(child(node, 'cc_config')));
  checkPackager(input, protectedOnes, report);
  if (protectedOnes.length === 0) return report.findings;
  checkCoverage(input, protectedOnes, report);
  checkIssuers(input, protectedOnes, report);
  checkHosts(input, protectedOnes, report);
  if (input.line === '2.7.2') warnAboutWorkspace(protectedOnes, report);
  return report.findings;
}

const isSite = ({ participant: { type } }: PlacedParticipant): boolean =>
  type === 'server' || type === 'client';

/** One site without evidence ends the run of all (docs/reference/confidential-computing.md §0 fact 7). */
function checkCoverage(input: CcProjectInput, protectedOnes: PlacedParticipant[], report: Report): void {
  const environments = protectedOnes.map(
    ({ participant }) => input.files.get(participant.name)?.config?.computeEnvironment,
  );
  const isRehearsal = environments.every((one) => one === 'mock');
  for (const one of input.placed.filter(isSite)) {
    if (protectedOnes.includes(one)) continue;
    const { name, type } = one.participant;
    const problem = {
      code: 'cc_client_without',
      message: `${one.path}: the ${type} "${name}" has no cc_config beside confidential participants; NVFlare stops the whole federation over it.`,
      hint: `Add "cc_config: cc_${name}.yml", or remove cc_config from all.`,
    };
    const node = child(one.node, 'name') ?? one.node;
    if (isRehearsal) report.warning(node, `${one.path}.cc_config`, problem);
    else report.error(node, `${one.path}.cc_config`, problem);
  }
  for (const one of protectedOnes) {
    const node = child(one.node, 'cc_config') ?? one.node;
    const { name, type } = one.participant;
    if (!isSite(one)) {
      report.warning(node, `${one.path}.cc_config`, {
        code: 'cc_not_a_site',
        message: `${one.path}: confidential computing covers the server and the clients; for the ${type} "${name}" it only changes its policy.`,
        hint: 'Remove cc_config here.',
      });
    }
    if (!isRehearsal && input.files.get(name)?.config?.computeEnvironment === 'mock') {
      report.warning(node, `${one.path}.cc_config`, {
        code: 'cc_mock_among_real',
        message: `${one.path}: "${name}" is a mock among protected sites; it proves nothing.`,
        hint: 'Set compute_env in its file, or rehearse with every site on mock.',
      });
    }
  }
}

interface PlacedIssuer {
  site: string;
  path: string;
  args: string;
  node: YamlNode;
  at: string;
}

/** Every site verifies every other, so each issuer lands in every kit (§8.2). */
function checkIssuers(input: CcProjectInput, protectedOnes: PlacedParticipant[], report: Report): void {
  const byId = new Map<string, PlacedIssuer>();
  const told = new Set<string>();
  const read = new Set<YamlNode>();
  for (const { participant } of protectedOnes) {
    const { root } = input.files.get(participant.name) ?? {};
    const list = child(root, 'cc_issuers');
    // A file that several participants share says the same for each.
    if (!root || read.has(root) || list?.kind !== 'sequence') continue;
    read.add(root);
    list.items.forEach((node, index) => {
      const id = textOf(child(node, 'id'));
      const path = textOf(child(node, 'path'));
      if (id === undefined || path === undefined) return;
      const at = `cc_issuers[${index}]`;
      const written = child(node, 'args');
      const args = isTruthy(written) ? JSON.stringify(sorted(toPlain(written))) : '{}';
      const issuer: PlacedIssuer = { site: participant.name, path, args, node, at };
      compare(byId.get(id), issuer, id, report);
      byId.set(id, issuer);
      tellPackages(input, protectedOnes, issuer, told, report);
    });
  }
}

function compare(earlier: PlacedIssuer | undefined, issuer: PlacedIssuer, id: string, report: Report): void {
  if (!earlier) return;
  if (earlier.path !== issuer.path) {
    report.error(child(issuer.node, 'path') ?? issuer.node, `${issuer.at}.path`, {
      code: 'cc_issuer_conflict',
      message: `${issuer.at}: "${shorten(id)}" is another class at "${earlier.site}"; every site would use this one for both.`,
      hint: 'Give the two issuers different ids.',
    });
  } else if (earlier.args !== issuer.args) {
    report.warning(child(issuer.node, 'args') ?? issuer.node, `${issuer.at}.args`, {
      code: 'cc_issuer_args_differ',
      message: `${issuer.at}: "${shorten(id)}" has other arguments at "${earlier.site}"; those of the last participant apply everywhere.`,
      hint: 'Write the same arguments at every site, or give the issuers different ids.',
    });
  }
}

function tellPackages(
  input: CcProjectInput,
  protectedOnes: PlacedParticipant[],
  issuer: PlacedIssuer,
  told: Set<string>,
  report: Report,
): void {
  const packages = issuerClassOf(issuer.path)?.packages ?? [];
  if (packages.length === 0 || told.has(issuer.path)) return;
  told.add(issuer.path);
  const without = protectedOnes
    .filter(isSite)
    .map(({ participant }) => participant.name)
    .filter((name) => !input.files.get(name)?.config?.issuers.some(({ path }) => path === issuer.path));
  if (without.length === 0) return;
  const shown =
    without.length > 5
      ? `${without.slice(0, 5).join(', ')} and ${without.length - 5} more`
      : without.join(', ');
  report.warning(child(issuer.node, 'path') ?? issuer.node, `${issuer.at}.path`, {
    code: 'cc_issuer_packages',
    message: `${issuer.at}: every site checks this evidence, so the images of ${shown} need ${packages.join(' and ')} too.`,
    hint: `Put ${packages.join(' and ')} into the requirements of every site's application image.`,
  });
}

/** Key order says nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** One name with two addresses is a slip at one of the sites. */
function checkHosts(input: CcProjectInput, protectedOnes: PlacedParticipant[], report: Report): void {
  const known = new Map<string, { address: string; site: string }>();
  const read = new Set<YamlNode>();
  for (const { participant } of protectedOnes) {
    const { root } = input.files.get(participant.name) ?? {};
    if (!root || read.has(root)) continue;
    read.add(root);
    for (const key of [hostsKey, misspeltHostsKey]) {
      const hosts = child(root, key);
      if (hosts?.kind !== 'mapping') continue;
      for (const { name, value } of hosts.entries.values()) {
        const address = textOf(value);
        if (address === undefined) continue;
        const earlier = known.get(name);
        if (!earlier) known.set(name, { address, site: participant.name });
        else if (earlier.address !== address) {
          report.warning(value, `${key}.${name}`, {
            code: 'cc_hosts_differ',
            message: `${key}.${name} is ${shorten(address)} here and ${earlier.address} at "${earlier.site}".`,
            hint: 'Correct one of the two, unless the sites really see different addresses.',
          });
        }
      }
    }
  }
}

/** Since 2.8 a kit on the unencrypted drive is copied to the encrypted one and run there (§3.2). */
function warnAboutWorkspace(protectedOnes: PlacedParticipant[], report: Report): void {
  const [first] = protectedOnes;
  if (!first) return;
  report.warning(child(first.node, 'cc_config') ?? first.node, `${first.path}.cc_config`, {
    code: 'cc_workspace_plain',
    message:
      'FLARE 2.7 has no encrypted workspace: what jobs write beside the kit lies on a drive the owner of the host can read.',
    hint: 'Use FLARE 2.8 (flare: "2.8.1" in desk.yml and in the application image).',
  });
}

function checkPackager(input: CcProjectInput, protectedOnes: PlacedParticipant[], report: Report): void {
  const { packager, root } = input;
  if (packager?.path !== builderPaths.onPremPackager) {
    if (packager === undefined) tellNoPackager(input, protectedOnes, report);
    return;
  }
  const node = child(root, 'packager') ?? root;
  const args = child(node, 'args');
  if (protectedOnes.length === 0) {
    report.warning(node, 'packager', {
      code: 'cc_packager_idle',
      message: 'packager has nothing to do: no participant has a cc_config.',
      hint: 'Add cc_config to the server and the clients, or remove packager.',
    });
  }
  const key = textOf(child(args, 'cc_config_key'));
  if (key !== undefined && key !== 'cc_config') {
    report.warning(child(args, 'cc_config_key') ?? node, 'packager.args.cc_config_key', {
      code: 'cc_packager_key',
      message: `packager.args.cc_config_key is "${shorten(key)}", but participants say cc_config; no image would be built.`,
      hint: 'Remove cc_config_key.',
    });
  }
  checkCommand(input, node, args, report);
}

/** Kits without images: they run nowhere, for a VM takes its kit from its own image. */
function tellNoPackager(input: CcProjectInput, protectedOnes: PlacedParticipant[], report: Report): void {
  const imaged = protectedOnes.find(
    ({ participant }) => input.files.get(participant.name)?.config?.computeEnvironment === 'onprem_cvm',
  );
  if (!imaged || input.hasBuilderCommands) return;
  report.warning(child(imaged.node, 'cc_config') ?? imaged.node, `${imaged.path}.cc_config`, {
    code: 'cc_packager_missing',
    message:
      'The project has no packager, and desk.yml names no image builder with a command: no image can be built.',
    hint: `Add "packager: { path: ${builderPaths.onPremPackager}, args: { build_image_cmd: /opt/cc/image_builder/cvm_build.sh } }".`,
  });
}

function checkCommand(
  input: CcProjectInput,
  node: YamlNode,
  args: YamlNode | undefined,
  report: Report,
): void {
  const at = 'packager.args.build_image_cmd';
  const place = child(args, 'build_image_cmd') ?? node;
  const written = textOf(child(args, 'build_image_cmd'));
  if (!written) {
    if (input.hasBuilderCommands) return;
    report.warning(place, at, {
      code: 'cc_build_command_missing',
      message: 'packager has no build_image_cmd, and desk.yml names no image builder with a command.',
      hint: 'Write its full path: args: { build_image_cmd: /opt/cc/image_builder/cvm_build.sh }',
    });
    return;
  }
  if (written.startsWith('~/')) {
    report.info(place, at, {
      code: 'cc_path_home',
      message: `${at}: "~" is written out here; nvflare provision does not find this command.`,
    });
  } else if (!written.startsWith('/')) {
    report.warning(place, at, {
      code: 'cc_path_relative',
      message: `${at}: a relative path counts from the folder of project.yml here; nvflare provision looks in the system's temporary folder.`,
      hint: 'Write the full path.',
    });
  }
  const { command } = input;
  if (!command || command.state === 'ready') return;
  const problem = {
    missing: 'does not exist',
    not_executable: 'may not be executed by this user',
    not_a_file: 'is not a file',
  }[command.state];
  report.warning(place, at, {
    code: 'cc_build_command',
    message: `${at}: ${shorten(written, 200)} ${problem} on this machine; no image can be built here.`,
    hint:
      command.state === 'not_executable'
        ? `Run: chmod +x ${command.path}`
        : `Looked for ${command.path}. Builders on other machines belong into desk.yml ("builders").`,
  });
}
