/** What a form changes, as edits of the two texts. Everything the form does not know stays as it is written. */
import { DeskError } from '../../contract/errors.ts';
import type { DraftOperation } from '../../contract/drafts.ts';
import { ccFileName, withCcBuilder } from '../../domain/cc/enable.ts';
import { ccStarter } from '../../domain/cc/starter.ts';
import { addParticipant, type NewParticipant, removeParticipant } from '../../domain/project/edit.ts';
import { editYaml } from '../../domain/project/yaml/edit.ts';
import { child, textOf, toPlain } from '../../domain/project/yaml/node.ts';
import { readYaml } from '../../domain/project/yaml/read.ts';
import type { WritableValue } from '../../domain/project/yaml/write.ts';

export interface DraftTexts {
  project: string;
  desk: string;
  /** Confidential-computing files by their path in the project's folder. */
  cc: Record<string, string>;
}

export type DraftFile = 'project' | 'desk' | `cc:${string}`;

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

/** Removes and adds entries where that is enough, so that the comments of the others stay; else writes the list anew. */
function setList(
  text: string,
  file: string,
  path: readonly (string | number)[],
  wanted: readonly unknown[],
): string {
  let before: unknown = plainOf(text, file);
  for (const part of path) {
    before =
      typeof before === 'object' && before !== null
        ? (before as Record<string | number, unknown>)[part]
        : undefined;
  }
  if (!Array.isArray(before) || wanted.length === 0) return set(text, file, path, wanted);
  const form = (value: unknown): string => JSON.stringify(value);
  const want = wanted.map(form);
  const kept = before.map(form).filter((one) => want.includes(one));
  if (kept.length === 0 || kept.some((one, index) => one !== want[index]))
    return set(text, file, path, wanted);
  const gone = before.flatMap((one, index) => (want.includes(form(one)) ? [] : [index])).reverse();
  return editYaml(text, file, [
    ...gone.map((index) => ({ kind: 'remove' as const, path: [...path, index] })),
    ...wanted
      .slice(kept.length)
      .map((value) => ({ kind: 'append' as const, path, value: value as WritableValue })),
  ]);
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
  return { ...texts, project, desk };
}

/** The text a form edits, and what it is called in messages. Throws `not_found` for a file this draft does not hold. */
export function fileIn(texts: DraftTexts, file: DraftFile): { text: string; name: string } {
  if (file === 'project' || file === 'desk') return { text: texts[file], name: draftFiles[file] };
  const name = file.slice('cc:'.length);
  const text = texts.cc[name];
  if (text !== undefined) return { text, name };
  throw new DeskError('not_found', `This draft does not hold ${name}.`, {
    hint: 'Name it as cc_config of a participant first; files outside the project folder are edited elsewhere.',
  });
}

export function withFile(texts: DraftTexts, file: DraftFile, text: string): DraftTexts {
  if (file === 'project' || file === 'desk') return { ...texts, [file]: text };
  return { ...texts, cc: { ...texts.cc, [file.slice('cc:'.length)]: text } };
}

type EnableCc = Extract<DraftOperation, { op: 'enable_cc' }>;

/** Names a settings file for the participant, made from a commented example unless it is there already. */
function enableCc(texts: DraftTexts, operation: EnableCc): DraftTexts {
  const at = indexOf(texts.project, operation.name);
  const { participants } = plainOf(texts.project, draftFiles.project) as {
    participants: Record<string, unknown>[];
  };
  const own = participants[at] ?? {};
  const { type } = own;
  if (type !== 'server' && type !== 'client') {
    throw new DeskError('invalid_input', 'Confidential computing covers the server and the clients.');
  }
  let project = withCcBuilder(texts.project, draftFiles.project);
  if (own.cc_config !== undefined && own.cc_config !== null && own.cc_config !== '')
    return { ...texts, project };
  const name = ccFileName(operation.name);
  project = set(project, draftFiles.project, ['participants', at, 'cc_config'], name);
  const server = participants.find((one) => one.type === 'server') ?? {};
  const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
  const text =
    texts.cc[name] ??
    ccStarter({
      role: type,
      environment: operation.environment,
      serverName: typeof server.name === 'string' ? server.name : undefined,
      serverPort: number(server.fed_learn_port),
      adminPort: number(server.admin_port),
      kbsPort: operation.kbs_port,
      dockerArchive: operation.docker_archive,
      checkFrequency: operation.check_frequency,
      issuers: operation.issuers,
    });
  return { ...texts, project, cc: { ...texts.cc, [name]: text } };
}

/**
 * Applies one operation. Throws `not_found`, `conflict` (a name that is taken, a place shared through an alias),
 * `invalid_input` (the text does not read cleanly).
 */
export function applyOperation(texts: DraftTexts, operation: DraftOperation): DraftTexts {
  switch (operation.op) {
    case 'set': {
      const { text, name } = fileIn(texts, operation.file);
      return withFile(texts, operation.file, set(text, name, operation.path, operation.value));
    }
    case 'unset': {
      const { text, name } = fileIn(texts, operation.file);
      return withFile(texts, operation.file, unset(text, name, operation.path));
    }
    case 'set_list': {
      const { text, name } = fileIn(texts, operation.file);
      return withFile(texts, operation.file, setList(text, name, operation.path, operation.value));
    }
    case 'rename_key': {
      const { text, name } = fileIn(texts, operation.file);
      const { path, key: to } = operation;
      return withFile(texts, operation.file, editYaml(text, name, [{ kind: 'rename', path, to }]));
    }
    case 'enable_cc':
      return enableCc(texts, operation);
    case 'disable_cc': {
      const at = indexOf(texts.project, operation.name);
      return {
        ...texts,
        project: unset(texts.project, draftFiles.project, ['participants', at, 'cc_config']),
      };
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
        ...texts,
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
const formKeys = ['ssh', 'user', 'port', 'identity', 'via', 'directory', 'host_key', 'path', 'chip_id'];

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
