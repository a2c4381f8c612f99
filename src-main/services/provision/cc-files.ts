import { DeskError, type FieldError } from '../../contract/errors.ts';
import { type CcConfig, readCcConfig } from '../../domain/cc/cc-config.ts';
import type { Participant, Project } from '../../domain/project/model.ts';
import { toPlain } from '../../domain/project/yaml/node.ts';
import { readYamlFile } from '../projects/index.ts';

/**
 * Loads the `cc_config` file of every participant that names one. Any problem stops the run: FLARE's own tool would
 * print a line and provision the site without confidential computing (docs/reference/provisioning.md §0 fact 10).
 * Throws `invalid_input` with every problem of every file.
 */
export async function loadCcConfigs(project: Project): Promise<Map<string, CcConfig>> {
  const asking = project.participants.filter(({ ccConfig }) => ccConfig !== undefined);
  if (asking.length > 0 && !project.builders.some(({ path }) => path.endsWith('.CCBuilder'))) {
    throw new DeskError(
      'invalid_input',
      `${project.file}: participants have a cc_config, but no CCBuilder is there.`,
      {
        hint: 'Add nvflare.lighter.cc_provision.impl.cc.CCBuilder before SignatureBuilder, or remove cc_config.',
        fields: asking.map(({ source, name }) => ({
          ...source,
          path: `${name}.cc_config`,
          message: 'without CCBuilder this site would not be confidential.',
        })),
      },
    );
  }
  const configs = new Map<string, CcConfig>();
  const fields: FieldError[] = [];
  for (const participant of asking) {
    const { config, problems } = await loadOne(participant, project);
    if (config !== undefined) configs.set(participant.name, config);
    fields.push(...problems);
  }
  if (fields.length > 0) {
    throw new DeskError(
      'invalid_input',
      `Confidential computing cannot be set up: ${fields[0]?.message ?? ''}`,
      {
        hint: 'Fix the file; no site is provisioned without the protection it asks for.',
        fields,
      },
    );
  }
  return configs;
}

async function loadOne(
  participant: Participant,
  project: Project,
): Promise<{ config?: CcConfig; problems: FieldError[] }> {
  const file = participant.ccConfig ?? '';
  const { root, findings } = await readYamlFile(file, project.line);
  const wrong = findings.filter(({ severity }) => severity === 'error');
  if (wrong.length > 0) {
    return {
      problems: wrong.map(({ message, hint, path, line, column, file: found }) => ({
        file: found ?? file,
        message,
        hint,
        path,
        line,
        column,
      })),
    };
  }
  const { config, problems } = readCcConfig(root === undefined ? undefined : toPlain(root));
  return {
    ...(config === undefined ? {} : { config }),
    problems: problems.map((problem) => ({ file, ...problem })),
  };
}
