import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../../src-main/contract/finding.ts';
import { checkJobFolder, type JobCheckContext } from '../../../../src-main/domain/job/check-job.ts';
import { defaultClassPolicy } from '../../../../src-main/domain/job/class-policy.ts';
import { sampleJob, type SampleChanges } from './sample-job.ts';

const findingsOf = (changes: SampleChanges, context: JobCheckContext = { line: '2.8.1' }): Finding[] =>
  checkJobFolder(sampleJob(changes), context).findings;
const codesOf = (changes: SampleChanges, context?: JobCheckContext): string[] =>
  findingsOf(changes, context).map(({ severity, code }) => `${severity} ${code}`);
const deployTo = (...sites: unknown[]) => ({ deploy_map: { app: sites } });

describe('a job folder', () => {
  test('without a fault has no finding', () => {
    expect(findingsOf({})).toEqual([]);
    expect(findingsOf({}, { line: '2.7.2', connected: ['site-1'], projectSites: ['site-1'] })).toEqual([]);
    expect(checkJobFolder(sampleJob()).jobName).toBe('sample');
  });

  test('with many faults shows all of them in one run', () => {
    const codes = codesOf({
      meta: { deploy_map: { app: ['server', 'site-1'], gone: ['site-1'] }, min_clients: 0, resource_spec: 5 },
      entries: { 'app/link': 'link', 'app/pipe': 'fifo' },
      client: { executors: [] },
    });
    expect(codes).toEqual([
      'error job_entry_kind',
      'error job_entry_kind',
      'error job_deploy_map_twice',
      'error job_min_clients',
      'error job_resource_spec',
      'error job_app_missing',
      'error job_executors_missing',
    ]);
  });

  test.each(['socket', 'fifo', 'device', 'link'] as const)('with a %s names it', (kind) => {
    const [finding] = findingsOf({ entries: { 'app/config/thing': kind } });
    expect(finding).toMatchObject({ severity: 'error', code: 'job_entry_kind', file: 'app/config/thing' });
  });

  test.each(['-x', 'a\\b', 'a\nb', '', '..'])('cannot be named %j', (name) => {
    expect(codesOf({ name })).toContain('error job_folder_name');
  });

  test('with a name inside that cannot be sent names it', () => {
    expect(codesOf({ entries: { 'app/a\\b': 'file' } })).toEqual(['error job_entry_name']);
    expect(codesOf({ entries: { 'app/\ufffd': 'file' } })).toEqual(['error job_entry_name']);
    expect(codesOf({ entries: { 'app/.__nvfl_sig.json': 'folder' } })).toEqual(['error job_entry_name']);
  });

  test('with own code gives notice and is not held against class lists', () => {
    const findings = findingsOf({
      entries: { 'app/custom': 'folder' },
      server: { workflows: [{ path: 'mine.Controller' }] },
    });
    expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual(['info job_byoc']);
    expect(findings[0]?.message).toContain('app/custom');
  });
});

describe('the meta', () => {
  test.each([
    ['is missing', { entries: { 'meta.json': undefined } }, 'job_meta_missing'],
    ['is no UTF-8', { metaText: null }, 'job_meta_encoding'],
    ['is empty', { metaText: '{}' }, 'job_meta_type'],
    ['is a list', { metaText: '[1]' }, 'job_meta_type'],
    ['is cut short', { metaText: '{"deploy_map": {"app": ["@ALL"]}' }, 'job_meta_syntax'],
  ] as [string, SampleChanges, string][])('%s', (_, changes, code) => {
    expect(codesOf(changes)).toContain(`error ${code}`);
  });

  test('that is no JSON is named with its line', () => {
    const [finding] = findingsOf({ metaText: '{\n  "name": "x",\n  "deploy_map": {"app": [@ALL]}\n}' });
    expect(finding).toMatchObject({ code: 'job_meta_syntax', file: 'meta.json', line: 3, column: 26 });
  });

  test('in HOCON is read as far as it is JSON, else left to the server', () => {
    const json = JSON.stringify({ deploy_map: { app: ['server'] } });
    expect(codesOf({ entries: { 'meta.json': undefined }, texts: { 'meta.conf': json } })).toEqual([
      'error job_deploy_map_clients',
    ]);
    const hocon = {
      entries: { 'meta.json': undefined },
      texts: { 'meta.conf': 'name = x\ndeploy_map { app = ["@ALL"] }' },
    };
    expect(codesOf(hocon)).toEqual(['warning job_meta_unchecked']);
  });

  test('in YAML is checked, with a word on what the server needs for it', () => {
    const yaml = {
      entries: { 'meta.json': undefined },
      texts: { 'meta.yml': 'name: x\ndeploy_map:\n  app: [server, server]\n' },
    };
    const findings = findingsOf(yaml);
    expect(findings.map(({ code }) => code)).toEqual([
      'job_meta_yaml',
      'job_deploy_map_twice',
      'job_deploy_map_clients',
    ]);
    expect(findings[1]).toMatchObject({ file: 'meta.yml', line: 2 + 1 });
  });

  test('with a key twice gets a warning at the second', () => {
    const [finding] = findingsOf({
      metaText: '{"min_clients": 1,\n"min_clients": 2,\n"deploy_map": {"app": ["@ALL"]}}',
    });
    expect(finding).toMatchObject({
      severity: 'warning',
      code: 'job_duplicate_key',
      line: 2,
      path: 'min_clients',
    });
  });

  test('points at the line of the field that is wrong', () => {
    const [finding] = findingsOf({ meta: { name: 'x', deploy_map: { app: ['@ALL'] }, min_clients: 'many' } });
    expect(finding).toMatchObject({ code: 'job_min_clients', line: 8, path: 'min_clients' });
    expect(finding?.message).toContain('"many"');
  });

  test('with what only 2.8 refuses is an error there, a warning elsewhere', () => {
    const changes = {
      meta: { ...deployTo({ sites: ['server', 'site-1'], gpus: 1 }), launcher_spec: { s: { lsf: {} } } },
    };
    const codes = ['job_deploy_map_key', 'job_launcher_spec'];
    expect(codesOf(changes, { line: '2.8.1' })).toEqual(codes.map((code) => `error ${code}`));
    expect(codesOf(changes, { line: '2.7.2' })).toEqual(codes.map((code) => `warning ${code}`));
    expect(codesOf(changes, {})).toEqual(codes.map((code) => `warning ${code}`));
  });
});

describe('the classes', () => {
  const disallowed = {
    server: {
      workflows: [
        {
          path: 'nvflare.app_common.workflows.fedavg.FedAvg',
          args: { aggregator: { path: 'torch.optim.SGD', args: {} } },
        },
      ],
      components: [{ id: 'a', name: 'NPTrainer' }],
    },
  };

  test('that a 2.8 site refuses are errors with class, site and line', () => {
    const findings = findingsOf(disallowed);
    expect(findings.map(({ code }) => code)).toEqual(['job_class_form', 'job_class_not_allowed']);
    expect(findings[1]).toMatchObject({
      severity: 'error',
      file: 'app/config/config_fed_server.json',
      path: 'workflows[0].args.aggregator',
      line: 6,
    });
    expect(findings[1]?.message).toBe('Class torch.optim.SGD is not allowed on server.');
  });

  test('are no matter on 2.7, and only foretold when the line is not known', () => {
    expect(findingsOf(disallowed, { line: '2.7.2' })).toEqual([]);
    expect(codesOf(disallowed, {})).toEqual(['warning job_class_form', 'warning job_class_not_allowed']);
  });

  test('are held against the list of each site', () => {
    const client = { executors: [{ tasks: ['train'], executor: { path: 'hospital.Trainer' } }] };
    const meta = deployTo('server', 'site-1', 'site-2', 'site-3');
    const policies = [
      { site: 'site-1', allowList: ['hospital.'], mode: 'enforce' as const },
      { site: 'site-2', allowList: [], mode: 'warn' as const },
      defaultClassPolicy('site-3'),
    ];
    const findings = findingsOf({ client, meta }, { policies });
    expect(findings.map(({ severity, message }) => [severity, message])).toEqual([
      ['error', 'Class hospital.Trainer is not allowed on site-3.'],
      ['warning', 'Class hospital.Trainer is not on the list, but is let pass, on site-2.'],
    ]);
  });

  test('that are a variable are left for the start', () => {
    expect(codesOf({ server: { workflows: [{ path: '{wf}' }] } })).toEqual(['info job_class_variable']);
  });
});

describe('the app configuration', () => {
  test('that is no JSON is named with its line', () => {
    const [finding] = findingsOf({ texts: { 'app/config/config_fed_client.json': '{\n"executors": [,]}' } });
    expect(finding).toMatchObject({
      code: 'job_config_syntax',
      file: 'app/config/config_fed_client.json',
      line: 2,
    });
  });

  test('without workflows, or with an id twice, is an error', () => {
    expect(
      codesOf({
        server: { components: [{ id: 'a', path: 'nvflare.app_common.np.np_trainer.NPTrainer' }, {}] },
      }),
    ).toEqual(['error job_workflows_missing', 'error job_component_id', 'error job_class_form']);
  });

  test('of a side the app does not go to is not looked at', () => {
    const meta = { deploy_map: { app: ['server'], app2: ['site-1'] } };
    const texts = {
      'app/config/config_fed_client.json': 'nonsense',
      'app2/config/config_fed_client.json': JSON.stringify({ executors: [{ executor: { path: 'a.B' } }] }),
    };
    expect(
      codesOf({ meta, texts, entries: { app2: 'folder', 'app2/config': 'folder' } }, { line: '2.7.2' }),
    ).toEqual([]);
  });
});

describe('the sites', () => {
  test('that are connected and enough give no finding', () => {
    expect(
      codesOf(
        { meta: { ...deployTo('server', 'site-1'), min_clients: 1 } },
        { connected: ['site-1', 'site-2'] },
      ),
    ).toEqual([]);
  });

  test('of another project are errors, with the name that is meant', () => {
    const [finding] = findingsOf(
      { meta: deployTo('server', 'site1') },
      { projectSites: ['site-1', 'site-2'] },
    );
    expect(finding).toMatchObject({
      severity: 'error',
      code: 'job_site_unknown',
      hint: 'Did you mean "site-1"?',
      path: 'deploy_map.app[1]',
      line: 5,
    });
  });

  test('that are absent are a warning, too few of them an error', () => {
    const meta = { ...deployTo('server', 'site-1', 'site-2'), min_clients: 1 };
    expect(codesOf({ meta }, { connected: ['site-1'] })).toEqual(['warning job_site_not_connected']);
    expect(codesOf({ meta: { ...meta, min_clients: 2 } }, { connected: ['site-1'] })).toEqual([
      'warning job_site_not_connected',
      'error job_too_few_sites',
    ]);
    expect(codesOf({}, { connected: [] })).toEqual(['error job_too_few_sites']);
  });

  test('that are mandatory and absent are an error', () => {
    const meta = { ...deployTo('@ALL'), mandatory_clients: ['site-2'] };
    expect(codesOf({ meta }, { connected: ['site-1'] })).toEqual(['error job_mandatory_site_absent']);
  });

  test('outside the study are errors', () => {
    const meta = deployTo('server', 'site-1', 'site-2');
    const study = { name: 'cancer', sites: ['site-1'] };
    const [finding] = findingsOf({ meta }, { study });
    expect(finding?.message).toBe('Site "site-2" is not in study "cancer".');
    expect(codesOf({ meta }, { study: { name: 'default', sites: null } })).toEqual([]);
  });
});
