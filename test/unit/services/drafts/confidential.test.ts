import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DraftOperation } from '../../../../src-main/contract/drafts.ts';
import { createDrafts, type Draft, type Drafts } from '../../../../src-main/services/drafts/index.ts';
import { openStore, type Store } from '../../../../src-main/services/store/index.ts';

const projectText = `api_version: 3
name: north
participants:
  - name: server1
    type: server
    org: hq
    fed_learn_port: 9102
  - name: site-1   # the first hospital
    type: client
    org: one
  - name: admin@north.example
    type: admin
    org: hq
    role: project_admin
builders:
  - path: nvflare.lighter.impl.workspace.WorkspaceBuilder
  - path: nvflare.lighter.impl.static_file.StaticFileBuilder
  - path: nvflare.lighter.impl.cert.CertBuilder
  # signed last
  - path: nvflare.lighter.impl.signature.SignatureBuilder
`;
const ours = `# our own words
compute_env: onprem_cvm
host_entries: # the guide said so
  server1: 10.0.0.5
colour: blue
`;

let folder: string;
let store: Store;
let drafts: Drafts;
const file = (name: string) => join(folder, 'project', name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drafts-cc-'));
  await mkdir(join(folder, 'project'));
  await writeFile(file('project.yml'), projectText);
  store = openStore(join(folder, 'state'));
  drafts = createDrafts({
    documents: store.documents,
    onChange: () => undefined,
    lookUpName: () => Promise.resolve('missing'),
  });
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

const now = async (): Promise<Draft> => {
  const draft = await drafts.current();
  if (!draft) throw new Error('There is no draft.');
  return draft;
};
async function after(...operations: DraftOperation[]): Promise<Draft> {
  if (!(await drafts.current())) await drafts.begin(file('project.yml'));
  await drafts.edit((await now()).revision, operations);
  return now();
}
const textOf = (draft: Draft, name: string) => draft.files.cc.find((one) => one.name === name)?.text;
const both: DraftOperation[] = [
  { op: 'enable_cc', name: 'server1' },
  { op: 'enable_cc', name: 'site-1' },
];

describe('switching confidential computing on', () => {
  it('writes a commented file per site and puts the builder before the signatures', async () => {
    const draft = await after(...both);
    expect(draft.files.project.text).toContain(
      '- path: nvflare.lighter.cc_provision.impl.cc.CCBuilder\n  # signed last\n',
    );
    expect(draft.files.project.text).toContain('- name: site-1   # the first hospital\n');
    expect(draft.files.cc.map(({ name, base }) => [name, base])).toEqual([
      ['cc_server1.yml', ''],
      ['cc_site-1.yml', ''],
    ]);
    expect(textOf(draft, 'cc_server1.yml')).toContain('allowed_ports: [9102]');
    expect(textOf(draft, 'cc_site-1.yml')).toContain('allowed_out_ports: [443, 9102, 8999]');
    expect(draft.model?.participants[1]?.cc).toMatchObject({
      file: 'cc_site-1.yml',
      own: true,
      values: { role: 'client', root_drive_size: 45 },
    });
    expect(draft.model?.confidential).toMatchObject({ has_builder: true, has_packager: false });
    const alarms = draft.findings.filter(({ severity }) => severity !== 'info');
    expect(alarms.filter(({ severity }) => severity === 'error')).toEqual([]);
    // The archive of the example and an image builder are not there, and nobody knows the server's name.
    expect(new Set(alarms.map(({ code }) => code))).toEqual(
      new Set(['cc_archive_missing', 'cc_packager_missing', 'cc_host_unresolved']),
    );
  });

  it.each(['mock', 'azure_cvm', 'azure_confidential_container'] as const)(
    'of %s is sound',
    async (environment) => {
      const draft = await after(...both.map((one) => ({ ...one, environment }) as DraftOperation));
      expect(draft.findings.filter(({ severity }) => severity !== 'info' && severity !== 'warning')).toEqual(
        [],
      );
      expect(draft.findings.filter(({ code }) => code.startsWith('cc_issuer'))).toEqual([]);
    },
  );

  it('takes up a file that is there already, as it is', async () => {
    await writeFile(file('cc_site-1.yml'), ours);
    const draft = await after(...both);
    expect(textOf(draft, 'cc_site-1.yml')).toBe(ours);
    expect(draft.files.cc.find(({ name }) => name === 'cc_site-1.yml')?.base).toBe(ours);
  });

  it('is refused for an admin', async () => {
    await expect(after({ op: 'enable_cc', name: 'admin@north.example' })).rejects.toMatchObject({
      code: 'invalid_input',
    });
  });

  it('is taken back by undo and by switching off; the file stays on disk', async () => {
    await writeFile(file('cc_site-1.yml'), ours);
    await after(...both);
    await drafts.undo('undo');
    expect((await now()).files.project.text).toBe(projectText);
    expect((await now()).files.cc).toEqual([]);
    await drafts.undo('redo');
    const off = await after({ op: 'disable_cc', name: 'site-1' });
    expect(off.files.cc.map(({ name }) => name)).toEqual(['cc_server1.yml']);
    await drafts.save();
    expect(await readFile(file('cc_site-1.yml'), 'utf8')).toBe(ours);
  });
});

describe('a confidential-computing file in a form', () => {
  beforeEach(async () => {
    await writeFile(file('cc_site-1.yml'), ours);
    await after(...both);
  });

  it('keeps comments and keys the form does not know', async () => {
    const draft = await after(
      { op: 'set', file: 'cc:cc_site-1.yml', path: ['compute_env'], value: 'mock' },
      { op: 'set', file: 'cc:cc_site-1.yml', path: ['allowed_out_ports'], value: [443, 8999] },
      { op: 'rename_key', file: 'cc:cc_site-1.yml', path: ['host_entries'], key: 'hosts_entries' },
    );
    expect(textOf(draft, 'cc_site-1.yml')).toBe(
      `${ours.replace('onprem_cvm', 'mock').replace('host_entries', 'hosts_entries')}allowed_out_ports: [443, 8999]\n`,
    );
  });

  it('keeps the comments of the entries of a list that stay', async () => {
    const list = `${ours}allowed_out_ports:\n  - 443   # AMD\n  - 8002\n  - 8999  # key broker\n`;
    await drafts.setText((await now()).revision, 'cc:cc_site-1.yml', list);
    const setPorts = (value: number[]): DraftOperation => ({
      op: 'set_list',
      file: 'cc:cc_site-1.yml',
      path: ['allowed_out_ports'],
      value,
    });
    expect(textOf(await after(setPorts([443, 8999, 111])), 'cc_site-1.yml')).toBe(
      `${ours}allowed_out_ports:\n  - 443   # AMD\n  - 8999  # key broker\n  - 111\n`,
    );
    expect(textOf(await after(setPorts([1, 2])), 'cc_site-1.yml')).toBe(`${ours}allowed_out_ports: [1, 2]\n`);
    expect(textOf(await after(setPorts([])), 'cc_site-1.yml')).toBe(`${ours}allowed_out_ports: []\n`);
    expect(textOf(await after(setPorts([443])), 'cc_site-1.yml')).toBe(`${ours}allowed_out_ports: [443]\n`);
  });

  it('is edited by hand beside it', async () => {
    const { revision } = await now();
    await drafts.setText(revision, 'cc:cc_site-1.yml', 'compute_env: [');
    const draft = await now();
    expect(draft.model?.participants[1]?.cc).toEqual({ file: 'cc_site-1.yml', own: true });
    expect(draft.findings).toContainEqual(
      expect.objectContaining({ severity: 'error', file: file('cc_site-1.yml'), line: 1 }),
    );
  });

  it('is written before project.yml names it', async () => {
    const draft = await after({ op: 'set', file: 'cc:cc_site-1.yml', path: ['role'], value: 'client' });
    await drafts.save();
    for (const { name, text } of draft.files.cc) expect(await readFile(file(name), 'utf8')).toBe(text);
    expect(await readFile(file('project.yml'), 'utf8')).toContain('cc_config: cc_site-1.yml');
  });

  it('is not written over what another program wrote meanwhile', async () => {
    await writeFile(file('cc_site-1.yml'), 'compute_env: mock\n');
    await expect(drafts.save()).rejects.toMatchObject({ code: 'conflict' });
    expect((await now()).conflict).toEqual({ cc: { 'cc_site-1.yml': 'compute_env: mock\n' } });
    expect(await readFile(file('cc_site-1.yml'), 'utf8')).toBe('compute_env: mock\n');
    await drafts.save('mine');
    expect(await readFile(file('cc_site-1.yml'), 'utf8')).toBe(ours);
  });

  it.each(['../outside.yml', '/etc/outside.yml', 'a/../../outside.yml', 'notes.txt', 'project.yml'])(
    'is not %s',
    async (name) => {
      const draft = await after({ op: 'change_participant', name: 'site-1', changes: { cc_config: name } });
      expect(draft.files.cc.map((one) => one.name)).toEqual(['cc_server1.yml']);
      await expect(drafts.setText(draft.revision, `cc:${name}`, 'compute_env: mock\n')).rejects.toMatchObject(
        { code: 'not_found' },
      );
    },
  );
});
