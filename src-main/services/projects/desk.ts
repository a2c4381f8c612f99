import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Finding } from '../../contract/finding.ts';
import { deskDefaults, readDesk } from '../../domain/project/desk.ts';
import type { DeskHost, DeskSettings } from '../../domain/project/desk.ts';
import type { DeskBuilder, DeskKbs } from '../../domain/project/desk-services.ts';
import { nearest } from '../../domain/project/near-miss.ts';
import type { Project } from '../../domain/project/model.ts';
import { readTextFile, type TextOverlay } from './text-file.ts';
import { readYaml } from '../../domain/project/yaml/read.ts';

export const deskFileName = 'desk.yml';

/** `desk.yml` with every path absolute and `~` of this machine written out. Paths on hosts stay as written. */
export interface DeskFile extends DeskSettings {
  /** Absolute path of desk.yml. */
  file: string;
}

export interface LoadedDesk {
  /** Missing when there is no desk.yml, or it has errors. */
  desk?: DeskFile;
  findings: Finding[];
}

/**
 * Reads desk.yml (docs/project-files.md). A missing file is no problem: both parts are empty then. Never throws for a bad file.
 * @param file absolute path of desk.yml
 */
export async function loadDesk(file: string, overlay?: TextOverlay): Promise<LoadedDesk> {
  const read = await readTextFile(file, overlay);
  if (!read.ok) {
    if (read.code === 'file_missing') return { findings: [] };
    const { code, message, hint, line, column } = read;
    return {
      findings: [{ severity: 'error', code, message: `${file} ${message}`, hint, file, line, column }],
    };
  }
  const { root, findings } = readYaml(read.text, file);
  if (!root) return { findings };
  const result = readDesk(root);
  const all = [...findings, ...result.findings];
  if (!result.desk || all.some((one) => one.severity === 'error')) return { findings: all };
  const folder = dirname(file);
  const hosts = new Map(Array.from(result.desk.hosts, ([name, host]) => [name, onThisMachine(host, folder)]));
  const builders = new Map(
    Array.from(result.desk.builders, ([name, one]) => [name, builderOnThisMachine(one, folder)]),
  );
  const kbs = result.desk.kbs && kbsOnThisMachine(result.desk.kbs, folder);
  return {
    findings: all,
    desk: {
      ...result.desk,
      file,
      hosts,
      builders,
      ...(kbs ? { kbs } : {}),
      project: resolve(folder, withHome(result.desk.project)),
      workspace: resolve(folder, withHome(result.desk.workspace)),
    },
  };
}

/** Where kits are written when neither an option nor desk.yml says it. */
export function defaultWorkspace(projectFile: string): string {
  return join(dirname(projectFile), deskDefaults.workspace);
}

function withHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

const local = (path: string | undefined, folder: string): string | undefined =>
  path === undefined ? undefined : resolve(folder, withHome(path));

function onThisMachine<Host extends Pick<DeskHost, 'identity' | 'passphraseFile'>>(
  host: Host,
  folder: string,
): Host {
  return {
    ...host,
    identity: local(host.identity, folder),
    passphraseFile: local(host.passphraseFile, folder),
  };
}

/** A builder on this machine has its own paths written out too; those of another host stay as written. */
function builderOnThisMachine(builder: DeskBuilder, folder: string): DeskBuilder {
  if (builder.ssh !== undefined) return onThisMachine(builder, folder);
  const command = local(builder.command, folder);
  return {
    ...builder,
    directory: resolve(folder, withHome(builder.directory)),
    ...(command === undefined ? {} : { command }),
  };
}

function kbsOnThisMachine(kbs: DeskKbs, folder: string): DeskKbs {
  return {
    ...kbs,
    ca: local(kbs.ca, folder),
    adminKey: local(kbs.adminKey, folder),
    tokenFile: local(kbs.tokenFile, folder),
    ...(kbs.vault ? { vault: { ...kbs.vault, ca: local(kbs.vault.ca, folder) } } : {}),
  };
}

/** Comparing with every name is dear in a project of thousands. */
const suggestionLimit = 20;

/** Hosts that name no participant, and participants that have no host. */
export function checkHosts(desk: DeskFile, project: Project): Finding[] {
  const running = project.participants.filter((one) => one.type !== 'admin').map((one) => one.name);
  const names = new Set(running);
  const findings: Finding[] = [];
  for (const [name, host] of desk.hosts) {
    if (names.has(name)) continue;
    const meant =
      findings.length >= suggestionLimit
        ? undefined
        : nearest(
            name,
            running.filter((one) => !desk.hosts.has(one)),
          );
    findings.push({
      severity: 'warning',
      code: 'host_without_participant',
      message: `hosts.${name}: no server, client or relay of this project is called "${name}".`,
      hint: meant ? `Did you mean "${meant}"?` : 'Remove the host, or add the participant.',
      ...host.source,
      path: `hosts.${name}`,
    });
  }
  const missing = running.filter((name) => !desk.hosts.has(name));
  if (missing.length > 0) {
    const shown =
      missing.length > 5
        ? `${missing.slice(0, 5).join(', ')} and ${missing.length - 5} more`
        : missing.join(', ');
    findings.push({
      severity: 'info',
      code: 'participant_without_host',
      message: `No host yet for ${shown}.`,
      hint: 'Add them under "hosts" in desk.yml to check, deliver and start them from here.',
      file: desk.file,
    });
  }
  return findings;
}
