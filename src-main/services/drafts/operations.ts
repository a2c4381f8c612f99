/** What a form changes, as edits of the two texts. Everything the form does not know stays as it is written. */
import { DeskError } from '../../contract/errors.ts';
import type { DraftOperation } from '../../contract/drafts.ts';
import { addParticipant, type NewParticipant, removeParticipant } from '../../domain/project/edit.ts';
import { editYaml } from '../../domain/project/yaml/edit.ts';
import { child, textOf, toPlain } from '../../domain/project/yaml/node.ts';
import { readYaml } from '../../domain/project/yaml/read.ts';
import type { WritableValue } from '../../domain/project/yaml/write.ts';

export interface DraftTexts {
  project: string;
  desk: string;
}

export const draftFiles = { project: 'project.yml', desk: 'desk.yml' } as const;

const plainOf = (text: string, file: string): unknown => {
  const { root } = readYaml(text, file);
  return root ? toPlain(root) : undefined;
};

const has = (text: string, file: string, path: readonly (string | number)[]): boolean => {
  let value: unknown = plainOf(text, file);
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return false;
    value = (value as Record<string | number, unknown>)[part];
  }
  return true;
};

function unset(text: string, file: string, path: readonly (string | number)[]): string {
  return has(text, file, path) ? editYaml(text, file, [{ kind: 'remove', path }]) : text;
}

function set(text: string, file: string, path: readonly (string | number)[], value: unknown): string {
  return editYaml(text, file, [{ kind: 'set', path, value: value as WritableValue }]);
}

function indexOf(text: string, name: string): number {
  const participants = child(readYaml(text, draftFiles.project).root, 'participants');
  const index =
    participants?.kind === 'sequence'
      ? participants.items.findIndex((item) => textOf(child(item, 'name')) === name)
      : -1;
  if (index >= 0) return index;
  throw new DeskError('not_found', `project.yml has no participant "${name}".`, {
    hint: 'It may come from an included file; change it there.',
  });
}

function changeParticipant(
  texts: DraftTexts,
  name: string,
  changes: Readonly<Record<string, unknown>>,
): DraftTexts {
  const at = indexOf(texts.project, name);
  let { project, desk } = texts;
  const before = (plainOf(project, draftFiles.project) as { participants: Record<string, unknown>[] })
    .participants[at];
  for (const [key, value] of Object.entries(changes)) {
    const path = ['participants', at, key];
    if (value === null || value === undefined) project = unset(project, draftFiles.project, path);
    else if (JSON.stringify(before?.[key]) !== JSON.stringify(value)) {
      project = set(project, draftFiles.project, path, value);
    }
  }
  const renamed = changes.name;
  const host = (plainOf(desk, draftFiles.desk) as { hosts?: Record<string, unknown> } | undefined)?.hosts?.[
    name
  ];
  if (typeof renamed === 'string' && renamed !== name && host !== undefined) {
    desk = unset(desk, draftFiles.desk, ['hosts', name]);
    desk = set(desk, draftFiles.desk, ['hosts', renamed], host);
  }
  return { project, desk };
}

/**
 * Applies one operation. Throws `not_found`, `conflict` (a name that is taken, a place shared through an alias),
 * `invalid_input` (the text does not read cleanly).
 */
export function applyOperation(texts: DraftTexts, operation: DraftOperation): DraftTexts {
  switch (operation.op) {
    case 'set': {
      const text = set(texts[operation.file], draftFiles[operation.file], operation.path, operation.value);
      return { ...texts, [operation.file]: text };
    }
    case 'unset': {
      const text = unset(texts[operation.file], draftFiles[operation.file], operation.path);
      return { ...texts, [operation.file]: text };
    }
    case 'add_participant': {
      const { name, type, org } = operation.participant;
      if (typeof name !== 'string' || typeof type !== 'string' || typeof org !== 'string') {
        throw new DeskError('invalid_input', 'A participant needs a name, a type and an organisation.');
      }
      const add = addParticipant(operation.participant as unknown as NewParticipant);
      return { ...texts, project: add(texts.project, draftFiles.project) };
    }
    case 'change_participant':
      return changeParticipant(texts, operation.name, operation.changes);
    case 'remove_participant':
      return {
        project: removeParticipant(operation.name)(texts.project, draftFiles.project),
        desk: unset(texts.desk, draftFiles.desk, ['hosts', operation.name]),
      };
    case 'set_host': {
      const path = ['hosts', operation.name];
      const desk =
        operation.host === null
          ? unset(texts.desk, draftFiles.desk, path)
          : setHostKeys(texts.desk, operation.name, operation.host);
      return { ...texts, desk };
    }
  }
}

/** Keys of a host that a form knows; the others stay. */
const formKeys = ['ssh', 'user', 'port', 'identity', 'via', 'directory', 'host_key', 'path'];

function setHostKeys(desk: string, name: string, host: Readonly<Record<string, unknown>>): string {
  const path = ['hosts', name];
  if (!has(desk, draftFiles.desk, path)) return set(desk, draftFiles.desk, path, host);
  const before =
    (plainOf(desk, draftFiles.desk) as { hosts: Record<string, Record<string, unknown>> }).hosts[name] ?? {};
  let text = desk;
  for (const key of formKeys) {
    if (host[key] === undefined) text = unset(text, draftFiles.desk, [...path, key]);
    else if (JSON.stringify(before[key]) !== JSON.stringify(host[key])) {
      text = set(text, draftFiles.desk, [...path, key], host[key]);
    }
  }
  return text;
}
