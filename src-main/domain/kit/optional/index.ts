import type { BuilderSpec, Participant, Project } from '../../project/model.ts';
import type { KitFile } from '../kit-file.ts';
import { renderAws } from './aws.ts';
import { renderAzure } from './azure.ts';
import { renderCompose } from './compose.ts';
import { renderEdge } from './edge.ts';
import { renderHelmChart } from './helm-chart.ts';

/** Texts the project names by path; the caller reads them. */
export interface OptionalInputs {
  /** Text of DockerBuilder's `requirements_file`; missing = no such file, which is allowed. */
  requirements?: string;
}

/**
 * The path of the requirements file as DockerBuilder's arguments say it, relative to the current folder;
 * `undefined` for another builder (docs/reference/provisioning.md §2.8).
 */
export function requirementsFileOf(builder: BuilderSpec): string | undefined {
  if (className(builder) !== 'DockerBuilder') return undefined;
  const given = builder.args['requirements_file'];
  return typeof given === 'string' ? given : 'requirements.txt';
}

/**
 * What an optional builder adds to one participant's kit; paths are relative to the kit. Empty for a builder that adds
 * nothing there. The files are signed only if the builder comes before SignatureBuilder
 * (docs/reference/provisioning.md §3.2, §4.8).
 */
export function renderOptionalKitFiles(
  participant: Participant,
  project: Project,
  builder: BuilderSpec,
): KitFile[] {
  switch (className(builder)) {
    case 'AWSBuilder':
      return renderAws(participant, project);
    case 'AzureBuilder':
      return renderAzure(participant, project);
    case 'EdgeBuilder':
      return renderEdge(participant, project);
    default:
      return [];
  }
}

/**
 * What an optional builder puts beside the kits; paths are relative to the `prod_NN` folder. Empty for a builder that
 * puts nothing there (docs/reference/provisioning.md §4.8).
 */
export function renderOptionalProdFiles(
  project: Project,
  builder: BuilderSpec,
  inputs: OptionalInputs = {},
): KitFile[] {
  if (className(builder) === 'DockerBuilder') return renderCompose(project, builder, inputs.requirements);
  if (className(builder) === 'HelmChartBuilder') return renderHelmChart(project, builder);
  return [];
}

function className(builder: BuilderSpec): string {
  return builder.path.slice(builder.path.lastIndexOf('.') + 1);
}
