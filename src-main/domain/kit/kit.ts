import type { Participant, Project } from '../project/model.ts';
import { renderAuthorization } from './authorization.ts';
import { type ConfidentialProject, logFolderOf, renderConfidential } from './confidential.ts';
import { renderCommConfig, renderRelayResources } from './connection.ts';
import { renderFedAdmin, renderFedClient, renderFedRelay, renderFedServer } from './fed-config.ts';
import type { KitFile } from './kit-file.ts';
import { jsonFile } from './kit-json.ts';
import { type LineProfile, lineProfile } from './line-profile.ts';
import { renderLogConfig } from './log-config.ts';
import { renderNotebook } from './notebook.ts';
import { renderOptionalKitFiles } from './optional/index.ts';
import { renderPrivacySample } from './privacy-sample.ts';
import { renderReadme } from './readme.ts';
import { renderAdminResources, renderClientResources, renderServerResources } from './resources.ts';
import { renderScripts } from './scripts/index.ts';
import { relayOf, resolveTopology, type Topology } from './topology.ts';

/** What the kits of a project have in common, worked out once. */
export interface KitContext {
  project: Project;
  profile: LineProfile;
  topology: Topology;
  confidential?: ConfidentialProject;
}

/** Throws `invalid_input` where a participant has no place (unknown parent, circle, relay without a listener). */
export function kitContext(project: Project, confidential?: ConfidentialProject): KitContext {
  return {
    project,
    profile: lineProfile(project.line),
    topology: resolveTopology(project),
    ...(confidential === undefined ? {} : { confidential }),
  };
}

/**
 * Everything in a participant's kit but its keys, certificates and signatures; paths are relative to the kit
 * (docs/reference/provisioning.md §4.1).
 */
export function renderKit(participant: Participant, context: KitContext): KitFile[] {
  const { project } = context;
  return [
    ...ownFiles(participant, context),
    ...renderScripts(participant, project),
    ...project.builders.flatMap((builder) => renderOptionalKitFiles(participant, project, builder)),
    ...(context.confidential === undefined ? [] : renderConfidential(participant, context.confidential)),
  ];
}

/** Folders every kit has, even when they stay empty. */
export const kitFolders = ['startup', 'local', 'transfer'] as const;

function ownFiles(participant: Participant, context: KitContext): KitFile[] {
  const { profile, topology } = context;
  const commConfig = renderCommConfig(participant, topology) ?? [];
  const config = context.confidential?.configs.get(participant.name);
  const logConfig = renderLogConfig(profile, logFolderOf(config));
  const siteFiles = [
    logConfig,
    renderAuthorization(config === undefined ? 'standard' : 'confidential'),
    renderPrivacySample(),
    ...customCa(participant),
  ];
  const extraClasses = config?.classAllowList ?? [];
  switch (participant.type) {
    case 'server':
      return [
        renderReadme('server'),
        renderFedServer(topology, profile),
        renderServerResources(profile, extraClasses),
        ...siteFiles,
        ...studyRegistry(context),
      ].concat(commConfig);
    case 'client': {
      const place = relayOf(participant, topology);
      return [
        renderReadme('client'),
        renderFedClient(participant, topology, profile),
        renderClientResources(participant, profile, extraClasses),
        ...siteFiles,
        ...(place === undefined ? [] : [renderRelayResources(participant, place)]),
      ].concat(commConfig);
    }
    case 'relay':
      return [renderFedRelay(participant, topology), renderLogConfig(profile)].concat(commConfig);
    case 'admin':
      return [
        renderReadme('admin'),
        renderFedAdmin(participant, topology),
        renderNotebook(participant.name),
        renderAdminResources(),
      ];
  }
}

/** The certificate of a site's own proxy or gateway, for server and clients (§2.5). */
function customCa(participant: Participant): KitFile[] {
  return participant.customCaCert === undefined
    ? []
    : [{ path: 'startup/customRootCA.pem', mode: 0o644, content: '', source: participant.customCaCert }];
}

/** `local/study_registry.json` of the server, when the project has studies (2.8, §2.7). */
function studyRegistry({ project, profile }: KitContext): KitFile[] {
  if (!profile.studies || project.studies.length === 0) return [];
  const studies = Object.fromEntries(
    project.studies.map(({ name, siteOrgs, admins }) => [
      name,
      {
        ...(siteOrgs === undefined ? {} : { site_orgs: siteOrgs }),
        ...(admins === undefined ? {} : { admins }),
      },
    ]),
  );
  return [jsonFile('local/study_registry.json', { format_version: '1.0', studies })];
}
