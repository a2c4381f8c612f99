/** Our state and the reference's are one: either goes on where the other stopped (docs/reference/provisioning.md §3.5, §5.8). */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyKit } from '../../../src-main/services/kits/index.ts';
import { flareVersions, newLabFolder } from '../../lab/nvflare.ts';
import { compare } from './compare.ts';
import { unexcused } from './deviations.ts';
import type { Fields } from './generate.ts';
import { provisionOurs } from './ours.ts';
import { type ProvisionAnswer, type ProvisionRequest, type Reference, startReference } from './reference.ts';
import { takeSnapshot } from './snapshot.ts';
import { writeProject } from './workbench.ts';

const impl = 'nvflare.lighter.impl';
const name = 'example_project';
const participants: Fields[] = [
  { name: 'server1', type: 'server', org: 'nvidia', host_names: ['localhost'] },
  {
    name: 'relay-1',
    type: 'relay',
    org: 'nvidia',
    listening_host: { default_host: 'localhost', port: 9001 },
  },
  { name: 'site-1', type: 'client', org: 'nvidia' },
  { name: 'admin@nvidia.com', type: 'admin', org: 'nvidia', role: 'lead' },
];
const later: Fields[] = [
  { name: 'site-2', type: 'client', org: 'org2' },
  { name: 'second@nvidia.com', type: 'admin', org: 'nvidia', role: 'member' },
  { name: 'site-3', type: 'client', org: 'org2' },
];

describe.each(flareVersions)('shared state, %s', (line) => {
  let reference: Reference;
  let folder = '';
  let workspace = '';

  beforeAll(async () => {
    reference = await startReference(line);
  });
  afterAll(() => reference.close());
  beforeEach(async () => {
    folder = await newLabFolder('state');
    workspace = join(folder, 'ws');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const tools: Record<string, (request: ProvisionRequest) => Promise<ProvisionAnswer>> = {
    ours: (request) => provisionOurs(line, request),
    theirs: (request) => reference.provision(request),
  };

  /** Provisions the first participants and `more` of the later ones; gives the state's text. */
  const step = async (tool: string, more: number): Promise<string> => {
    const project = {
      api_version: 3,
      name,
      participants: [...participants, ...later.slice(0, more)],
      builders: [
        { path: `${impl}.workspace.WorkspaceBuilder` },
        { path: `${impl}.static_file.StaticFileBuilder`, args: { config_folder: 'config' } },
        { path: `${impl}.cert.CertBuilder` },
        { path: `${impl}.signature.SignatureBuilder` },
      ],
    };
    const file = await writeProject(folder, { seed: 0, files: {}, project });
    const answer = await tools[tool]?.({ project: file, workspace, cwd: folder });
    expect(answer?.ok, answer?.output).toBe(true);
    return await readFile(join(workspace, name, 'state/cert.json'), 'utf8');
  };

  const problemsOf = async (prod: string): Promise<unknown[]> => {
    const kits = (await readdir(join(workspace, name, prod))).map((kit) => join(workspace, name, prod, kit));
    const results = await Promise.all(kits.map((kit) => verifyKit(kit)));
    return results.flatMap(({ problems }) => problems);
  };

  it.each([
    ['ours', 'theirs', 'ours'],
    ['theirs', 'ours', 'theirs'],
    ['ours', 'ours', 'theirs'],
    ['theirs', 'theirs', 'ours'],
  ])('%s, then %s, then %s', async (...order) => {
    const states: Record<string, unknown>[] = [];
    for (const [index, tool] of order.entries()) {
      states.push(JSON.parse(await step(tool, index)) as Record<string, unknown>);
      expect(await problemsOf(`prod_0${index}`)).toEqual([]);
    }
    const [first, second, third] = states;
    // Everything known stays as it is and in its place; the new ones follow.
    expect(Object.entries(second ?? {}).slice(0, -1)).toEqual(Object.entries(first ?? {}));
    expect(Object.entries(third ?? {}).slice(0, -1)).toEqual(Object.entries(second ?? {}));
    expect(Object.keys(third ?? {}).slice(-2)).toEqual(['site-2', 'second@nvidia.com']);
    for (const file of [
      'site-1/startup/client.crt',
      'site-1/startup/client.key',
      'server1/startup/server.crt',
      'server1/startup/rootCA.pem',
    ]) {
      const [from, to] = await Promise.all(
        ['prod_00', 'prod_02'].map((prod) => readFile(join(workspace, name, prod, file), 'utf8')),
      );
      expect(to, file).toBe(from);
    }
  });

  it('the same run again: both leave the state as it was and make the same kits', async () => {
    const before = await step('theirs', 3);
    const ours = await step('ours', 3);
    expect(JSON.parse(ours)).toEqual(JSON.parse(before));
    const theirs = await step('theirs', 3);
    expect(JSON.parse(theirs)).toEqual(JSON.parse(before));
    const [reference_, own] = await Promise.all(
      ['prod_02', 'prod_01'].map((prod) => takeSnapshot(join(workspace, name), prod)),
    );
    if (!reference_ || !own) throw new Error('nothing was provisioned');
    const project = { participants: [...participants, ...later] };
    expect(unexcused(compare(reference_, own), { line, project })).toEqual([]);
  });
});
