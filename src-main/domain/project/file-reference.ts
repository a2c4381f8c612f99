/** Files that a project names. Looking for them is the caller's part. */
import type { Report } from './report.ts';
import { isTruthy, shorten, textOf } from './yaml/node.ts';
import type { YamlNode } from './yaml/node.ts';

/** A file named in the project: where it is looked for and whether it is there. */
export interface FileFact {
  /** Absolute path. */
  path: string;
  state: 'file' | 'missing' | 'not_a_file' | 'unreadable';
  /** Where it was found: nvflare looks in the current folder only. */
  found: 'project' | 'current_folder';
}

export type FileLookup = (written: string) => FileFact;

/** A file that must be there. Answers its absolute path. */
export function readFile(
  value: YamlNode,
  at: string,
  context: { files: FileLookup; report: Report },
): string | undefined {
  const { report, files } = context;
  if (!isTruthy(value)) return undefined;
  const written = textOf(value);
  if (written === undefined) {
    report.wrongType(
      value,
      at,
      'the path of a file',
      value.kind === 'mapping' ? 'Move these settings to a file of their own and name it here.' : undefined,
    );
    return undefined;
  }
  const fact = files(written);
  const problems = {
    file: undefined,
    missing: `the file ${shorten(written, 200)} does not exist`,
    not_a_file: `${shorten(written, 200)} is not a file`,
    unreadable: `the file ${shorten(written, 200)} cannot be read`,
  };
  const problem = problems[fact.state];
  if (problem !== undefined) {
    report.error(value, at, {
      code: 'file_missing',
      message: `${at}: ${problem}.`,
      hint: written.startsWith('~')
        ? 'NVFlare does not expand "~"; write the full path.'
        : `Relative paths count from the folder of project.yml; looked for ${fact.path}.`,
    });
    return undefined;
  }
  if (fact.found === 'current_folder') {
    report.warning(value, at, {
      code: 'file_outside_project',
      message: `${at}: ${shorten(written, 200)} is not beside project.yml; the one in the current folder is used.`,
      hint: 'Move the file beside project.yml, or write its full path.',
    });
  }
  return fact.path;
}
