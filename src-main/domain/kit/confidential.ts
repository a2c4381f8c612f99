import type { CcConfig, CcIssuer } from '../cc/cc-config.ts';
import type { Participant, Project } from '../project/model.ts';
import type { KitFile } from './kit-file.ts';
import { jsonFile } from './kit-json.ts';

/** The confidential-computing side of a project: which participants take part, and whose proof every site can check. */
export interface ConfidentialProject {
  configs: ReadonlyMap<string, CcConfig>;
  /** Component id of the manager. */
  managerId: string;
  /** By id, in file order; of two with the same id the last one counts everywhere (docs/reference/provisioning.md §8.2). */
  issuers: ReadonlyMap<string, CcIssuer>;
  /** Names as the runtime compares them: the server is always called "server". */
  enabledSites: string[];
}

const managerClass = 'nvflare.app_opt.confidential_computing.cc_manager.CCManager';
const defaultManagerId = 'cc_manager';

/** Log drive of an image built on premises (§8.2 step 3). */
const logFolder = '/applog/';

/** Gathers the configurations, keyed by participant name. Undefined when the project has no CCBuilder. */
export function confidentialProject(
  project: Project,
  configs: ReadonlyMap<string, CcConfig>,
): ConfidentialProject | undefined {
  const builder = project.builders.find(({ path }) => path.endsWith('.CCBuilder'));
  if (builder === undefined) return undefined;
  const enabled = project.participants.filter(({ name }) => configs.has(name));
  const managerId = builder.args['cc_mgr_id'];
  return {
    configs,
    managerId: typeof managerId === 'string' ? managerId : defaultManagerId,
    issuers: new Map(
      enabled.flatMap(({ name }) => configs.get(name)?.issuers ?? []).map((issuer) => [issuer.id, issuer]),
    ),
    enabledSites: enabled.map(({ name, type }) => (type === 'server' ? 'server' : name)),
  };
}

/** The folder in front of log file names of this participant: empty unless its image keeps logs on their own drive. */
export function logFolderOf(config: CcConfig | undefined): string {
  return config?.computeEnvironment === 'onprem_cvm' || config?.computeEnvironment === 'mock'
    ? logFolder
    : '';
}

/** What a confidential server or client gets beside its ordinary kit: every site's attester, and the manager. */
export function renderConfidential(participant: Participant, confidential: ConfidentialProject): KitFile[] {
  const config = confidential.configs.get(participant.name);
  if (config === undefined || (participant.type !== 'server' && participant.type !== 'client')) return [];
  const { managerId, issuers, enabledSites } = confidential;
  const components = new Map<string, object[]>();
  for (const { id, path, args } of issuers.values()) components.set(id, [{ id, path, args }]);
  const manager = {
    id: managerId,
    path: managerClass,
    args: {
      cc_issuers_conf: config.issuers.map(({ id, tokenExpiration }) => ({
        issuer_id: id,
        token_expiration: tokenExpiration,
      })),
      cc_verifier_ids: [...issuers.keys()],
      ...(config.checkFrequency === undefined || issuers.size === 0
        ? {}
        : { verify_frequency: config.checkFrequency }),
      cc_enabled_sites: enabledSites,
    },
  };
  components.set(managerId, [...(components.get(managerId) ?? []), manager]);
  return [...components].map(([id, list]) => jsonFile(`local/${id}__p_resources.json`, { components: list }));
}
