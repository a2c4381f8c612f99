/** What two texts say: the model a form shows, and every finding. */
import { join } from 'node:path';
import type { Finding } from '../../contract/finding.ts';
import { builderPaths } from '../../domain/project/builder-rules.ts';
import { toPlain } from '../../domain/project/yaml/node.ts';
import { readYaml } from '../../domain/project/yaml/read.ts';
import { loadProject, type LookUpName } from '../projects/index.ts';
import { ccOverlay } from './cc-texts.ts';
import { type DraftTexts, draftFiles } from './operations.ts';
import { isRecord } from '../../domain/record.ts';

export interface DraftModel {
  name: string;
  description: string;
  flare: string;
  participants: {
    name: string;
    type: string;
    org: string;
    properties: Record<string, unknown>;
    host?: Record<string, unknown>;
    cc?: { file: string; own: boolean; values?: Record<string, unknown> };
  }[];
  defaults: Record<string, unknown>;
  confidential: {
    has_builder: boolean;
    build_image_cmd: string;
    has_packager: boolean;
    builders: Record<string, unknown>;
    kbs: Record<string, unknown>;
  };
}

const text = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : '';
/** Plain JSON: dates and big numbers of YAML as text. */
const json = <T>(value: T): T =>
  JSON.parse(
    JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item)),
  ) as T;

function plainOf(source: string, file: string): Record<string, unknown> | undefined {
  const { root, findings } = readYaml(source, file);
  if (!root || findings.some((finding) => finding.severity === 'error')) return undefined;
  const plain = toPlain(root);
  return isRecord(plain) ? json(plain) : undefined;
}

/** The form's view of the texts; undefined while one of them does not parse. */
export function modelOf(texts: DraftTexts): DraftModel | undefined {
  const project = plainOf(texts.project, draftFiles.project);
  const desk = texts.desk.trim() === '' ? {} : plainOf(texts.desk, draftFiles.desk);
  if (!project || !desk) return undefined;
  const hosts = isRecord(desk.hosts) ? desk.hosts : {};
  const participants = Array.isArray(project.participants) ? project.participants.filter(isRecord) : [];
  return {
    name: text(project.name),
    description: text(project.description),
    flare: text(desk.flare) || '2.8.1',
    participants: participants.map((item) => {
      const name = text(item.name);
      const host = hosts[name];
      return {
        name,
        type: text(item.type),
        org: text(item.org),
        properties: item,
        ...(isRecord(host) ? { host } : {}),
        ...ccOf(item, texts),
      };
    }),
    defaults: isRecord(desk.defaults) ? desk.defaults : {},
    confidential: confidentialOf(project, desk),
  };
}

/** The confidential-computing file of a participant; without `values` while it does not parse or is not held here. */
function ccOf(
  item: Record<string, unknown>,
  texts: DraftTexts,
): Pick<DraftModel['participants'][number], 'cc'> {
  const file = item.cc_config;
  if (typeof file !== 'string' || file === '') return {};
  const source = texts.cc[file];
  const values = source === undefined ? undefined : plainOf(source, file);
  return { cc: { file, own: source !== undefined, ...(values ? { values } : {}) } };
}

function confidentialOf(
  project: Record<string, unknown>,
  desk: Record<string, unknown>,
): DraftModel['confidential'] {
  const packager = isRecord(project.packager) ? project.packager : undefined;
  const args = isRecord(packager?.args) ? packager.args : {};
  const builders = Array.isArray(project.builders) ? project.builders : [];
  return {
    has_builder: builders.some((one) => isRecord(one) && one.path === builderPaths.cc),
    has_packager: packager !== undefined,
    build_image_cmd: text(args.build_image_cmd),
    builders: isRecord(desk.builders) ? desk.builders : {},
    kbs: isRecord(desk.kbs) ? desk.kbs : {},
  };
}

/** Every finding of the texts as if they were the files in `folder`. */
export async function findingsOf(
  folder: string,
  texts: DraftTexts,
  lookUpName?: LookUpName,
): Promise<Finding[]> {
  const file = join(folder, draftFiles.project);
  const overlay = new Map([[file, texts.project], ...ccOverlay(folder, texts)]);
  if (texts.desk !== '') overlay.set(join(folder, draftFiles.desk), texts.desk);
  const { findings } = await loadProject({
    file,
    overlay,
    currentFolder: folder,
    ...(lookUpName ? { lookUpName } : {}),
  });
  return findings;
}
