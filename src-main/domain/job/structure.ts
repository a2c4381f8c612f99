/** What a server refuses at submit (docs/reference/admin-protocol.md §9.1), found before anything is sent. */
import type { Finding } from '../../contract/finding.ts';
import type { FlareLine } from '../project/model.ts';
import { parseConfig } from './config-text.ts';
import { type Deployment, isEverySite, readDeployMap, serverSite } from './deploy-map.ts';
import { type Finder, finderFor, isTruthy, kindOf } from './finder.ts';
import { isRecord } from '../record.ts';
import { configFormatOf, findConfigFile, type JobFolder } from './job-folder.ts';
import type { PlacedDocument } from './json-places.ts';
import { checkMetaFields } from './meta-rules.ts';

export interface JobStructure {
  findings: Finding[];
  /** The meta file that counts, relative to the folder. */
  metaFile?: string;
  meta?: Record<string, unknown>;
  document?: PlacedDocument;
  deployment?: Deployment;
  /** An app brings its own code (a folder `custom`). */
  byoc: boolean;
}

/**
 * Decides as the server of the line does: an `error` here is a refusal there. A line that is not known is taken for 2.7
 * with warnings for what only 2.8 refuses.
 */
export function checkStructure(folder: JobFolder, line?: FlareLine): JobStructure {
  const stricter = line === '2.8.1' ? 'error' : 'warning';
  const files = new Set(folder.entries.filter((entry) => entry.kind === 'file').map((entry) => entry.path));
  const folders = new Set(
    folder.entries.filter((entry) => entry.kind === 'folder').map((entry) => entry.path),
  );

  const metaFile = findConfigFile(files, 'meta');
  if (metaFile === undefined) return { findings: [missingMeta(folders)], byoc: false };
  const read = readMeta(folder, metaFile);
  if (!read.meta || !read.document) return { ...read, metaFile, byoc: false };

  const finder = finderFor(metaFile, read.document);
  for (const { path } of read.document.duplicateKeys) {
    finder.add(
      'warning',
      'job_duplicate_key',
      `The key "${path.at(-1)}" stands twice; the last one counts.`,
      { path },
    );
  }
  const deployment = readDeployMap(read.meta, finder, stricter);
  checkMetaFields(read.meta, deployment, finder, stricter);
  let byoc = false;
  if (deployment) {
    for (const { app, sites } of deployment.apps) {
      checkApp(app, sites, files, folders, finder);
      byoc ||= folders.has(`${app}/custom`);
    }
  }
  return { ...read, findings: [...read.findings, ...finder.findings], metaFile, deployment, byoc };
}

function missingMeta(folders: ReadonlySet<string>): Finding {
  return {
    severity: 'error',
    code: 'job_meta_missing',
    message: 'There is no meta.json (nor meta.conf, meta.yml): this is no job folder.',
    hint: folders.has('config')
      ? 'This folder is an app: put it into a job folder beside a meta.json.'
      : 'Add a meta.json with "name", "deploy_map" and "min_clients".',
    file: 'meta.json',
  };
}

function readMeta(folder: JobFolder, file: string): Pick<JobStructure, 'findings' | 'meta' | 'document'> {
  const finder = finderFor(file);
  const text = folder.texts.get(file);
  if (text === null) {
    finder.add('error', 'job_meta_encoding', `${file} is no UTF-8 text.`, { hint: 'Save it as UTF-8.' });
    return { findings: finder.findings };
  }
  if (text === undefined) {
    finder.add('error', 'job_meta_unread', `${file} is too large to be the meta of a job.`);
    return { findings: finder.findings };
  }
  const format = configFormatOf(file);
  const parsed = parseConfig(text, format);
  if (parsed.kind === 'unreadable') {
    finder.add(
      'warning',
      'job_meta_unchecked',
      `${file} is HOCON beyond JSON: it cannot be checked here, the server will.`,
      {
        hint: 'Write it as JSON (a meta.json, or JSON inside meta.conf) to have it checked before it is sent.',
      },
    );
    return { findings: finder.findings };
  }
  if (parsed.kind === 'wrong') {
    finder.findings.push({
      severity: 'error',
      code: 'job_meta_syntax',
      message: `${file} cannot be read: ${parsed.message}.`,
      file,
      ...parsed.place,
    });
    return { findings: finder.findings };
  }
  if (format === 'yaml') {
    finder.add(
      'warning',
      'job_meta_yaml',
      `A server reads ${file} only when the Python package omegaconf is installed there.`,
      {
        hint: 'Use meta.json: every server reads it.',
      },
    );
  }
  const { value } = parsed.document;
  if (!isRecord(value) || !isTruthy(value)) {
    const what = isTruthy(value) ? `is ${kindOf(value)}` : 'is empty';
    finder.add('error', 'job_meta_type', `${file} ${what}; it must be a mapping with a deploy_map.`);
    return { findings: finder.findings };
  }
  return { findings: finder.findings, meta: value, document: parsed.document };
}

function checkApp(
  app: string,
  sites: readonly string[],
  files: ReadonlySet<string>,
  folders: ReadonlySet<string>,
  finder: Finder,
): void {
  const path = ['deploy_map', app];
  const config = `${app}/config`;
  if (!folders.has(config)) {
    const apps = [...folders].filter((name) => name.endsWith('/config')).map((name) => name.slice(0, -7));
    finder.add('error', 'job_app_missing', `App "${app}" has no folder ${config}.`, {
      hint:
        apps.length > 0
          ? `The apps in this folder are: ${apps.slice(0, 5).join(', ')}.`
          : `Make ${config} with config_fed_server.json and config_fed_client.json.`,
      path,
    });
    return;
  }
  const everywhere = sites.some(isEverySite);
  const needed = [
    { needs: everywhere || sites.includes(serverSite), side: 'server' },
    { needs: everywhere || sites.some((site) => site !== serverSite), side: 'client' },
  ];
  for (const { needs, side } of needed) {
    if (!needs || findConfigFile(files, `${config}/config_fed_${side}`) !== undefined) continue;
    finder.add(
      'error',
      `job_${side}_config_missing`,
      `App "${app}" goes to ${side === 'server' ? 'the server' : 'clients'}, but ${config}/config_fed_${side}.json is missing.`,
      {
        hint: `Add the file, or do not name ${side === 'server' ? 'the server' : 'clients'} for this app.`,
        path,
      },
    );
  }
}
