/** What is wrong with an app's configuration before any class is looked up. The server finds out when the job starts. */
import { type Finder, kindOf, shown } from './finder.ts';
import { isRecord } from '../record.ts';

export type Side = 'server' | 'client';

/** A server configuration needs workflows, a client's needs executors; components have an id of their own. */
export function checkAppConfig(config: Record<string, unknown>, side: Side, finder: Finder): void {
  const section = side === 'server' ? 'workflows' : 'executors';
  const list = config[section];
  if (!Array.isArray(list) || list.length === 0) {
    const what = list === undefined ? 'is missing' : Array.isArray(list) ? 'is empty' : `is ${kindOf(list)}`;
    finder.add(
      'error',
      `job_${section}_missing`,
      `"${section}" ${what}: the ${side} would have nothing to do.`,
      {
        hint: `Give at least one of ${section}.`,
        path: [section],
      },
    );
  }
  const { components } = config;
  if (!Array.isArray(components)) return;
  const seen = new Set<string>();
  for (const [at, component] of (components as unknown[]).entries()) {
    const path = ['components', at];
    const id = isRecord(component) ? component.id : undefined;
    if (typeof id !== 'string' || id === '') {
      finder.add('error', 'job_component_id', 'A component needs an "id".', { path });
    } else if (seen.has(id)) {
      finder.add('error', 'job_component_id', `The component id ${shown(id)} stands twice.`, { path });
    } else seen.add(id);
  }
}
