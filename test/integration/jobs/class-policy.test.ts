import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allowsClass, componentsOf, defaultClassPolicy } from '../../../src-main/domain/job/class-policy.ts';
import { flarePython } from '../../lab/nvflare.ts';

const driver = fileURLToPath(new URL('authorize-classes.py', import.meta.url));

const classPath = fc.constantFrom(
  'nvflare.app_common.workflows.fedavg.FedAvg',
  'nvflare.app_common.workflows.fedavg.FedAvg.Inner',
  'nvflare.app_common.workflows.fedavg.FedAvgLike',
  'nvflare.app_common.np.np_trainer.NPTrainer',
  'nvflare.app_opt.pt.file_model_persistor.PTFileModelPersistor',
  'custom_net.Net',
  'torch.optim.SGD',
  'os.system',
  'Foo',
  'a..b',
  'a.b-c',
  '.x.y',
  '',
);
const plain = fc.oneof(fc.constant(1), fc.constant('text'), fc.constant(null));

const { component } = fc.letrec<{ component: Record<string, unknown>; value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    plain,
    tie('component'),
    fc.array(tie('component'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'components', 'args'), tie('value'), {
      maxKeys: 2,
      noNullPrototype: true,
    }),
    fc.record({ components: fc.array(tie('component'), { maxLength: 2 }) }, { noNullPrototype: true }),
  ),
  component: fc.record(
    {
      path: classPath,
      class_path: classPath,
      id: fc.constantFrom('x', 'y'),
      name: fc.constantFrom('NoSuchClassAnywhere'),
      config_type: fc.constantFrom('component', 'dict'),
      args: fc.dictionary(fc.constantFrom('a', 'b', 'components'), tie('value'), {
        maxKeys: 2,
        noNullPrototype: true,
      }),
      other: tie('value'),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
}));

const config = fc.record(
  {
    components: fc.array(component, { maxLength: 3 }),
    workflows: fc.array(component, { maxLength: 2 }),
    executors: fc.array(fc.record({ tasks: fc.constant(['train']), executor: component }), { maxLength: 2 }),
    task_data_filters: fc.array(fc.record({ filters: fc.array(component, { maxLength: 2 }) }), {
      maxLength: 2,
    }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** Paths of what an enforcing site refuses, in the words of the server: `workflows.#1.args.a`. */
function refusedByUs(value: Record<string, unknown>): string[] {
  const policy = defaultClassPolicy('server');
  return componentsOf(value)
    .filter(
      (use) =>
        use.problem !== undefined || (use.classPath !== undefined && !allowsClass(policy, use.classPath)),
    )
    .map((use) => use.path.map((part) => (typeof part === 'number' ? `#${part + 1}` : part)).join('.'))
    .sort();
}

test('a 2.8.1 server refuses the same components of a configuration', async () => {
  const configs = fc.sample(config, { numRuns: 2000, seed: 4711 });
  const python = spawn(flarePython('2.8.1'), [driver], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 150_000,
  });
  python.stdin.end(JSON.stringify(configs));
  let text = '';
  for await (const chunk of python.stdout.setEncoding('utf8')) text += chunk as string;
  const theirs = JSON.parse(text) as string[][];
  const different = configs.flatMap((value, at) => {
    const ours = refusedByUs(JSON.parse(JSON.stringify(value)) as Record<string, unknown>);
    return JSON.stringify(ours) === JSON.stringify(theirs[at])
      ? []
      : [{ value: JSON.stringify(value), ours, theirs: theirs[at] }];
  });
  expect(different.slice(0, 3)).toEqual([]);
  expect(theirs.filter((paths) => paths.length === 0).length).toBeGreaterThan(100);
  expect(theirs.some((paths) => paths.some((path) => path.includes('.args.')))).toBe(true);
});
