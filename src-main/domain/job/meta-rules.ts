import type { Deployment } from './deploy-map.ts';
import { type Finder, isTruthy, kindOf, shown } from './finder.ts';
import { isRecord } from '../record.ts';

const maxClients = 1_000_000;
const jobIdForm = /^[A-Za-z0-9][A-Za-z0-9._-]*\n?$/;
const launcherModes = ['process', 'docker', 'k8s'];

/** The rules of the server for everything in a job's meta but the deploy map (docs/reference/admin-protocol.md §9.1). */
export function checkMetaFields(
  meta: Record<string, unknown>,
  deployment: Deployment | undefined,
  finder: Finder,
  stricter: 'error' | 'warning',
): void {
  checkMinClients(meta.min_clients, deployment, finder);
  checkMandatoryClients(meta.mandatory_clients, deployment, finder);
  checkResourceSpec(meta.resource_spec, finder);
  checkLauncherSpec(meta.launcher_spec, finder, stricter);
  if (isTruthy(meta.job_id) && (typeof meta.job_id !== 'string' || !jobIdForm.test(meta.job_id))) {
    finder.add(stricter, 'job_id_form', `job_id ${shown(meta.job_id)} is no job id.`, {
      hint: 'Leave job_id out: the server gives one.',
      path: ['job_id'],
    });
  }
}

/** The whole number Python's int() makes of the value, or undefined where it gives up. */
function wholeNumber(value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : undefined;
  if (typeof value !== 'string' || !/^\s*[+-]?\d+(?:_\d+)*\s*$/.test(value)) return undefined;
  return Number(value.replaceAll('_', ''));
}

/** How many clients the job waits for; undefined when it does not say or says nonsense. */
export function minClientsOf(meta: Record<string, unknown>): number | undefined {
  return meta.min_clients === undefined || meta.min_clients === null
    ? undefined
    : wholeNumber(meta.min_clients);
}

function checkMinClients(value: unknown, deployment: Deployment | undefined, finder: Finder): void {
  if (value === undefined || value === null) return;
  const path = ['min_clients'];
  const count = wholeNumber(value);
  if (count === undefined) {
    finder.add('error', 'job_min_clients', `min_clients must be a whole number; it is ${shown(value)}.`, {
      path,
    });
    return;
  }
  if (count <= 0 || count > maxClients) {
    finder.add('error', 'job_min_clients', `min_clients must be 1 to ${maxClients}; it is ${count}.`, {
      path,
    });
    return;
  }
  if (deployment && !deployment.everywhere && deployment.clients.length < count) {
    finder.add(
      'error',
      'job_min_clients',
      `min_clients asks for ${count} clients, deploy_map names ${deployment.clients.length}.`,
      { hint: 'Lower min_clients or name more clients in deploy_map.', path },
    );
  }
}

/** Names as Python iterates the value: a text gives its letters, a mapping its keys. */
export function mandatoryClientsOf(meta: Record<string, unknown>): string[] {
  const value = meta.mandatory_clients;
  if (Array.isArray(value)) return value.filter((name): name is string => typeof name === 'string');
  return isRecord(value) ? Object.keys(value) : [];
}

function checkMandatoryClients(value: unknown, deployment: Deployment | undefined, finder: Finder): void {
  if (!isTruthy(value)) return;
  const path = ['mandatory_clients'];
  const isList = Array.isArray(value) && value.every((name) => typeof name === 'string');
  if (!isList && !isRecord(value)) {
    const severity = deployment?.everywhere ? 'warning' : 'error';
    finder.add(
      severity,
      'job_mandatory_clients',
      `mandatory_clients must be a list of site names; it is ${kindOf(value)}.`,
      {
        hint: 'Write e.g. ["site-1"].',
        path,
      },
    );
    return;
  }
  if (!deployment || deployment.everywhere) return;
  const missing = mandatoryClientsOf({ mandatory_clients: value }).filter(
    (name) => !deployment.clients.includes(name),
  );
  if (missing.length > 0) {
    finder.add(
      'error',
      'job_mandatory_clients',
      `${missing.map(shown).join(', ')}: mandatory, but not in deploy_map.`,
      { hint: 'Add the site to deploy_map or take it out of mandatory_clients.', path },
    );
  }
}

function checkResourceSpec(value: unknown, finder: Finder): void {
  if (!isTruthy(value)) return;
  if (!isRecord(value)) {
    finder.add(
      'error',
      'job_resource_spec',
      `resource_spec must map sites to what they need; it is ${kindOf(value)}.`,
      {
        path: ['resource_spec'],
      },
    );
    return;
  }
  for (const [site, needs] of Object.entries(value)) {
    if (!isTruthy(needs) || isRecord(needs)) continue;
    finder.add(
      'error',
      'job_resource_spec',
      `resource_spec of "${site}" must be a mapping; it is ${kindOf(needs)}.`,
      {
        hint: 'Write e.g. {"site-1": {"num_of_gpus": 1, "mem_per_gpu_in_GiB": 4}}.',
        path: ['resource_spec', site],
      },
    );
  }
}

/** Known since 2.8; an older server ignores it. */
function checkLauncherSpec(value: unknown, finder: Finder, stricter: 'error' | 'warning'): void {
  if (value === undefined || value === null) return;
  const wrong = (message: string, path: string[]): void =>
    finder.add(stricter, 'job_launcher_spec', message, {
      hint: 'Write e.g. {"site-1": {"docker": {"image": "…"}}}; modes are process, docker, k8s.',
      path: ['launcher_spec', ...path],
    });
  if (!isRecord(value)) return wrong(`launcher_spec must be a mapping; it is ${kindOf(value)}.`, []);
  for (const [site, modes] of Object.entries(value)) {
    if (!isRecord(modes)) {
      wrong(`launcher_spec of "${site}" must be a mapping; it is ${kindOf(modes)}.`, [site]);
      continue;
    }
    for (const [mode, settings] of Object.entries(modes)) {
      if (!launcherModes.includes(mode)) wrong(`"${mode}" is no launcher mode.`, [site, mode]);
      if (!isRecord(settings))
        wrong(`launcher_spec of "${site}", "${mode}", must be a mapping.`, [site, mode]);
    }
  }
}
