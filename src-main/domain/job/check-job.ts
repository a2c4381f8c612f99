import type { Finding } from '../../contract/finding.ts';
import type { FlareLine } from '../project/model.ts';
import { checkAppConfig, type Side } from './app-config-rules.ts';
import { type ClassPolicy, checkClasses, defaultClassPolicy } from './class-policy.ts';
import { parseConfig } from './config-text.ts';
import { type Deployment, isEverySite, serverSite } from './deploy-map.ts';
import { finderFor, kindOf } from './finder.ts';
import { isRecord } from '../record.ts';
import {
  configFormatOf,
  findConfigFile,
  type JobFolder,
  signatureFileName,
  submitterCertificateName,
} from './job-folder.ts';
import { checkSites, type SiteKnowledge } from './site-rules.ts';
import { checkStructure, type JobStructure } from './structure.ts';

export interface JobCheckContext extends SiteKnowledge {
  /** The server's line. Unknown: what only 2.8 refuses is a warning. */
  line?: FlareLine;
  /** Class policies read from kits; a 2.8 site without one is taken to have the list of its line. */
  policies?: readonly ClassPolicy[];
}

export interface JobCheck extends JobStructure {
  /** The job's name from its meta, else the folder's. */
  jobName: string;
}

/**
 * Codes of errors about the state of the federation, not the folder: the server takes the job all the same. Whoever
 * knows better may submit in spite of them.
 */
export const forecastCodes: ReadonlySet<string> = new Set([
  'job_class_not_allowed',
  'job_class_form',
  'job_site_unknown',
  'job_too_few_sites',
  'job_mandatory_site_absent',
]);

/** Everything that is wrong with a job folder, in one run: no finding hides another. */
export function checkJobFolder(folder: JobFolder, context: JobCheckContext = {}): JobCheck {
  const structure = checkStructure(folder, context.line);
  const findings = [...checkFolder(folder), ...structure.findings];
  const { meta, deployment, metaFile } = structure;
  if (meta && deployment) {
    const finder = finderFor(metaFile, structure.document);
    checkSites(meta, deployment, context, finder);
    findings.push(...finder.findings, ...checkApps(folder, structure, deployment, context));
  }
  if (structure.byoc) findings.push(byocNotice(structure, folder));
  const jobName = typeof meta?.name === 'string' && meta.name !== '' ? meta.name : folder.name;
  return { ...structure, findings, jobName };
}

/** The folder's name, and what in it cannot be sent. */
function checkFolder(folder: JobFolder): Finding[] {
  const finder = finderFor();
  if (!isSendableName(folder.name) || folder.name.startsWith('-')) {
    finder.add('error', 'job_folder_name', `A job folder cannot be named ${JSON.stringify(folder.name)}.`, {
      hint: 'Use letters, digits, ".", "_" and "-", not starting with "-".',
    });
  }
  const findings = finder.findings;
  const wrong = (file: string, code: string, message: string, hint: string): void => {
    findings.push({ severity: 'error', code, message, hint, file });
  };
  const kinds = { link: 'a symbolic link', socket: 'a socket', fifo: 'a named pipe', device: 'a device' };
  for (const { path, kind } of folder.entries) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (kind !== 'file' && kind !== 'folder') {
      wrong(
        path,
        'job_entry_kind',
        `${path} is ${kinds[kind]}: only files and folders can be sent.`,
        'Remove it, or put a copy in its place.',
      );
    } else if (!isSendableName(name)) {
      wrong(
        path,
        'job_entry_name',
        `${JSON.stringify(path)} has a name that cannot be sent.`,
        'Rename it: no backslash, no control character.',
      );
    } else if (kind === 'folder' && (name === signatureFileName || name === submitterCertificateName)) {
      wrong(
        path,
        'job_entry_name',
        `${path} has the name of a signature file, but is a folder.`,
        'Rename it.',
      );
    }
  }
  return findings;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const unsendable = /[\u0000-\u001f\u007f\\/\ufffd]/;
const isSendableName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && !unsendable.test(name);

function checkApps(
  folder: JobFolder,
  structure: JobStructure,
  deployment: Deployment,
  context: JobCheckContext,
): Finding[] {
  const files = new Set(folder.entries.filter((entry) => entry.kind === 'file').map((entry) => entry.path));
  const findings: Finding[] = [];
  for (const { app, sites } of deployment.apps) {
    for (const side of ['server', 'client'] as const) {
      const targets = targetsOf(side, sites, context);
      const file = findConfigFile(files, `${app}/config/config_fed_${side}`);
      if (targets.length === 0 || file === undefined) continue;
      findings.push(
        ...checkConfigFile(folder, file, side, structure.byoc ? [] : policiesOf(targets, context), context),
      );
    }
  }
  return findings;
}

function checkConfigFile(
  folder: JobFolder,
  file: string,
  side: Side,
  policies: readonly ClassPolicy[],
  context: JobCheckContext,
): Finding[] {
  const text = folder.texts.get(file);
  if (typeof text !== 'string') {
    const why = text === null ? 'is no UTF-8 text' : 'is too large to be checked';
    return [{ severity: 'error', code: 'job_config_unread', message: `${file} ${why}.`, file }];
  }
  const parsed = parseConfig(text, configFormatOf(file));
  if (parsed.kind === 'unreadable') {
    const message = `${file} is HOCON beyond JSON: it cannot be checked here, the sites will.`;
    return [{ severity: 'warning', code: 'job_config_unchecked', message, file }];
  }
  if (parsed.kind === 'wrong') {
    const message = `${file} cannot be read: ${parsed.message}.`;
    return [{ severity: 'error', code: 'job_config_syntax', message, file, ...parsed.place }];
  }
  const finder = finderFor(file, parsed.document);
  const { value } = parsed.document;
  if (!isRecord(value)) {
    finder.add('error', 'job_config_type', `${file} must be a mapping; it is ${kindOf(value)}.`);
    return finder.findings;
  }
  checkAppConfig(value, side, finder);
  if (policies.length > 0) {
    const certain = context.line === '2.8.1' || (context.policies?.length ?? 0) > 0;
    checkClasses(value, policies, finder, certain ? 'error' : 'warning');
  }
  return finder.findings;
}

/** The sites an app's configuration of one side goes to, as far as they are known by name. */
function targetsOf(side: Side, sites: readonly string[], context: JobCheckContext): string[] {
  const everywhere = sites.some(isEverySite);
  if (side === 'server') return everywhere || sites.includes(serverSite) ? [serverSite] : [];
  if (!everywhere) return sites.filter((site) => site !== serverSite);
  const known = new Set([
    ...(context.projectSites ?? []),
    ...(context.connected ?? []),
    ...(context.policies ?? []).map((policy) => policy.site),
  ]);
  known.delete(serverSite);
  return known.size > 0 ? [...known] : ['every client'];
}

function policiesOf(targets: readonly string[], context: JobCheckContext): ClassPolicy[] {
  if (context.line === '2.7.2') return [];
  const known = new Map((context.policies ?? []).map((policy) => [policy.site, policy]));
  return targets.map((site) => known.get(site) ?? defaultClassPolicy(site));
}

function byocNotice(structure: JobStructure, folder: JobFolder): Finding {
  const apps = (structure.deployment?.apps ?? [])
    .map(({ app }) => app)
    .filter((app) =>
      folder.entries.some((entry) => entry.kind === 'folder' && entry.path === `${app}/custom`),
    );
  return {
    severity: 'info',
    code: 'job_byoc',
    message: `This job brings its own code (${apps.map((app) => `${app}/custom`).join(', ')}): sites run it only if their policy gives you the right "byoc".`,
    hint: 'Confidential sites usually refuse own code; there it must be part of the image.',
    file: `${apps[0] ?? ''}/custom`,
  };
}
