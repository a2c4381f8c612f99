import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addParticipant,
  removeHost,
  removeParticipant,
  setHost,
  setProperty,
} from '../../../../src-main/domain/project/edit.ts';
import { editYaml } from '../../../../src-main/domain/project/yaml/edit.ts';
import { toPlain } from '../../../../src-main/domain/project/yaml/node.ts';
import type { YamlNode } from '../../../../src-main/domain/project/yaml/node.ts';
import { readYaml } from '../../../../src-main/domain/project/yaml/read.ts';

const project = `# top
api_version: 3   # keep me
name:    example_project

participants:
  # the server
  - name: server1
    type: server
    org: nvidia
    fed_learn_port: 8002      # the port

  # the first site
  - name: site-1
    type: client
    org: nvidia
  - {name: site-2, type: client, org: nvidia}   # short
  # after the last

builders:
- path: nvflare.lighter.impl.workspace.WorkspaceBuilder
`;

function plain(text: string): unknown {
  return toPlain(readYaml(text, 'f').root as YamlNode);
}

function changedLines(before: string, after: string): { removed: string[]; added: string[] } {
  const old = before.split('\n');
  const now = after.split('\n');
  return {
    removed: old.filter((line) => !now.includes(line)),
    added: now.filter((line) => !old.includes(line)),
  };
}

describe('project.yml edits', () => {
  it('adds a participant after the last one', () => {
    const after = addParticipant({
      name: 'site-3',
      type: 'client',
      org: 'hospital',
      capacity: { num_of_gpus: 2 },
    })(project, 'p.yml');
    expect(after).toBe(
      project.replace(
        '# short\n',
        '# short\n  - name: site-3\n    type: client\n    org: hospital\n    capacity: { num_of_gpus: 2 }\n',
      ),
    );
  });

  it('refuses a taken name', () => {
    expect(() => addParticipant({ name: 'site-1', type: 'client', org: 'a' })(project, 'p.yml')).toThrow(
      /already has a participant "site-1"/,
    );
  });

  it('removes a participant with its comment', () => {
    const after = removeParticipant('site-1')(project, 'p.yml');
    expect(changedLines(project, after)).toEqual({
      removed: ['  # the first site', '  - name: site-1', '    type: client'],
      added: [],
    });
    expect((plain(after) as { participants: unknown[] }).participants).toHaveLength(2);
  });

  it('removes a one-line participant', () => {
    expect(changedLines(project, removeParticipant('site-2')(project, 'p.yml'))).toEqual({
      removed: ['  - {name: site-2, type: client, org: nvidia}   # short'],
      added: [],
    });
  });

  it('says which participant is not there', () => {
    expect(() => removeParticipant('site-9')(project, 'p.yml')).toThrow(/no participant "site-9"/);
  });

  it.each([
    ['name', 'other', ['name:    example_project'], ['name:    other']],
    [
      'participants[0].fed_learn_port',
      9002,
      ['    fed_learn_port: 8002      # the port'],
      ['    fed_learn_port: 9002      # the port'],
    ],
    [
      'participants[2].org',
      'yes',
      ['  - {name: site-2, type: client, org: nvidia}   # short'],
      ['  - {name: site-2, type: client, org: "yes"}   # short'],
    ],
    [
      'participants[2].use_aio',
      true,
      ['  - {name: site-2, type: client, org: nvidia}   # short'],
      ['  - {name: site-2, type: client, org: nvidia, use_aio: true}   # short'],
    ],
    ['connection_security', 'tls', [], ['connection_security: tls']],
    ['participants[1].connect_to.port', 443, [], ['    connect_to: { port: 443 }']],
    ['participants[0].host_names', ['a.b', 'c'], [], ['    host_names: [a.b, c]']],
  ])('sets %s', (path, value, removed, added) => {
    expect(changedLines(project, setProperty(path, value)(project, 'p.yml'))).toEqual({ removed, added });
  });

  it('removes a key', () => {
    const after = setProperty('participants[0].fed_learn_port', undefined)(project, 'p.yml');
    expect(changedLines(project, after)).toEqual({
      removed: ['    fed_learn_port: 8002      # the port'],
      added: [],
    });
  });

  it('keeps Windows line ends', () => {
    const windows = project.replaceAll('\n', '\r\n');
    const after = addParticipant({ name: 'x', type: 'client', org: 'a' })(windows, 'p.yml');
    expect(after.replaceAll('\r\n', '')).not.toContain('\n');
  });

  it('adds to an empty list and to a missing end of line', () => {
    expect(addParticipant({ name: 'x', type: 'client', org: 'a' })('participants: []', 'p')).toBe(
      'participants:\n  - name: x\n    type: client\n    org: a',
    );
    expect(addParticipant({ name: 'x', type: 'client', org: 'a' })('participants:\n- name: y', 'p')).toBe(
      'participants:\n- name: y\n- name: x\n  type: client\n  org: a',
    );
    expect(plain(addParticipant({ name: 'x', type: 'client', org: 'a' })('participants:\n', 'p'))).toEqual({
      participants: [{ name: 'x', type: 'client', org: 'a' }],
    });
  });

  it('does not touch a text that does not read cleanly', () => {
    expect(() => setProperty('name', 'x')('name: [1', 'p.yml')).toThrow(/not changed/);
    expect(() => setProperty('name', 'x')('name: a\nname: b', 'p.yml')).toThrow(/not changed/);
  });

  it('does not change what an alias repeats elsewhere', () => {
    const shared = 'base: &b {org: x}\nsite: *b\n';
    expect(() => setProperty('site.org', 'y')(shared, 'p.yml')).toThrow(/alias/);
    expect(() => setProperty('base', undefined)(shared, 'p.yml')).toThrow(/alias/);
  });
});

const desk = `version: 1
hosts:
  server1: { ssh: 10.0.0.5, path: [/opt/nvflare/bin] }          # the big one
  site-1:
    ssh: hospital-a
    via: bastion
transfer: { channels: 10 }
`;

describe('desk.yml edits', () => {
  it('adds, changes and removes hosts', () => {
    const added = setHost('site-2', { ssh: '10.0.2.7', port: 2222, host_key: 'SHA256:x+y/z' })(
      desk,
      'desk.yml',
    );
    expect(changedLines(desk, added)).toEqual({
      removed: [],
      added: ['  site-2: { ssh: 10.0.2.7, port: 2222, host_key: "SHA256:x+y/z" }'],
    });
    const changed = setHost('server1', { ssh: 'new' })(desk, 'desk.yml');
    expect(changedLines(desk, changed).added).toEqual(['  server1: { ssh: new }          # the big one']);
    expect(changedLines(desk, removeHost('site-1')(desk, 'desk.yml')).removed).toEqual([
      '  site-1:',
      '    ssh: hospital-a',
      '    via: bastion',
    ]);
    expect(plain(setHost('a', { ssh: 'b' })('version: 1\n', 'desk.yml'))).toEqual({
      version: 1,
      hosts: { a: { ssh: 'b' } },
    });
    expect(plain(setHost('a', { ssh: 'b' })('version: 1\nhosts:\n', 'desk.yml'))).toEqual({
      version: 1,
      hosts: { a: { ssh: 'b' } },
    });
  });
});

it('any chain of edits leaves what it should, or refuses', () => {
  const names = fc.constantFrom(
    'site-1',
    'site-2',
    'site-3',
    'yes',
    '0123',
    'a b',
    "it's",
    'ö',
    '- x',
    'x: y',
    '#',
    '',
  );
  const edits = fc.array(
    fc.oneof(
      names.map((name) => ({
        text: `add ${name}`,
        edit: addParticipant({ name, type: 'client', org: name }),
      })),
      names.map((name) => ({ text: `remove ${name}`, edit: removeParticipant(name) })),
      fc.tuple(fc.nat(4), names, names).map(([at, key, value]) => ({
        text: `set ${at} ${value}`,
        edit: setProperty(`participants[${at}].${key.replace(/[.[\]]/g, '') || 'k'}`, value),
      })),
    ),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(edits, (chain) => {
      let text = project;
      for (const { edit } of chain) {
        try {
          text = edit(text, 'p.yml');
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^(conflict|not_found)$/);
        }
      }
      expect(readYaml(text, 'p.yml').findings).toEqual([]);
      expect(text).toContain('# keep me');
      expect(text).toContain('# after the last');
    }),
    { numRuns: 300 },
  );
});

describe('renaming a key and putting an entry into the middle', () => {
  const file = 'x.yml';

  it('keeps the value and its comments', () => {
    const text = 'a: 1\nhost_entries: # why\n  server1: 10.0.0.5\nb: 2\n';
    expect(editYaml(text, file, [{ kind: 'rename', path: ['host_entries'], to: 'hosts_entries' }])).toBe(
      text.replace('host_entries', 'hosts_entries'),
    );
  });

  it('is refused when the new name is taken or the old one is not there', () => {
    const rename = (path: string[]) => () =>
      editYaml('a: 1\nb: 2\n', file, [{ kind: 'rename', path, to: 'b' }]);
    expect(rename(['a'])).toThrow(/"b" is written there too/);
    expect(rename(['c'])).toThrow(/has no c/);
  });

  it.each([
    ['list:\n- a: 1\n# of b\n- b: 2\n', 1, 'list:\n- a: 1\n- new: 3\n# of b\n- b: 2\n'],
    ['list:\n  - a: 1\n', 0, 'list:\n  - new: 3\n  - a: 1\n'],
    ['list:\n  - a: 1\n', 1, 'list:\n  - a: 1\n  - new: 3\n'],
    ['list: [{ a: 1 }]\n', 0, 'list: [{ new: 3 }, { a: 1 }]\n'],
  ])('%j at %i', (text, index, wanted) => {
    expect(editYaml(text, file, [{ kind: 'insert', path: ['list'], index, value: { new: 3 } }])).toBe(wanted);
  });
});
