/**
 * Which component classes a 2.8 server or client builds for a job without own code
 * (docs/reference/provisioning.md §4.7). 2.7 has no such policy.
 */
import { defaultClassAllowList } from './class-allow-list.ts';
import { type Finder, shown } from './finder.ts';
import { isRecord } from '../record.ts';
import type { FieldPath } from './json-places.ts';

export interface ClassPolicy {
  /** `server`, or the client's name. */
  site: string;
  allowList: readonly string[];
  /** `warn` builds what is not on the list and writes a line into the log. */
  mode: 'enforce' | 'warn';
}

/** The policy of a kit that says nothing, under the name of the site it is taken for. */
export const defaultClassPolicy = (site: string): ClassPolicy => ({
  site,
  allowList: defaultClassAllowList,
  mode: 'enforce',
});

/** Whether an entry covers a class: the class itself, or all below it. */
export function coversClass(entry: string, classPath: string): boolean {
  if (entry === '*' || entry === classPath) return true;
  return classPath.startsWith(entry.endsWith('.') ? entry : `${entry}.`);
}

export const allowsClass = (policy: ClassPolicy, classPath: string): boolean =>
  policy.allowList.some((entry) => coversClass(entry, classPath));

/** One place where a configuration asks for a class. */
export interface ComponentUse {
  path: FieldPath;
  /** The class, when it is written in full. */
  classPath?: string;
  /** Why no policy can pass it. */
  problem?: string;
}

const classForm = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/;

/** All components a `config_fed_server` or `config_fed_client` asks for, those nested in arguments too. */
export function componentsOf(config: Record<string, unknown>): ComponentUse[] {
  const uses: ComponentUse[] = [];
  const top = (value: unknown, path: FieldPath): void => {
    if (isRecord(value)) visit(value, path, true, uses);
  };
  const eachOf = (value: unknown, path: FieldPath, see: (item: unknown, path: FieldPath) => void): void => {
    if (Array.isArray(value)) for (const [at, item] of value.entries()) see(item, [...path, at]);
  };
  eachOf(config.components, ['components'], top);
  eachOf(config.workflows, ['workflows'], top);
  eachOf(config.executors, ['executors'], (item, path) => {
    if (isRecord(item)) top(item.executor, [...path, 'executor']);
  });
  for (const chain of ['task_data_filters', 'task_result_filters']) {
    eachOf(config[chain], [chain], (item, path) => {
      if (isRecord(item)) eachOf(item.filters, [...path, 'filters'], top);
    });
  }
  return uses;
}

function visit(value: unknown, path: FieldPath, isComponent: boolean, uses: ComponentUse[]): void {
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) visit(item, [...path, at], false, uses);
    return;
  }
  if (!isRecord(value)) return;
  if (isComponent || looksLikeComponent(value, path)) {
    uses.push({ path, ...classOf(value) });
    if ('args' in value) visit(value.args, [...path, 'args'], false, uses);
    return;
  }
  for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key], false, uses);
}

/** A mapping among arguments is a component when it has a class path, or stands with an id in a list `components`. */
function looksLikeComponent(value: Record<string, unknown>, path: FieldPath): boolean {
  const listed = typeof path.at(-1) === 'number' && path.at(-2) === 'components';
  if (listed && 'id' in value && ('path' in value || 'class_path' in value || 'name' in value)) return true;
  if ((value.config_type ?? 'component') !== 'component') return false;
  const classPath = 'path' in value ? value.path : value.class_path;
  return typeof classPath === 'string' && classPath.includes('.');
}

function classOf(component: Record<string, unknown>): Pick<ComponentUse, 'classPath' | 'problem'> {
  if ('name' in component) return { problem: `the short form "name": ${shown(component.name)} is refused` };
  const key = 'path' in component ? 'path' : 'class_path';
  const classPath = component[key];
  if (classPath === undefined) return { problem: 'it has neither "path" nor "class_path"' };
  if (typeof classPath !== 'string' || classPath === '') return { problem: `its "${key}" is no text` };
  if (classPath.includes('{')) return {};
  if (!classForm.test(classPath))
    return { problem: `its "${key}" ${shown(classPath)} is no full class path` };
  return { classPath };
}

/**
 * Holds the components of one configuration against the policies of the sites it goes to.
 * `refusal` is the severity of what an enforcing site refuses.
 */
export function checkClasses(
  config: Record<string, unknown>,
  policies: readonly ClassPolicy[],
  finder: Finder,
  refusal: 'error' | 'warning',
): void {
  for (const use of componentsOf(config)) {
    const judging = policies.filter((policy) => !policy.allowList.includes('*'));
    if (use.problem !== undefined) {
      finder.add(refusal, 'job_class_form', `A component cannot be built: ${use.problem}.`, {
        hint: 'Give the class in full, e.g. "path": "nvflare.app_common.workflows.fedavg.FedAvg".',
        path: use.path,
      });
      continue;
    }
    const { classPath } = use;
    if (classPath === undefined) {
      if (judging.length > 0) {
        finder.add(
          'info',
          'job_class_variable',
          'The class is a variable; it is checked when the job starts.',
          {
            path: use.path,
          },
        );
      }
      continue;
    }
    const against = judging.filter((policy) => !allowsClass(policy, classPath));
    for (const [mode, severity] of [
      ['enforce', refusal],
      ['warn', 'warning'],
    ] as const) {
      const sites = against.filter((policy) => policy.mode === mode).map((policy) => policy.site);
      if (sites.length === 0) continue;
      const verb = mode === 'enforce' ? 'is not allowed' : 'is not on the list, but is let pass,';
      finder.add(severity, 'job_class_not_allowed', `Class ${classPath} ${verb} on ${listed(sites)}.`, {
        hint: "Use an allowed class, send it as own code in the app's custom folder, or have the site add it to class_allow_list in local/resources.json.",
        path: use.path,
      });
    }
  }
}

const listed = (sites: string[]): string =>
  sites.length <= 4 ? sites.join(', ') : `${sites.slice(0, 3).join(', ')} and ${sites.length - 3} more sites`;
