import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DraftOperation } from '../../../../src-main/contract/drafts.ts';
import { createDrafts, type Draft, type Drafts } from '../../../../src-main/services/drafts/index.ts';
import { openStore, type Store } from '../../../../src-main/services/store/index.ts';

const projectText = `# The federation of the north
api_version: 3
name: north   # short
description: ours
participants:
  - name: server1
    type: server
    org: hq
    fed_learn_port: 8002
  # the first hospital
  - name: site-1
    type: client
    org: one
    colour: blue   # nothing we know
  - name: admin@north.example
    type: admin
    org: hq
    role: project_admin
builders:
  - path: nvflare.lighter.impl.workspace.WorkspaceBuilder
  - path: nvflare.lighter.impl.static_file.StaticFileBuilder
    args:
      config_folder: config
  - path: nvflare.lighter.impl.cert.CertBuilder
  - path: nvflare.lighter.impl.signature.SignatureBuilder
`;
const deskText = `version: 1
flare: 2.8.1
hosts:
  site-1: # in the cellar
    ssh: h1.example
    note: ask Anna
`;

let folder: string;
let store: Store;
let drafts: Drafts;
let seen: (Draft | null)[];
const file = (name: string) => join(folder, 'project', name);

const open = (): void => {
  store = openStore(join(folder, 'state'));
  seen = [];
  drafts = createDrafts({ documents: store.documents, onChange: (draft) => seen.push(draft) });
};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drafts-'));
  await mkdir(join(folder, 'project'));
  await writeFile(file('project.yml'), projectText);
  await writeFile(file('desk.yml'), deskText);
  open();
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
const texts = async () => {
  const { files } = await now();
  return { project: files.project.text, desk: files.desk.text };
};
async function after(...operations: DraftOperation[]) {
  await drafts.begin(file('project.yml'));
  await drafts.edit((await now()).revision, operations);
  return texts();
}

describe('operations', () => {
  it('keep comments, order and keys a form does not know', async () => {
    const { project, desk } = await after(
      { op: 'change_participant', name: 'site-1', changes: { org: 'two' } },
      { op: 'set', file: 'project', path: ['description'], value: 'yours' },
    );
    expect(project).toBe(projectText.replace('org: one', 'org: two').replace('ours', 'yours'));
    expect(desk).toBe(deskText);
  });

  it('move the host along when a participant is renamed', async () => {
    await after({ op: 'change_participant', name: 'site-1', changes: { name: 'site-7' } });
    const { model } = await now();
    expect(model?.participants.find(({ name }) => name === 'site-7')?.host).toEqual({
      ssh: 'h1.example',
      note: 'ask Anna',
    });
    expect(model?.participants.some(({ name }) => name === 'site-1')).toBe(false);
    expect((await texts()).desk).not.toContain('site-1');
    expect((await texts()).project).toContain('# the first hospital');
  });

  it('set the keys of a host that a form knows and leave the others', async () => {
    const { desk } = await after({ op: 'set_host', name: 'site-1', host: { ssh: 'h2.example', port: 2222 } });
    expect(desk).toContain('note: ask Anna');
    expect(desk).toContain('# in the cellar');
    expect((await now()).model?.participants[1]?.host).toEqual({
      ssh: 'h2.example',
      port: 2222,
      note: 'ask Anna',
    });
  });

  it('remove a participant with its host', async () => {
    const { project, desk } = await after({ op: 'remove_participant', name: 'site-1' });
    expect(project).not.toContain('site-1');
    expect(desk).not.toContain('site-1');
  });

  it('add a participant and a host where there is no desk.yml', async () => {
    await rm(file('desk.yml'));
    await after(
      { op: 'add_participant', participant: { name: 'site-2', type: 'client', org: 'two' } },
      { op: 'set_host', name: 'site-2', host: { ssh: 'h2' } },
    );
    const { model, findings } = await now();
    expect(model?.participants.at(-1)).toMatchObject({ name: 'site-2', host: { ssh: 'h2' } });
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('are refused whole: a participant that is not there changes nothing', async () => {
    await drafts.begin(file('project.yml'));
    const { revision } = await now();
    await expect(
      drafts.edit(revision, [
        { op: 'set', file: 'project', path: ['name'], value: 'other' },
        { op: 'change_participant', name: 'site-9', changes: { org: 'x' } },
      ]),
    ).rejects.toMatchObject({ code: 'not_found' });
    expect(await texts()).toEqual({ project: projectText, desk: deskText });
    expect((await now()).revision).toBe(revision);
  });

  it('refuse a name that is taken', async () => {
    await drafts.begin(file('project.yml'));
    const { revision } = await now();
    const participant = { name: 'site-1', type: 'client', org: 'x' };
    await expect(drafts.edit(revision, [{ op: 'add_participant', participant }])).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('refuse to build on an older revision', async () => {
    await after({ op: 'set', file: 'project', path: ['description'], value: 'x' });
    await expect(drafts.setText(1, 'project', 'y')).rejects.toMatchObject({
      code: 'conflict',
      retryable: true,
    });
  });
});

describe('undo', () => {
  it('goes back and forth, and a new change ends the way forth', async () => {
    await after({ op: 'set', file: 'project', path: ['description'], value: 'x' });
    expect(await now()).toMatchObject({ can_undo: true, can_redo: false });
    await drafts.undo('undo');
    expect((await texts()).project).toBe(projectText);
    expect(await now()).toMatchObject({ can_undo: false, can_redo: true });
    await drafts.undo('redo');
    expect((await texts()).project).toContain('description: x');
    await drafts.undo('undo');
    const { revision } = await now();
    await drafts.setText(revision, 'desk', `${deskText}# more\n`);
    await expect(drafts.undo('redo')).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('a text that does not parse', () => {
  it('is kept, shown with its finding, and leaves no model', async () => {
    await drafts.begin(file('project.yml'));
    await drafts.setText((await now()).revision, 'project', 'name: [open');
    const draft = await now();
    expect(draft.model).toBeUndefined();
    expect(draft.files.project.text).toBe('name: [open');
    expect(draft.findings.some(({ severity, line }) => severity === 'error' && line !== undefined)).toBe(
      true,
    );
  });
});

describe('saving', () => {
  it('writes both files and ends the draft', async () => {
    await after({ op: 'change_participant', name: 'site-1', changes: { name: 'site-7' } });
    const wanted = await texts();
    expect(await drafts.save()).toEqual({ file: file('project.yml') });
    expect(await readFile(file('project.yml'), 'utf8')).toBe(wanted.project);
    expect(await readFile(file('desk.yml'), 'utf8')).toBe(wanted.desk);
    expect(await drafts.current()).toBeNull();
    expect(seen.at(-1)).toBeNull();
    expect((await readdir(join(folder, 'project'))).sort()).toEqual(['desk.yml', 'project.yml']);
  });

  it('refuses to write over what another program changed, until told which to keep', async () => {
    await after({ op: 'set', file: 'project', path: ['description'], value: 'mine' });
    const theirs = projectText.replace('ours', 'theirs');
    await writeFile(file('project.yml'), theirs);
    await expect(drafts.save()).rejects.toMatchObject({ code: 'conflict' });
    expect(seen.at(-1)?.conflict).toEqual({ project: theirs });
    expect(await readFile(file('project.yml'), 'utf8')).toBe(theirs);
    await drafts.save('mine');
    expect(await readFile(file('project.yml'), 'utf8')).toContain('description: mine');
  });

  it('keeps what is on disk when told so', async () => {
    await after({ op: 'set', file: 'project', path: ['description'], value: 'mine' });
    await writeFile(file('project.yml'), 'name: theirs\n');
    await drafts.save('disk');
    expect(await readFile(file('project.yml'), 'utf8')).toBe('name: theirs\n');
    expect(await drafts.current()).toBeNull();
  });

  it('leaves the draft when the folder cannot be written', async () => {
    if (process.getuid?.() === 0) {
      // Root may write anywhere: a file where the folder was stands in for it.
      await after({ op: 'set', file: 'project', path: ['description'], value: 'mine' });
      await rm(join(folder, 'project'), { recursive: true });
      await writeFile(join(folder, 'project'), '');
    } else {
      await after({ op: 'set', file: 'project', path: ['description'], value: 'mine' });
      await chmod(join(folder, 'project'), 0o500);
    }
    await expect(drafts.save('mine')).rejects.toMatchObject({
      code: expect.stringMatching(/denied|invalid_input/) as string,
    });
    if (process.getuid?.() !== 0) await chmod(join(folder, 'project'), 0o700);
    expect((await texts()).project).toContain('description: mine');
  });
});

describe('a draft left half-way', () => {
  it('is there again after a restart, with its step and its undo', async () => {
    await after({ op: 'set', file: 'project', path: ['description'], value: 'half' });
    await drafts.setStep('sites');
    store.close();
    open();
    expect(await drafts.current()).toMatchObject({ step: 'sites', can_undo: true });
    expect((await texts()).project).toContain('description: half');
    expect(await drafts.begin(file('project.yml'))).toMatchObject({ resumed: true });
  });

  it('follows the disk while it has nothing of its own, and keeps its step', async () => {
    await drafts.begin(file('project.yml'));
    await drafts.setStep('sites');
    const theirs = (await texts()).project.replace(/^description:.*/m, 'description: theirs');
    await writeFile(file('project.yml'), theirs);
    expect(await drafts.begin(file('project.yml'))).toMatchObject({ resumed: false });
    expect(await drafts.current()).toMatchObject({ step: 'sites', files: { project: { text: theirs } } });
    await after({ op: 'set', file: 'project', path: ['description'], value: 'mine' });
    await writeFile(file('project.yml'), theirs.replace('theirs', 'again'));
    expect(await drafts.begin(file('project.yml'))).toMatchObject({ resumed: true });
    expect((await texts()).project).toContain('description: mine');
  });

  it('stays in the store when another project is opened', async () => {
    await after({ op: 'set', file: 'project', path: ['description'], value: 'half' });
    await drafts.leave();
    expect(await drafts.current()).toBeNull();
    expect(await drafts.begin(file('project.yml'))).toMatchObject({ resumed: true });
    await drafts.discard();
    expect(await drafts.begin(file('project.yml'))).toMatchObject({ resumed: false });
  });
});

describe('beginning', () => {
  it('makes a new project that has only what is missing wrong with it, and writes nothing before saving', async () => {
    const made = join(folder, 'new');
    await drafts.beginNew(made, 'south', '2.7.2');
    expect(await now()).toMatchObject({
      kind: 'new',
      step: 'server',
      model: { name: 'south', flare: '2.7.2' },
    });
    expect(await readdir(folder)).not.toContain('new');
    await drafts.save();
    expect((await readdir(made)).sort()).toEqual(['desk.yml', 'project.yml']);
  });

  it('refuses a folder that holds a project', async () => {
    await expect(drafts.beginNew(join(folder, 'project'), 'south', '2.8.1')).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('refuses to rewrite a desk.yml of a newer version, and a project that is gone', async () => {
    await writeFile(file('desk.yml'), 'version: 99\n');
    await expect(drafts.begin(file('project.yml'))).rejects.toMatchObject({ code: 'unsupported' });
    await rm(file('project.yml'));
    await expect(drafts.begin(file('project.yml'))).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('sites as CSV', () => {
  it('come in after a look, and go out again', async () => {
    await drafts.begin(file('project.yml'));
    const { revision } = await now();
    const csv = 'name,org,ssh\nsite-1,one,h1.example\nsite-2,two,h2.example\nbad name,x,\n';
    expect((await drafts.importCsv(revision, csv, false)).rows.map(({ action }) => action)).toEqual([
      'same',
      'add',
      'refused',
    ]);
    expect(await texts()).toEqual({ project: projectText, desk: deskText });
    await drafts.importCsv(revision, csv, true);
    expect(await drafts.exportCsv()).toBe(
      'name,org,type,ssh,user,port,identity,via,directory,host_key\n' +
        'site-1,one,client,h1.example,,,,,,\nsite-2,two,client,h2.example,,,,,,\n',
    );
  });
});
