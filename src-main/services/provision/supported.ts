import { DeskError, type FieldError } from '../../contract/errors.ts';
import type { Project } from '../../domain/project/model.ts';

const supported = [
  'nvflare.lighter.impl.workspace.WorkspaceBuilder',
  'nvflare.lighter.impl.static_file.StaticFileBuilder',
  'nvflare.lighter.impl.cert.CertBuilder',
  'nvflare.lighter.impl.signature.SignatureBuilder',
  'nvflare.lighter.impl.template.TemplateBuilder',
  'nvflare.lighter.impl.docker.DockerBuilder',
  'nvflare.lighter.impl.helm_chart.HelmChartBuilder',
  'nvflare.lighter.impl.edge.EdgeBuilder',
  'nvflare.lighter.impl.aws.AWSBuilder',
  'nvflare.lighter.impl.azure.AzureBuilder',
  'nvflare.lighter.cc_provision.impl.cc.CCBuilder',
];

/** Images are built from the kits afterwards, host by host. */
const supportedPackagers = ['nvflare.lighter.cc_provision.impl.onprem_packager.OnPremPackager'];

const needed = ['WorkspaceBuilder', 'StaticFileBuilder', 'CertBuilder'];

/**
 * Refuses what this product cannot make, by name and with the way out (docs/reference/provisioning.md §2.8).
 * Throws `unsupported` or, for a missing builder, `invalid_input`.
 */
export function refuseUnsupported(project: Project): void {
  const fields: FieldError[] = project.builders
    .filter(({ path }) => !supported.includes(path))
    .map(({ path, source }) => ({ ...source, path: 'builders', message: `${path} cannot be run here.` }));
  if (project.packager !== undefined && !supportedPackagers.includes(project.packager.path)) {
    fields.push({
      ...project.packager.source,
      path: 'packager',
      message: `${project.packager.path} cannot be run here.`,
      hint: 'Remove the packager to get the signed kits alone.',
    });
  }
  if (fields.length > 0) {
    throw new DeskError('unsupported', `${project.file}: ${fields.map(({ message }) => message).join(' ')}`, {
      hint: `Run FLARE's own tool for this project: nvflare provision -p ${project.file}`,
      fields,
    });
  }
  const missing = needed.filter((name) => !project.builders.some(({ path }) => path.endsWith(`.${name}`)));
  if (missing.length > 0) {
    throw new DeskError('invalid_input', `${project.file}: no kits without ${missing.join(' and ')}.`, {
      hint: 'Builders are usually WorkspaceBuilder, StaticFileBuilder, CertBuilder, SignatureBuilder.',
    });
  }
}
