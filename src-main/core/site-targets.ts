/** From a project, its desk.yml and the provisioned kits to the hosts that are worked on. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DeskError } from '../contract/errors.ts';
import type { DeskReach } from '../domain/project/desk-fields.ts';
import type { Participant, Project } from '../domain/project/model.ts';
import type { DeskFile } from '../services/projects/index.ts';
import type { SiteTarget } from '../services/sites/index.ts';

/** 3 of `prod_03` or `3`. */
export const numberOf = (prod: string): number => Number(prod.replace(/^prod_/, ''));

/** The `prod_NN` of a project, the newest first. */
export function prodsOf(projectFolder: string): string[] {
  return (existsSync(projectFolder) ? readdirSync(projectFolder) : [])
    .filter((name) => /^prod_\d+$/.test(name))
    .sort((one, other) => numberOf(other) - numberOf(one));
}

/** `prod_03` of `3` or `prod_03`; the newest that is there when not asked for one; undefined when there is none. */
export function prodOf(projectFolder: string, asked: string | undefined): string | undefined {
  const found = prodsOf(projectFolder);
  if (asked === undefined) return found[0];
  const name = found.find((one) => numberOf(one) === numberOf(asked));
  if (name !== undefined) return name;
  throw new DeskError('not_found', `There is no prod folder ${asked} in ${projectFolder}.`, {
    hint: found.length > 0 ? `There are ${found.toReversed().join(', ')}.` : 'Provision first.',
  });
}

/** Where a client, relay or listening site connects to (docs/reference/provisioning.md §2.5). */
export function reachOf(
  participant: Participant,
  project: Project,
): { host: string; port: number } | undefined {
  const { connectTo } = participant;
  const server = project.participants.find(({ type }) => type === 'server');
  const upper = project.participants.find(({ name }) => name === connectTo?.name) ?? server;
  if (!upper || participant.type === 'server') return undefined;
  const host = connectTo?.host ?? upper.listeningHost?.defaultHost ?? upper.defaultHost;
  const port = connectTo?.port ?? (upper.type === 'server' ? upper.fedLearnPort : upper.listeningHost?.port);
  return port === undefined ? undefined : { host, port };
}

/** How a machine of desk.yml is reached: what it leaves open is left to the user's OpenSSH configuration. */
export function reachedBy(host: string, words: DeskReach): SiteTarget['ssh'] {
  const { user, port, identity, passphraseFile, hostKey, via } = words;
  return {
    host,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
    ...(identity === undefined ? {} : { identity }),
    ...(passphraseFile === undefined ? {} : { passphraseFile }),
    ...(hostKey === undefined ? {} : { hostKey }),
    ...(via === undefined ? {} : { via }),
  };
}

function targetOf(
  participant: Participant,
  project: Project,
  desk: DeskFile,
  prod: string | undefined,
): SiteTarget {
  const host = desk.hosts.get(participant.name);
  if (!host) throw new DeskError('internal', `No host for ${participant.name}.`);
  const { directory, path } = host;
  const ports = [participant.fedLearnPort, participant.adminPort, participant.listeningHost?.port];
  const reach = reachOf(participant, project);
  return {
    name: participant.name,
    type: participant.type,
    ssh: reachedBy(host.ssh, host),
    directory,
    path,
    ...(prod === undefined ? {} : { kit: join(desk.workspace, project.name, prod, participant.name), prod }),
    line: project.line,
    ports: [...new Set(ports.filter((one) => one !== undefined))],
    ...(reach ? { reaches: [reach] } : {}),
  };
}

export interface ChosenSites {
  targets: SiteTarget[];
  /** Participants that desk.yml has no host for. */
  withoutHost: string[];
}

/**
 * The hosts to work on. Throws `invalid_input` for a name in `only` that is no participant with a host, and when
 * there is no host at all; `not_found` for a prod folder that is not there.
 */
export function chooseSites(
  project: Project,
  desk: DeskFile | undefined,
  options: { only?: readonly string[] | undefined; prod?: string | undefined },
): ChosenSites {
  const running = project.participants.filter(({ type }) => type !== 'admin');
  const hint =
    'Hosts stand in desk.yml beside the project file, under "hosts", by the name of the participant.';
  if (!desk) throw new DeskError('invalid_input', `There is no desk.yml for ${project.file}.`, { hint });
  const unknown = (options.only ?? []).filter((name) => !running.some((one) => one.name === name));
  if (unknown.length > 0) {
    throw new DeskError(
      'invalid_input',
      `No site is called ${unknown.map((name) => `"${name}"`).join(', ')}.`,
      {
        hint: `The sites are ${running.map(({ name }) => name).join(', ')}.`,
      },
    );
  }
  const wanted = running.filter(({ name }) => options.only === undefined || options.only.includes(name));
  const withoutHost = wanted.filter(({ name }) => !desk.hosts.has(name)).map(({ name }) => name);
  if (withoutHost.length === wanted.length || (options.only !== undefined && withoutHost.length > 0)) {
    throw new DeskError('invalid_input', `${desk.file} has no host for ${withoutHost.join(', ')}.`, { hint });
  }
  const prod = prodOf(join(desk.workspace, project.name), options.prod);
  const targets = wanted
    .filter(({ name }) => desk.hosts.has(name))
    .map((participant) => targetOf(participant, project, desk, prod));
  return { targets, withoutHost };
}
