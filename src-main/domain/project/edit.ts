/** Changes to `project.yml` and `desk.yml` that keep everything else as it is written. */
import { DeskError } from '../../contract/errors.ts';
import { editYaml } from './yaml/edit.ts';
import type { YamlEdit } from './yaml/edit-plain.ts';
import { child, textOf } from './yaml/node.ts';
import { parseFieldPath } from './yaml/path.ts';
import { readYaml } from './yaml/read.ts';
import type { WritableValue } from './yaml/write.ts';

export type TextEdit = (text: string, file: string) => string;

/** A participant as written: `name`, `type`, `org` and any property. */
export type NewParticipant = { name: string; type: string; org: string } & Record<
  string,
  WritableValue | undefined
>;

/** A host of desk.yml as written. */
export interface NewHost {
  ssh: string;
  user?: string;
  port?: number;
  identity?: string;
  passphrase_file?: string;
  host_key?: string;
  via?: string;
  directory?: string;
  path?: string[];
}

function namesIn(text: string, file: string): (string | undefined)[] {
  const participants = child(readYaml(text, file).root, 'participants');
  return participants?.kind === 'sequence'
    ? participants.items.map((item) => textOf(child(item, 'name')))
    : [];
}

/** Adds a participant at the end of the list. Throws `conflict` when the name is taken in this file. */
export function addParticipant(participant: NewParticipant): TextEdit {
  return (text, file) => {
    if (namesIn(text, file).includes(participant.name)) {
      throw new DeskError('conflict', `${file} already has a participant "${participant.name}".`, {
        hint: 'Names are unique; choose another one.',
      });
    }
    return editYaml(text, file, [{ kind: 'append', path: ['participants'], value: participant }]);
  };
}

/** Removes a participant with the comment right above it. Throws `not_found` when this file does not hold it. */
export function removeParticipant(name: string): TextEdit {
  return (text, file) => {
    const index = namesIn(text, file).indexOf(name);
    if (index < 0) {
      throw new DeskError('not_found', `${file} has no participant "${name}".`, {
        hint: 'It may come from an included file; remove it there.',
      });
    }
    return editYaml(text, file, [{ kind: 'remove', path: ['participants', index] }]);
  };
}

/** Sets one value, `path` as in findings: `participants[3].connect_to.port`. `undefined` removes the key. */
export function setProperty(path: string, value: WritableValue | undefined): TextEdit {
  const at = parseFieldPath(path);
  const edit: YamlEdit =
    value === undefined ? { kind: 'remove', path: at } : { kind: 'set', path: at, value };
  return (text, file) => editYaml(text, file, [edit]);
}

/** Adds or replaces where a participant runs. */
export function setHost(name: string, host: NewHost): TextEdit {
  return (text, file) => editYaml(text, file, [{ kind: 'set', path: ['hosts', name], value: { ...host } }]);
}

export function removeHost(name: string): TextEdit {
  return (text, file) => editYaml(text, file, [{ kind: 'remove', path: ['hosts', name] }]);
}
