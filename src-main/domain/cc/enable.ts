/** Switching confidential computing on in `project.yml`: the builder and the packager, where they belong. */
import { builderPaths } from '../project/builder-rules.ts';
import { editYaml } from '../project/yaml/edit.ts';
import { child, textOf } from '../project/yaml/node.ts';
import { readYaml } from '../project/yaml/read.ts';

/** Adds CCBuilder before SignatureBuilder, unless it is there. Throws what `editYaml` throws. */
export function withCcBuilder(text: string, file: string): string {
  const builders = child(readYaml(text, file).root, 'builders');
  const items = builders?.kind === 'sequence' ? builders.items : [];
  const paths = items.map((item) => textOf(child(item, 'path')));
  if (paths.includes(builderPaths.cc)) return text;
  const signature = paths.indexOf(builderPaths.signature);
  return editYaml(text, file, [
    {
      kind: 'insert',
      path: ['builders'],
      index: signature < 0 ? items.length : signature,
      value: { path: builderPaths.cc },
    },
  ]);
}

/** The file name of a participant's settings. */
export function ccFileName(participant: string): string {
  return `cc_${participant.replace(/[^A-Za-z0-9_.-]+/g, '_')}.yml`;
}

/**
 * A relative path below the project's folder that a form may make and change. Anything else is read and checked, and edited
 * elsewhere.
 */
export function isOwnCcFile(name: string): boolean {
  const parts = name.split('/');
  return (
    name.length <= 255 &&
    parts.length <= 4 &&
    parts.every((part) => /^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/.test(part)) &&
    /\.ya?ml$/.test(name) &&
    name !== 'project.yml' &&
    name !== 'desk.yml'
  );
}
