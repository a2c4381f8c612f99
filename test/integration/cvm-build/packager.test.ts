/**
 * Provisioning with OnPremPackager on this machine, beside what NVFlare's own packager does with the same projects: its recorded
 * calls of the image builder, and every row of its failure matrix.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCore, type Core } from '../../../src-main/core.ts';
import type { ErrorAnswer } from '../../../src-main/contract/errors.ts';
import type { TaskOutput } from '../../../src-main/contract/index.ts';
import { ccBuilders, onPremPackager } from '../../lab/build-project.ts';
import { installed, saveArchive } from '../../lab/docker/save-archive.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { builderCommand } from './bench.ts';

const vectors = join(import.meta.dirname, '../../fixtures/vectors/provision');
const read = (name: string) =>
  JSON.parse(readFileSync(join(vectors, name), 'utf8')) as Record<string, unknown>;

let folder: string;
let core: Core;
const before = { ...process.env };
beforeAll(async () => {
  folder = await newLabFolder('packager');
  mkdirSync(join(folder, 'home'));
  mkdirSync(join(folder, 'extra'));
  const image = await saveArchive({
    tag: 'nvflare-site',
    entrypoint: [],
    layers: [installed('nvflare', '2.8.1')],
  });
  writeFileSync(join(folder, 'nvflare-site.tar.gz'), gzipSync(image));
  Object.assign(process.env, {
    HOME: join(folder, 'home'),
    CVM_TEST_BUILDER_HOME: join(folder, 'builder'),
    FLAREDESK_BUILDER_LOCK: join(folder, 'lock'),
  });
  core = createCore({
    stateFolder: join(folder, 'state'),
    version: '0',
    environment: { home: join(folder, 'home'), user: 'test' },
    checkOutputs: true,
  });
});
afterAll(async () => {
  await core.dispose();
  for (const name of ['HOME', 'CVM_TEST_BUILDER_HOME', 'FLAREDESK_BUILDER_LOCK', 'CVM_TEST_BUILDER_RECORD'])
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
});

interface Ended {
  error?: ErrorAnswer;
  provisioned?: TaskOutput<'provisioning.run'>;
  images?: TaskOutput<'builds.run'>['images'];
}

const client = () => core.clientFor({ name: 'test', placeOf: (given) => given });

async function settled(id: string): Promise<{ result?: unknown; error?: ErrorAnswer }> {
  const opened = await client().open('tasks.watch', { id });
  if (!opened.ok) return { error: opened.error };
  let last: { result?: unknown; error?: ErrorAnswer } = {};
  for await (const item of opened.value.items)
    if (item.kind === 'task' && item.task.id === id) last = item.task;
  return last;
}

/** Kits, then images, to their ends. */
async function provision(file: string, flare: string): Promise<Ended> {
  const started = await client().start('provisioning.run', { file, flare });
  if (!started.ok) return { error: started.error };
  const kits = await settled(started.value.id);
  if (kits.error) return { error: kits.error };
  const provisioned = kits.result as TaskOutput<'provisioning.run'>;
  if (provisioned.build_task === undefined) return { provisioned };
  const built = await settled(provisioned.build_task);
  if (built.error) return { provisioned, error: built.error };
  return { provisioned, images: (built.result as TaskOutput<'builds.run'>).images };
}

describe.each(['2.7.2', '2.8.1'])('the recorded calls of NVFlare %s', (line) => {
  const vector = read(`cc-packaged-${line}.json`) as unknown as {
    project: Record<string, unknown>;
    files: Record<string, Record<string, unknown>>;
    build_calls: Record<string, unknown>[];
    tree: { path: string; type: string }[];
  };

  test('are made the same way, and the result lies in the same places', async () => {
    const here = join(folder, `calls-${line}`);
    mkdirSync(join(here, 'cvm'), { recursive: true });
    symlinkSync(builderCommand, join(here, 'cvm/cvm_build.sh'));
    // The recorded paths, as they are on this machine. Addresses and names stay.
    const local = (text: string) =>
      text
        .replaceAll('<cwd>', here)
        .replaceAll('/tmp/nvflare-site.tar.gz', join(folder, 'nvflare-site.tar.gz'))
        .replaceAll('/tmp/extra', join(folder, 'extra'));
    writeFileSync(join(here, 'project.yml'), local(stringify(vector.project)));
    for (const [name, content] of Object.entries(vector.files))
      writeFileSync(join(here, name), local(stringify(content)));
    process.env.CVM_TEST_BUILDER_RECORD = join(here, 'record');
    const { images, error } = await provision(join(here, 'project.yml'), line);
    expect(error).toBeUndefined();
    expect(images?.map(({ site, state, error: why }) => [site, state, why?.message])).toEqual([
      ['server1', 'built', undefined],
      ['site-1', 'built', undefined],
    ]);
    const calls = readFileSync(join(here, 'record'), 'utf8')
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    // Ours adds FLAREDESK_BUILD to the environment, by which a build's processes are found again.
    const expected = JSON.parse(
      local(JSON.stringify(vector.build_calls)).replaceAll('<system temp dir>', tmpdir()),
    ) as Record<string, unknown>[];
    expect(calls.map(({ config_path: _path, ...call }) => ({ ...call, env_added: {} }))).toEqual(expected);
    for (const { config_path: path } of calls) expect(existsSync(path as string)).toBe(false);

    const recorded = vector.tree
      .filter(({ type, path }) => type === 'file' && path.startsWith('prod_00/'))
      .map(({ path }) => path)
      .sort();
    const root = join(here, 'workspace/example_project');
    const ours = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .filter((path) => path.startsWith('prod_00/') && !path.endsWith('.bundle.json'))
      .sort();
    expect(ours.filter((path) => /(server1|site-1)\//.test(path))).toEqual([
      'prod_00/server1/server1.tgz',
      'prod_00/site-1/site-1.tgz',
    ]);
    expect(ours).toEqual(recorded);
  });
});

// The recorded rows have no issuer; a site without one is refused here before anything else is looked at.
const server = (more = '') => `compute_env: onprem_cvm
cc_cpu_mechanism: amd_sev_snp
role: server
root_drive_size: 45
cc_issuers:
- id: snp_authorizer
  path: nvflare.app_opt.confidential_computing.snp_authorizer.SNPAuthorizer
${more}`;
const wish = (words: string) => server(`test_builder: { ${words} }\n`);

const projectOf = (ccName: string) => ({
  api_version: 3,
  name: 'study',
  participants: [{ name: 'server1', type: 'server', org: 'nvidia', fed_learn_port: 8002, cc_config: ccName }],
  builders: ccBuilders,
});

interface Row {
  /** Makes the builder below the project's folder; default: a link to the test builder. */
  builder?: (path: string) => void;
  command?: string;
  cc?: string;
  ccName?: string;
  /** Further packager arguments. */
  args?: Record<string, unknown>;
  noArgs?: boolean;
  /** How it ends here. `refused`: nothing was changed; `kit`: the signed kit stays, the image failed; `image`: built. */
  ends: 'refused' | 'kit' | 'image';
  /** What the message says. */
  says?: RegExp;
  /** Where it ends better than recorded, and why. */
  better?: string;
}

/** Every row of packager-failure-matrix.json, and how it ends here. */
const rows: Record<string, Row> = {
  single_participant_ok: { ends: 'image' },
  build_cmd_relative: {
    command: 'cvm_build.sh',
    ends: 'image',
    better: 'a relative command counts from the project file, not from a temporary folder',
  },
  build_cmd_relative_dot: {
    command: './cvm_build.sh',
    ends: 'image',
    better: 'a relative command counts from the project file, not from a temporary folder',
  },
  build_cmd_tilde: {
    command: '~/cvm_build.sh',
    ends: 'image',
    better: 'the home folder is written out',
  },
  build_cmd_default_when_no_args: {
    noArgs: true,
    ends: 'kit',
    says: /build_cvm_image\.sh is not there/,
    better: 'an error with the fix and an exit code; recorded: exit 0 on 2.7.2',
  },
  build_cmd_not_executable: {
    builder: (path) => writeFileSync(path, '#!/bin/sh\n', { mode: 0o644 }),
    ends: 'kit',
    says: /not executable/,
    better: 'an error with the fix and an exit code; recorded: exit 0 on 2.7.2',
  },
  build_cmd_missing: {
    command: '/nonexistent/cvm_build.sh',
    ends: 'kit',
    says: /\/nonexistent\/cvm_build\.sh is not there/,
    better: 'an error with the fix and an exit code; recorded: exit 0 on 2.7.2',
  },
  build_cmd_is_directory: {
    command: '/tmp',
    ends: 'kit',
    says: /\/tmp is a folder/,
    better: 'said in words before anything begins',
  },
  exit_code_3: {
    cc: wish('fail: 3'),
    ends: 'kit',
    says: /status 3/,
    better: 'the last words of the builder are told',
  },
  no_ready_line: {
    cc: wish('line: missing'),
    ends: 'kit',
    says: /without the line "CVM Bundle <path> is ready"/,
    better: 'says what was missing',
  },
  ready_line_path_missing: {
    cc: wish('result: none'),
    ends: 'kit',
    says: /is not there/,
    better: 'says which file',
  },
  ready_line_on_stderr: { cc: wish('line: stderr'), ends: 'kit', says: /on standard output/ },
  ready_line_with_prefix_and_spaces: { cc: wish('line: prefix'), ends: 'image' },
  ready_line_twice_first_wins: { cc: wish('line: twice'), ends: 'image' },
  ready_path_is_directory: {
    cc: wish('result: folder'),
    ends: 'kit',
    says: /is a folder, not an archive/,
    better: 'the kit is kept; recorded: it was deleted before the copy failed',
  },
  no_shebang: {
    builder: (path) => {
      writeFileSync(path, `exec ${builderCommand} "$@"\n`, { mode: 0o755 });
    },
    ends: 'image',
    better: 'the shell runs it, as it does when a person types it',
  },
  user_config_null: {
    cc: server('user_config:\n'),
    ends: 'refused',
    says: /user_config/,
    better: 'found before keys and kits are made',
  },
  user_config_list: {
    cc: server('user_config: [a]\n'),
    ends: 'refused',
    says: /user_config/,
    better: 'found before keys and kits are made',
  },
  cc_config_missing_file: {
    ccName: 'nope.yml',
    ends: 'refused',
    says: /nope\.yml/,
    better: 'no kit without the protection it asks for',
  },
  cc_config_bad_env_still_packaged: {
    cc: 'compute_env: bogus\n',
    ends: 'refused',
    says: /compute_env|bogus/,
    better: 'a kit without protection is not packaged as if it were confidential',
  },
  cc_config_subdir_relative_to_cwd: { ccName: 'sub/cc.yml', ends: 'image' },
  packager_key_other: {
    args: { cc_config_key: 'my_cc' },
    ends: 'kit',
    says: /my_cc/,
    better: 'an error; recorded: exit 0 and no image',
  },
  azure_env_with_onprem_packager: {
    cc: 'compute_env: azure_cvm\ncc_issuers:\n- id: az\n  path: nvflare.app_opt.confidential_computing.az_cvm_authorizer.AZCVMAuthorizer\n',
    ends: 'image',
  },
  large_stderr_8MB: {
    cc: wish('stderr: 8000000'),
    ends: 'image',
    better: 'both pipes are read; recorded: dead-locked',
  },
  gen_scripts_start_all_removed: { ends: 'image' },
};

test('every recorded row is here', () => {
  const matrix = read('packager-failure-matrix.json') as { cases: { id: string }[] };
  expect(Object.keys(rows).sort()).toEqual(matrix.cases.map(({ id }) => id).sort());
});

test.each(Object.entries(rows))('%s ends as recorded or better', async (id, row) => {
  const here = join(folder, id);
  mkdirSync(join(here, 'sub'), { recursive: true });
  const builder = join(here, 'cvm_build.sh');
  (row.builder ?? ((path: string) => symlinkSync(builderCommand, path)))(builder);
  if (!existsSync(join(folder, 'home/cvm_build.sh')))
    symlinkSync(builderCommand, join(folder, 'home/cvm_build.sh'));
  const ccName = row.ccName ?? 'cc.yml';
  if (ccName !== 'nope.yml') writeFileSync(join(here, ccName), row.cc ?? server());
  const args = { build_image_cmd: row.command ?? builder, ...row.args };
  const project = {
    ...projectOf(ccName),
    packager: { path: onPremPackager, ...(row.noArgs === true ? {} : { args }) },
  };
  writeFileSync(join(here, 'project.yml'), stringify(project));
  process.env.CVM_TEST_BUILDER_RECORD = join(here, 'record');
  const ended = await provision(join(here, 'project.yml'), '2.8.1');
  const prod = join(here, 'workspace/study/prod_00');
  const image = ended.images?.[0];
  const said = [ended.error, image?.error]
    .map((error) => (error ? `${error.message} ${error.hint}` : ''))
    .join('');
  if (row.says) expect(said).toMatch(row.says);
  else expect(said).toBe('');
  if (row.ends === 'refused') {
    expect(existsSync(join(here, 'workspace/study/prod_00'))).toBe(false);
    return;
  }
  const place = join(prod, 'server1');
  if (row.ends === 'image') expect(readdirSync(place).sort()).toEqual(['server1.bundle.json', 'server1.tgz']);
  else {
    expect(readdirSync(place)).toContain('startup');
    expect(existsSync(join(place, 'server1.tgz'))).toBe(false);
  }
  expect(existsSync(join(prod, 'start_all.sh'))).toBe(false);
  expect(readdirSync(prod).filter((name) => name.startsWith('.'))).toEqual([]);
});

test.each([
  ['cut', /cut short|damaged|incomplete/],
  ['link', /link/],
])('an archive that is %s is refused, and the kit stays', async (result, words) => {
  const here = join(folder, `result-${result}`);
  mkdirSync(here);
  writeFileSync(join(here, 'cc.yml'), wish(`result: ${result}`));
  writeFileSync(
    join(here, 'project.yml'),
    stringify({
      ...projectOf('cc.yml'),
      packager: { path: onPremPackager, args: { build_image_cmd: builderCommand } },
    }),
  );
  const { images } = await provision(join(here, 'project.yml'), '2.8.1');
  expect(images?.[0]).toMatchObject({
    state: 'failed',
    error: { code: 'integrity', message: expect.stringMatching(words) as string },
  });
  expect(readdirSync(join(here, 'workspace/study/prod_00/server1'))).toContain('startup');
});
