import fc from 'fast-check';
import type { JobFolder } from '../../../src-main/domain/job/job-folder.ts';

/** A job folder as data: what is in it and the text of its files (null = a folder). */
export interface GeneratedJob {
  name: string;
  entries: { path: string; text: string | null }[];
}

const site = fc.constantFrom('server', 'site-1', 'site-2', 'site-3', '@ALL', '@all', 'Server', 'SITE-1', '');
const oddValue = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    1,
    -1,
    2,
    2.7,
    1e6,
    1_000_001,
    '',
    '2',
    ' 3 ',
    '1_0',
    'x',
    '1.5',
    'site-1',
  ),
  fc.constant([]),
  fc.constant({}),
  fc.array(site, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('a', 'site-1', 'sites', 'targets'), fc.constantFrom(1, null, 'x'), {
    maxKeys: 2,
  }),
);
const entry = fc.oneof(
  { weight: 6, arbitrary: site },
  { weight: 1, arbitrary: fc.record({ sites: fc.array(site, { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ targets: fc.array(site, { maxLength: 2 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ sites: oddValue, targets: oddValue, strange: oddValue }, { requiredKeys: [] }),
  },
);
const deployments = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(['@ALL'], ['server', 'site-1', 'site-2'], ['server'], ['site-1']) },
  { weight: 3, arbitrary: fc.array(entry, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.record({ sites: fc.array(site, { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ targets: fc.array(site, { maxLength: 3 }), sites: oddValue }) },
  { weight: 1, arbitrary: oddValue },
);
const appName = fc.constantFrom('app', 'app', 'app', 'app_server', 'app.2', '-app', 'a b', 'app/inner');
const launcher = fc.dictionary(
  fc.constantFrom('site-1', 'default'),
  fc.oneof(
    oddValue,
    fc.dictionary(fc.constantFrom('docker', 'process', 'k8s', 'slurm'), fc.constantFrom({}, null, 'x')),
  ),
);

const often = <T>(good: T, other: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: other });

const meta = fc.record(
  {
    name: fc.constant('job'),
    deploy_map: fc.oneof(
      {
        weight: 6,
        arbitrary: fc.dictionary(appName, deployments, { minKeys: 1, maxKeys: 2, noNullPrototype: true }),
      },
      { weight: 3, arbitrary: fc.constant({ app: ['@ALL'] }) },
      { weight: 3, arbitrary: fc.constant({ app: ['server', 'site-1', 'site-2'] }) },
      { weight: 1, arbitrary: oddValue },
    ),
    min_clients: often(1, oddValue),
    mandatory_clients: often([], oddValue),
    resource_spec: often(
      {},
      fc.oneof(oddValue, fc.dictionary(fc.constantFrom('site-1', 'site-2'), oddValue)),
    ),
    launcher_spec: often({}, fc.oneof(oddValue, launcher)),
    job_id: often('a-job', fc.constantFrom('', 'x y', '-x', 5, null, ['x'], 'ok.1')),
  },
  { requiredKeys: ['name', 'deploy_map'] },
);

const metaText = fc.oneof(
  { weight: 30, arbitrary: meta.map((value) => JSON.stringify(value, null, 1)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '',
      '{',
      '[]',
      '{}',
      'null',
      '"x"',
      '5',
      '[1]',
      '{"deploy_map": {"app": ["@ALL"]},}',
      '\ufeff{}',
    ),
  },
  // What JavaScript's own parser would decide otherwise.
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '{"deploy_map": {"app": ["@ALL"]}, "min_clients": NaN}',
      '{"deploy_map": {"app": ["@ALL"]}, "min_clients": Infinity}',
      '{"deploy_map": {"app": ["@ALL"]}, "min_clients": 1e400}',
      '{"deploy_map": {"app": ["x", "y"]}, "deploy_map": {"app": ["@ALL"]}}',
      '{"deploy_map": {"app": ["@ALL"]}, "__proto__": {"min_clients": 0}}',
      '{"__proto__": {"deploy_map": {"app": ["@ALL"]}}}',
      '{"deploy_map": {"app": ["@ALL"]}, "x": "\t"}',
      '{"deploy_map": {"app": ["@ALL"]}, "x": 01}',
      '{"deploy_map": {"app": ["@ALL"]}, "x": "\\ud800"}',
    ),
  },
);

const metaName = fc.oneof(
  { weight: 12, arbitrary: fc.constant('meta.json') },
  { weight: 1, arbitrary: fc.constantFrom('meta.json.default', 'META.json', 'meta.txt') },
);
const side = (name: 'server' | 'client') =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(`config_fed_${name}.json`) },
    { weight: 2, arbitrary: fc.constantFrom(`config_fed_${name}.conf`, `config_fed_${name}.yml.default`) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, `config_fed_${name}.txt`) },
  );

/** Good and bad job folders, most of them near to good. */
export const generatedJob: fc.Arbitrary<GeneratedJob> = fc
  .record({
    metaName,
    metaText,
    apps: fc.uniqueArray(appName, { minLength: 1, maxLength: 3 }),
    server: side('server'),
    client: side('client'),
    custom: fc.boolean(),
    noFolder: fc.boolean(),
  })
  .map((shape) => {
    const entries: GeneratedJob['entries'] = [{ path: shape.metaName, text: shape.metaText }];
    for (const app of new Set(['app', ...shape.apps])) {
      const isBare = shape.noFolder && app === shape.apps.at(-1) && app !== 'app';
      for (const path of parentsOf(app)) entries.push({ path, text: null });
      if (isBare) continue;
      entries.push({ path: `${app}/config`, text: null });
      if (shape.server) entries.push({ path: `${app}/config/${shape.server}`, text: '{}' });
      if (shape.client) entries.push({ path: `${app}/config/${shape.client}`, text: '{}' });
      if (shape.custom) entries.push({ path: `${app}/custom`, text: null });
    }
    const seen = new Set<string>();
    return { name: 'job', entries: entries.filter(({ path }) => !seen.has(path) && seen.add(path)) };
  });

function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

/** The same folder as the rules see it. */
export function asJobFolder(job: GeneratedJob): JobFolder {
  return {
    name: job.name,
    entries: job.entries.map(({ path, text }) => ({
      path,
      kind: text === null ? 'folder' : 'file',
      size: text?.length ?? 0,
    })),
    texts: new Map(job.entries.flatMap(({ path, text }) => (text === null ? [] : [[path, text] as const]))),
  };
}
