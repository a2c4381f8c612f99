/** Builder and packager classes NVFlare has, and the arguments they take (docs/reference/provisioning.md §2.8). */
import type { FlareLine } from './model.ts';

const implementation = 'nvflare.lighter.impl.';

export const builderPaths = {
  workspace: `${implementation}workspace.WorkspaceBuilder`,
  staticFile: `${implementation}static_file.StaticFileBuilder`,
  cert: `${implementation}cert.CertBuilder`,
  signature: `${implementation}signature.SignatureBuilder`,
  template: `${implementation}template.TemplateBuilder`,
  docker: `${implementation}docker.DockerBuilder`,
  dockerLauncher: `${implementation}docker_launcher.DockerLauncherBuilder`,
  helmChart: `${implementation}helm_chart.HelmChartBuilder`,
  aws: `${implementation}aws.AWSBuilder`,
  azure: `${implementation}azure.AzureBuilder`,
  edge: `${implementation}edge.EdgeBuilder`,
  he: `${implementation}he.HEBuilder`,
  cc: 'nvflare.lighter.cc_provision.impl.cc.CCBuilder',
  onPremPackager: 'nvflare.lighter.cc_provision.impl.onprem_packager.OnPremPackager',
} as const;

export type ArgumentRule = 'text' | 'name' | 'templates' | 'any';

export interface BuilderRule {
  /** Missing = both lines. */
  lines?: readonly FlareLine[];
  args: Readonly<Record<string, ArgumentRule>>;
  required?: readonly string[];
  /** Unknown arguments are swallowed instead of refused. */
  takesAny?: boolean;
}

export const builderRules = new Map<string, BuilderRule>([
  [builderPaths.workspace, { args: { template_file: 'templates' } }],
  [
    builderPaths.staticFile,
    {
      args: {
        config_folder: 'any',
        scheme: 'text',
        app_validator: 'any',
        download_job_url: 'any',
        docker_image: 'text',
        overseer_agent: 'any',
      },
      takesAny: true,
    },
  ],
  [builderPaths.cert, { args: {} }],
  [builderPaths.signature, { args: {} }],
  [builderPaths.template, { args: {} }],
  [builderPaths.docker, { args: { base_image: 'text', requirements_file: 'text' } }],
  [builderPaths.helmChart, { lines: ['2.7.2'], args: { docker_image: 'text' }, required: ['docker_image'] }],
  [builderPaths.aws, { args: {} }],
  [builderPaths.azure, { args: {} }],
  [builderPaths.edge, { args: {} }],
  [builderPaths.cc, { args: { cc_mgr_id: 'name' } }],
]);

export const packagerRules = new Map<string, BuilderRule>([
  [builderPaths.onPremPackager, { args: { cc_config_key: 'text', build_image_cmd: 'text' } }],
]);

/** Classes NVFlare has that are not remade here, and why. */
export const refusedBuilders = new Map<string, string>([
  [builderPaths.he, 'homomorphic encryption contexts need Python (TenSEAL) and are not made here'],
  [builderPaths.dockerLauncher, 'its launcher files for jobs in containers are not made here'],
]);
