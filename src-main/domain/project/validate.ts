/** `project.yml` as read -> Project, with every problem found in one run (docs/reference/provisioning.md §2). */
import type { Finding } from '../../contract/finding.ts';
import { builderPaths } from './builder-rules.ts';
import { readBuilders, readPackager } from './builders.ts';
import { projectKeys } from './keys.ts';
import type { BuilderSpec, FlareLine, ParticipantType, Project } from './model.ts';
import { longestProjectName, projectNamePattern } from './names.ts';
import { readConnectTo, readListeningHost } from './network.ts';
import { readFile } from './file-reference.ts';
import type { FileLookup } from './file-reference.ts';
import { readParticipant } from './participant.ts';
import type { Fallbacks, PlacedParticipant } from './participant.ts';
import { checkRelations } from './relations.ts';
import { Report } from './report.ts';
import { readStudies } from './studies.ts';
import { readConnectionSecurity, readFlag, readHostName, readHostNames } from './values.ts';
import { child, describe, isTruthy, shorten, textOf } from './yaml/node.ts';
import type { YamlMapping, YamlNode } from './yaml/node.ts';

/** A participant of a `--add-client` or `--add-user` file. */
export interface AddedParticipant {
  type: Extract<ParticipantType, 'client' | 'admin'>;
  /** Path of the file as a person wrote it; it starts the field path of its findings. */
  label: string;
  root: YamlNode;
}

export interface ProjectInput {
  /** Absolute path of `project.yml`. */
  file: string;
  line: FlareLine;
  root: YamlNode;
  /** Users first, then clients: the order NVFlare appends them in. */
  added: AddedParticipant[];
  files: FileLookup;
}

export interface ProjectResult {
  /** Missing when any finding is an error. */
  project?: Project;
  /** How many participants are written, sound or not. */
  participantCount: number;
  /** Every participant with a name and a type, sound or not, for checks that need more files. */
  placed: PlacedParticipant[];
  packager?: BuilderSpec;
  findings: Finding[];
}

export function validateProject(input: ProjectInput): ProjectResult {
  const report = new Report();
  const { root, line } = input;
  if (root.kind !== 'mapping') {
    report.wrongType(root, '', 'a mapping');
    report.findings.length = 0;
    report.error(root, '', {
      code: 'wrong_type',
      message: `A project file holds "key: value" entries, not ${describe(root)}.`,
      hint: 'Start from `flaredesk project new`.',
    });
    return { findings: report.findings, participantCount: 0, placed: [] };
  }
  report.nearMisses(root, '', projectKeys);
  refuseEdge(root, line, report);
  const apiVersion = readApiVersion(root, line, report);
  const name = readProjectName(root, report);
  const fallbacks = readFallbacks(root, input.files, report);
  const { placed, list, complete } = readParticipants(input, root, fallbacks, report);
  if (list) checkRelations(placed, list, complete, report);
  const participantCount = (list?.kind === 'sequence' ? list.items.length : 0) + input.added.length;
  const participants = placed.map((one) => one.participant);
  const builders = readBuilders(root, line, report);
  const packager = readPackager(root, line, report);
  checkConfidential(placed, builders, report);
  const studies = readStudies(root, line, apiVersion, participants, report);
  const findings = report.findings;
  if (findings.some((one) => one.severity === 'error') || name === undefined || apiVersion === undefined)
    return { findings, participantCount, placed, packager };
  return {
    findings,
    participantCount,
    placed,
    packager,
    project: {
      file: input.file,
      apiVersion,
      name,
      description: textOf(child(root, 'description')) ?? '',
      line,
      participants,
      builders,
      packager,
      studies,
    },
  };
}

/** Every path written where a file must be, so that the caller can look before `validateProject` asks. */
export function referencedFiles(roots: readonly YamlNode[]): Set<string> {
  const written = new Set<string>();
  const take = (node: YamlNode): void => {
    for (const key of ['custom_ca_cert', 'cc_config']) {
      const path = textOf(child(node, key));
      if (path) written.add(path);
    }
  };
  for (const root of roots) {
    take(root);
    const participants = child(root, 'participants');
    if (participants?.kind === 'sequence') for (const item of participants.items) take(item);
  }
  return written;
}

/** The project file first, line by line; then the files it names. */
export function sortFindings(findings: readonly Finding[], file: string): Finding[] {
  const rank = (one: Finding): number => (one.file === file ? 0 : 1);
  return findings.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.file ?? '').localeCompare(b.file ?? '') ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}

function refuseEdge(root: YamlMapping, line: FlareLine, report: Report): void {
  const entry = root.entries.get('edge');
  if (!entry || !isTruthy(entry.value)) return;
  report.error(entry.key, 'edge', {
    code: 'edge_unsupported',
    message: '"edge:" makes a test tree of generated sites; this product does not build those.',
    hint: `Provision this project with NVFlare's own tool: nvflare provision -p project.yml (nvflare ${line}).`,
  });
}

function readApiVersion(root: YamlMapping, line: FlareLine, report: Report): 3 | 4 | undefined {
  const node = child(root, 'api_version');
  const allowed = line === '2.7.2' ? '3' : '3, or 4 with studies';
  const hint = 'Write "api_version: 3" (a number, no quotes).';
  if (!node) {
    report.error(root, 'api_version', {
      code: 'missing_key',
      message: 'The project has no api_version.',
      hint,
    });
    return undefined;
  }
  const value =
    node.kind === 'scalar' && (node.type === 'int' || node.type === 'float') ? node.value : undefined;
  if (value === 3 || (value === 4 && line === '2.8.1')) return value;
  report.error(node, 'api_version', {
    code: 'api_version_invalid',
    message: `api_version of FLARE ${line} is ${allowed}, not ${describe(node)}.`,
    hint: value === 4 ? 'api_version 4 needs FLARE 2.8.' : hint,
  });
  return undefined;
}

function readProjectName(root: YamlMapping, report: Report): string | undefined {
  const node = child(root, 'name');
  if (!isTruthy(node)) {
    report.error(node ?? root, 'name', {
      code: 'missing_key',
      message: node ? 'name is empty.' : 'The project has no name.',
      hint: 'The name is the folder of the kits and the name of the root certificate.',
    });
    return undefined;
  }
  const text = textOf(node);
  if (text === undefined) {
    report.wrongType(node, 'name', 'text', node.kind === 'scalar' ? 'Put it in quotes.' : undefined);
    return undefined;
  }
  if (!projectNamePattern.test(text)) {
    report.error(node, 'name', {
      code: 'project_name_invalid',
      message: `name: "${shorten(text)}" cannot be a project name.`,
      hint: 'It is a folder and a certificate name: letters, digits, dots, blanks, hyphens and underscores; the first a letter or digit.',
    });
    return undefined;
  }
  if (text.length <= longestProjectName) return text;
  report.warning(node, 'name', {
    code: 'name_cut',
    message: `name has ${text.length} characters and is cut to ${longestProjectName}: "${text.slice(0, longestProjectName)}".`,
    hint: 'Choose a shorter name.',
  });
  return text.slice(0, longestProjectName);
}

/** Project-level values. NVFlare also checks keys here that only participants use. */
function readFallbacks(root: YamlMapping, files: FileLookup, report: Report): Fallbacks {
  const get = <Value>(key: string, read: (value: YamlNode) => Value): Value | undefined => {
    const value = child(root, key);
    return value === undefined ? undefined : read(value);
  };
  get('host_names', (value) => readHostNames(value, 'host_names', report));
  get('default_host', (value) => readHostName(value, 'default_host', report));
  get('connect_to', (value) => readConnectTo(value, 'connect_to', report));
  get('listening_host', (value) => readListeningHost(value, 'listening_host', '', report));
  get('role', (value) => {
    if (!textOf(value)) report.wrongType(value, 'role', 'text');
  });
  return {
    connectionSecurity: get('connection_security', (value) =>
      readConnectionSecurity(value, 'connection_security', report),
    ),
    customCaCert: get('custom_ca_cert', (value) => readFile(value, 'custom_ca_cert', { files, report })),
    allowErrorSending: get('allow_error_sending', (value) => readFlag(value, 'allow_error_sending', report)),
    allowLogStreaming: get('allow_log_streaming', (value) => readFlag(value, 'allow_log_streaming', report)),
  };
}

function readParticipants(
  input: ProjectInput,
  root: YamlMapping,
  fallbacks: Fallbacks,
  report: Report,
): { placed: PlacedParticipant[]; list: YamlNode | undefined; complete: boolean } {
  const list = child(root, 'participants');
  const context = { line: input.line, fallbacks, files: input.files, report };
  const placed: PlacedParticipant[] = [];
  let complete = true;
  const add = (node: YamlNode, path: string, type?: ParticipantType): void => {
    if (!type && isDroppedOverseer(node, path, input.line, report)) return;
    const one = readParticipant(node, path, type, context);
    if (one) placed.push(one);
    else complete = false;
  };
  if (!list) {
    report.error(root, 'participants', {
      code: 'missing_key',
      message: 'The project has no participants.',
      hint: 'Write a list: a server, clients and admins.',
    });
  } else if (list.kind !== 'sequence') {
    report.wrongType(list, 'participants', 'a list', 'Each participant starts with "- name: …".');
  } else list.items.forEach((item, index) => add(item, `participants[${index}]`));
  for (const one of input.added) add(one.root, one.label, one.type);
  return { placed, list: list?.kind === 'sequence' ? list : undefined, complete };
}

/** FLARE 2.8 leaves an overseer out; 2.7 refuses it, as any other unknown type is refused. */
function isDroppedOverseer(node: YamlNode, path: string, line: FlareLine, report: Report): boolean {
  const type = child(node, 'type');
  if (!type || line === '2.7.2' || textOf(type) !== 'overseer') return false;
  report.warning(type, `${path}.type`, {
    code: 'overseer_removed',
    message: `${path} is left out: NVFlare has no overseer any more.`,
    hint: 'Remove this participant.',
  });
  return true;
}

/** Without its builder NVFlare would quietly make an unprotected kit (docs/reference/provisioning.md §0 fact 10). */
function checkConfidential(
  placed: readonly PlacedParticipant[],
  builders: readonly BuilderSpec[],
  report: Report,
): void {
  if (builders.some((one) => one.path === builderPaths.cc)) return;
  for (const one of placed) {
    const node = child(one.node, 'cc_config');
    if (!isTruthy(node)) continue;
    report.error(node, `${one.path}.cc_config`, {
      code: 'cc_builder_missing',
      message: `${one.path}: cc_config has no effect, because builders has no CCBuilder; the kit would not be protected.`,
      hint: `Add "- path: ${builderPaths.cc}" before SignatureBuilder, or remove cc_config.`,
    });
  }
}
