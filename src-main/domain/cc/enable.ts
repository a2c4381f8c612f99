/** Switching confidential computing on in `project.yml`: the builder and the packager, where they belong. */
import { builderPaths } from '../project/builder-rules.ts';
import { editYaml } from '../project/yaml/edit.ts';
import { child, textOf, toPlain } from '../project/yaml/node.ts';
import { ccStarter } from './starter.ts';
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

/** A commented packager, for a person to fill in. */
export const packagerExample = `
# Builds the images of confidential VMs. Without it the signed kits alone are made.
# packager:
#   path: ${builderPaths.onPremPackager}
#   args: { build_image_cmd: /opt/cc/image_builder/cvm_build.sh }
`;

/**
 * Switches the whole project on: every server and client of this text names a file, and each file's text.
 * Participants that name one already keep it. Throws what `editYaml` throws.
 */
export function withConfidentialSites(
  text: string,
  file: string,
): { text: string; files: Map<string, string> } {
  const participants = child(readYaml(text, file).root, 'participants');
  const items = participants?.kind === 'sequence' ? participants.items : [];
  const server = items.find((item) => textOf(child(item, 'type')) === 'server');
  const written = child(server, 'fed_learn_port');
  const port = written && toPlain(written);
  const files = new Map<string, string>();
  let changed = withCcBuilder(text, file);
  items.forEach((item, index) => {
    const role = textOf(child(item, 'type'));
    const name = textOf(child(item, 'name'));
    if ((role !== 'server' && role !== 'client') || name === undefined || child(item, 'cc_config')) return;
    const own = ccFileName(name);
    changed = editYaml(changed, file, [
      { kind: 'set', path: ['participants', index, 'cc_config'], value: own },
    ]);
    files.set(
      own,
      ccStarter({
        role,
        serverName: textOf(child(server, 'name')),
        ...(typeof port === 'number' ? { serverPort: port } : {}),
      }),
    );
  });
  return { text: changed, files };
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
