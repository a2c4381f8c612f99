import { type Finder, isTruthy, kindOf, shown } from './finder.ts';
import { isRecord } from '../record.ts';
import type { FieldPath } from './json-places.ts';

const everySite = '@ALL';
export const serverSite = 'server';

/** Which app goes where. */
export interface Deployment {
  apps: { app: string; sites: string[] }[];
  /** `@ALL` is in the map: the server and every client. */
  everywhere: boolean;
  /** Client sites named in the map; empty when `everywhere`. */
  clients: string[];
  /** Where each site is named. */
  placeOf: ReadonlyMap<string, FieldPath>;
}

const appNameForm = /^[A-Za-z0-9][A-Za-z0-9._-]*\n?$/;

export const isEverySite = (site: string): boolean => site.toUpperCase() === everySite;

/**
 * Reads `deploy_map` by the server's rules (docs/reference/admin-protocol.md §9.1). `stricter` is the severity of what
 * only a 2.8 server refuses. Answers undefined when the map says nothing that can be held against the folder.
 */
export function readDeployMap(
  meta: Record<string, unknown>,
  finder: Finder,
  stricter: 'error' | 'warning',
): Deployment | undefined {
  const map = meta.deploy_map;
  const at: FieldPath = ['deploy_map'];
  if (!isTruthy(map)) {
    finder.add(
      'error',
      'job_deploy_map_empty',
      'deploy_map is missing or empty: the job would run nowhere.',
      {
        hint: 'Say which app goes where, e.g. "deploy_map": {"app": ["@ALL"]}.',
        path: at,
      },
    );
    return undefined;
  }
  if (!isRecord(map)) {
    finder.add(
      'error',
      'job_deploy_map_type',
      `deploy_map must map app names to sites; it is ${kindOf(map)}.`,
      {
        path: at,
      },
    );
    return undefined;
  }

  const placeOf = new Map<string, FieldPath>();
  const apps = Object.entries(map).map(([app, value]) => {
    if (!appNameForm.test(app)) {
      finder.add(
        stricter,
        'job_app_name',
        `"${app}" is no name for an app: letters, digits, ".", "_", "-", and a letter or digit first.`,
        { hint: 'Rename the app folder and its key in deploy_map.', path: [...at, app] },
      );
    }
    return { app, sites: readSites(value, [...at, app], finder, stricter, placeOf) };
  });
  const known = apps.filter((entry): entry is { app: string; sites: string[] } => entry.sites !== undefined);
  if (known.length < apps.length) return undefined;

  const sites = known.flatMap((entry) => entry.sites);
  const everywhere = sites.some(isEverySite);
  checkTogether(sites, everywhere, at, finder);
  const clients = everywhere ? [] : sites.filter((site) => site !== serverSite);
  return { apps: known, everywhere, clients, placeOf };
}

function readSites(
  value: unknown,
  path: FieldPath,
  finder: Finder,
  stricter: 'error' | 'warning',
  placeOf: Map<string, FieldPath>,
): string[] | undefined {
  const wrong = (message: string, inner: FieldPath = path): undefined => {
    finder.add('error', 'job_deploy_map_sites', message, {
      hint: 'Give a list of site names, e.g. ["server", "site-1"], or ["@ALL"].',
      path: inner,
    });
  };
  let list: unknown = typeof value === 'string' ? [value] : value;
  if (isRecord(list)) {
    if (!('targets' in list) && !('sites' in list))
      return wrong(`${fieldOf(path)} has neither "sites" nor "targets".`);
    list = 'targets' in list ? list.targets : list.sites;
  }
  if (!Array.isArray(list)) return wrong(`${fieldOf(path)} must be a list of sites; it is ${kindOf(list)}.`);

  const sites: string[] = [];
  let good = true;
  for (const [index, item] of (list as unknown[]).entries()) {
    const here = [...path, index];
    if (typeof item === 'string') {
      sites.push(item);
      placeOf.set(item, here);
      continue;
    }
    const names = isRecord(item) ? (item.sites ?? item.targets) : undefined;
    if (!Array.isArray(names) || names.some((name) => typeof name !== 'string')) {
      good = false;
      wrong(`${shown(item)} is neither a site name nor {"sites": [names]}.`, here);
      continue;
    }
    const strange = Object.keys(item as object).filter((key) => key !== 'sites' && key !== 'targets');
    if (strange.length > 0) {
      finder.add(
        stricter,
        'job_deploy_map_key',
        `${shown(strange[0])} is not known in a deploy_map entry; "sites" and "targets" are.`,
        { hint: 'What a site needs to start the job goes into resource_spec or launcher_spec.', path: here },
      );
    }
    sites.push(...(names as string[]));
    for (const name of names as string[]) placeOf.set(name, here);
  }
  return good ? sites : undefined;
}

function checkTogether(sites: string[], everywhere: boolean, path: FieldPath, finder: Finder): void {
  if (sites.length === 0) {
    finder.add('error', 'job_deploy_map_empty', 'deploy_map names no site.', {
      hint: 'Add "server" and at least one client, or "@ALL".',
      path,
    });
    return;
  }
  if (everywhere) {
    if (sites.length > 1) {
      finder.add(
        'error',
        'job_deploy_map_mixed',
        `"${everySite}" stands alone: no other site can be named beside it.`,
        {
          hint: 'Remove the other sites, or name every site instead of "@ALL".',
          path,
        },
      );
    }
    return;
  }
  if (!sites.includes(serverSite)) {
    const almost = sites.find((site) => site.toLowerCase() === serverSite);
    finder.add('error', 'job_deploy_map_server', 'deploy_map does not name the server.', {
      hint: almost
        ? `Write "server" instead of "${almost}".`
        : 'Add "server" to the app that has config_fed_server.',
      path,
    });
  }
  const twice = [...new Set(sites.filter((site, at) => sites.indexOf(site) !== at))];
  if (twice.length > 0) {
    finder.add(
      'error',
      'job_deploy_map_twice',
      `${twice.map(shown).join(', ')}: more than one app for one site.`,
      {
        hint: 'Name every site once.',
        path,
      },
    );
  }
  if (!sites.some((site) => site !== serverSite)) {
    finder.add(
      'error',
      'job_deploy_map_clients',
      'deploy_map names no client; the server refuses such a job.',
      {
        hint: 'Add a client site.',
        path,
      },
    );
  }
}

const fieldOf = (path: FieldPath): string => path.join('.');
