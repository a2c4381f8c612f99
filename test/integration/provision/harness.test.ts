/** The comparison itself: equal for two runs of the reference, and it finds every kind of change in a copy. */
import { chmod, cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flareVersions, newLabFolder } from '../../lab/nvflare.ts';
import { compare } from './compare.ts';
import { unexcused } from './deviations.ts';
import type { Fields } from './generate.ts';
import { type Reference, startReference } from './reference.ts';
import { snapshotOf, writeProject } from './workbench.ts';

const impl = 'nvflare.lighter.impl';
const project = {
  api_version: 3,
  name: 'example_project',
  participants: [
    { name: 'server1', type: 'server', org: 'nvidia' },
    {
      name: 'relay-1',
      type: 'relay',
      org: 'nvidia',
      listening_host: { default_host: 'localhost', port: 9001 },
    },
    { name: 'site-1', type: 'client', org: 'nvidia', connect_to: { name: 'relay-1' } },
    { name: 'admin@nvidia.com', type: 'admin', org: 'nvidia', role: 'lead' },
  ] as Fields[],
  builders: [
    { path: `${impl}.workspace.WorkspaceBuilder` },
    { path: `${impl}.static_file.StaticFileBuilder`, args: { docker_image: 'nvflare:2' } },
    { path: `${impl}.cert.CertBuilder` },
    { path: `${impl}.signature.SignatureBuilder` },
  ],
};

/** What is done to a copy, and where the comparison must point. */
const changes: { name: string; path: string; change: (prod: string) => Promise<void> }[] = [
  {
    name: 'a missing file',
    path: 'server1/local/privacy.json.sample',
    change: (prod) => rm(join(prod, 'server1/local/privacy.json.sample')),
  },
  {
    name: 'a file too many',
    path: 'site-1/startup/x.json',
    change: (prod) => writeFile(join(prod, 'site-1/startup/x.json'), '{}'),
  },
  {
    name: 'another mode',
    path: 'site-1/startup/start.sh',
    change: (prod) => chmod(join(prod, 'site-1/startup/start.sh'), 0o644),
  },
  {
    name: 'another value deep in a JSON file',
    path: 'site-1/local/resources.json.default',
    change: (prod) => replaceIn(join(prod, 'site-1/local/resources.json.default'), 'Gzip', 'gzip'),
  },
  {
    name: 'another argument of Python',
    path: 'site-1/startup/sub_start.sh',
    change: (prod) => replaceIn(join(prod, 'site-1/startup/sub_start.sh'), 'org=nvidia', 'org=other'),
  },
  {
    name: 'another container option',
    path: 'site-1/startup/docker.sh',
    change: (prod) => replaceIn(join(prod, 'site-1/startup/docker.sh'), ':ro', ''),
  },
  {
    name: 'a script that is no bash',
    path: 'relay-1/startup/stop_fl.sh',
    change: (prod) => replaceIn(join(prod, 'relay-1/startup/stop_fl.sh'), 'esac', ''),
  },
  {
    name: "another participant's certificate",
    path: 'site-1/startup/client.crt',
    change: (prod) => cp(join(prod, 'relay-1/startup/client.crt'), join(prod, 'site-1/startup/client.crt')),
  },
  {
    name: "another participant's key",
    path: 'site-1/startup/client.key',
    change: (prod) => cp(join(prod, 'relay-1/startup/client.key'), join(prod, 'site-1/startup/client.key')),
  },
  {
    name: 'CRLF in a PEM file',
    path: 'server1/startup/server.crt',
    change: (prod) => replaceIn(join(prod, 'server1/startup/server.crt'), '\n', '\r\n'),
  },
  {
    name: 'another state',
    path: 'state/cert.json',
    change: (prod) => replaceIn(join(prod, '../state/cert.json'), '"site-1"', '"site-9"'),
  },
];

const signatureChanges: typeof changes = [
  {
    name: 'a changed byte in a signed file',
    path: 'server1/startup/signature.json',
    change: (prod) => replaceIn(join(prod, 'server1/startup/start.sh'), '\n', '\n\n'),
  },
  {
    name: 'a signature too few',
    path: 'server1/startup/signature.json',
    change: (prod) => replaceIn(join(prod, 'server1/startup/signature.json'), /"start.sh": "[^"]+",?/, ''),
  },
];

async function replaceIn(file: string, from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`nothing to change in ${file}`);
  await writeFile(file, changed);
}

describe.each(flareVersions)('comparison of provisioned projects, %s', (line) => {
  let reference: Reference;
  let folder = '';

  beforeAll(async () => {
    folder = await newLabFolder('harness');
    reference = await startReference(line);
    const file = await writeProject(folder, { seed: 0, files: {}, project });
    for (const workspace of ['one', 'two']) {
      const answer = await reference.provision({
        project: file,
        workspace: join(folder, workspace),
        cwd: folder,
      });
      expect(answer.ok, answer.output).toBe(true);
    }
  });

  afterAll(async () => {
    await reference.close();
    await rm(folder, { recursive: true, force: true });
  });

  const differences = async (workspace: string) => {
    const theirs = await snapshotOf(join(folder, 'one'), project.name);
    const ours = await snapshotOf(join(folder, workspace), project.name);
    if (!theirs || !ours) throw new Error('nothing was provisioned');
    return unexcused(compare(theirs, ours), { line, project });
  };

  it('finds no difference between two runs of the reference', async () => {
    expect(await differences('two')).toEqual([]);
  });

  it.each(line === '2.7.2' ? [...changes, ...signatureChanges] : changes)(
    'finds $name',
    async ({ path, change }) => {
      const copy = join(folder, 'copy');
      await cp(join(folder, 'two'), copy, { recursive: true });
      await change(join(copy, project.name, 'prod_00'));
      const found = await differences('copy');
      await rename(copy, join(folder, `used-${Math.random()}`));
      expect(found.map((difference) => difference.path)).toContain(path);
    },
  );
});
