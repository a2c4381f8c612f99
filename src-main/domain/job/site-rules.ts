/** Whether the sites of the deploy map are there. The server takes such a job, and lets it wait. */
import { type Deployment, isEverySite } from './deploy-map.ts';
import { type Finder, nearest, shown } from './finder.ts';
import type { FieldPath } from './json-places.ts';
import { mandatoryClientsOf, minClientsOf } from './meta-rules.ts';

export interface SiteKnowledge {
  /** Clients that are connected now. */
  connected?: readonly string[];
  /** Every client the project has. */
  projectSites?: readonly string[];
  /** The study of the session and its sites; null sites = all (docs/reference/admin-protocol.md §8.5). */
  study?: { name: string; sites: readonly string[] | null };
}

export function checkSites(
  meta: Record<string, unknown>,
  deployment: Deployment,
  known: SiteKnowledge,
  finder: Finder,
): void {
  const placeOf = (site: string): FieldPath => deployment.placeOf.get(site) ?? ['deploy_map'];
  const enrolled = known.study?.sites ?? undefined;
  const outside = enrolled ? deployment.clients.filter((site) => !enrolled.includes(site)) : [];
  for (const site of outside) {
    finder.add(
      'error',
      'job_site_not_in_study',
      `Site ${shown(site)} is not in study "${known.study?.name}".`,
      {
        hint: 'Name sites of the study, or log in to the study this site is in.',
        path: placeOf(site),
      },
    );
  }

  const unknown = known.projectSites
    ? deployment.clients.filter(
        (site) => !known.projectSites?.includes(site) && !known.connected?.includes(site),
      )
    : [];
  for (const site of unknown) {
    finder.add('error', 'job_site_unknown', `Site ${shown(site)} is not in this project.`, {
      hint: didYouMean(site, [...(known.projectSites ?? []), ...(known.connected ?? [])]),
      path: placeOf(site),
    });
  }
  if (known.connected) checkConnected(meta, deployment, known.connected, unknown, enrolled, finder);
}

function checkConnected(
  meta: Record<string, unknown>,
  deployment: Deployment,
  connected: readonly string[],
  unknown: readonly string[],
  enrolled: readonly string[] | undefined,
  finder: Finder,
): void {
  const placeOf = (site: string): FieldPath => deployment.placeOf.get(site) ?? ['deploy_map'];
  const usable = enrolled ? connected.filter((site) => enrolled.includes(site)) : connected;
  const absent = deployment.clients.filter((site) => !usable.includes(site) && !unknown.includes(site));
  for (const site of absent) {
    finder.add('warning', 'job_site_not_connected', `Site ${shown(site)} is not connected now.`, {
      hint:
        didYouMean(site, usable) ??
        'Start the site, or wait: the job is dealt out to the sites that are there.',
      path: placeOf(site),
    });
  }

  const present = deployment.everywhere ? usable : usable.filter((site) => deployment.clients.includes(site));
  const wanted = Math.max(1, minClientsOf(meta) ?? 1);
  if (present.length < wanted) {
    finder.add(
      'error',
      'job_too_few_sites',
      `The job needs ${wanted} connected client${wanted === 1 ? '' : 's'} and has ${present.length}: it would only wait.`,
      { hint: 'Start the missing sites first, or lower min_clients.', path: ['min_clients'] },
    );
  }
  const missing = mandatoryClientsOf(meta).filter((site) => !isEverySite(site) && !present.includes(site));
  if (missing.length > 0) {
    finder.add(
      'error',
      'job_mandatory_site_absent',
      `${missing.map(shown).join(', ')}: mandatory, but not connected: the job would only wait.`,
      { hint: didYouMean(missing[0] ?? '', usable) ?? 'Start the site first.', path: ['mandatory_clients'] },
    );
  }
}

function didYouMean(site: string, candidates: readonly string[]): string | undefined {
  const near = nearest(site, candidates);
  return near === undefined || near === site ? undefined : `Did you mean "${near}"?`;
}
