import { isRecord } from '../record.ts';

/** One attester of a confidential site: how it proves what it runs on (docs/reference/provisioning.md §8.1). */
export interface CcIssuer {
  /** Component id, and the name of its file in every confidential kit. */
  id: string;
  /** Python class. */
  path: string;
  args: Readonly<Record<string, unknown>>;
  /** Seconds; null when not written. */
  tokenExpiration: number | null;
}

export const computeEnvironments = [
  'onprem_cvm',
  'mock',
  'azure_cvm',
  'azure_confidential_container',
] as const;
export type ComputeEnvironment = (typeof computeEnvironments)[number];

/** The part of a `cc_config` file that provisioning reads; everything else is for the image builder. */
export interface CcConfig {
  computeEnvironment: ComputeEnvironment;
  issuers: CcIssuer[];
  /** Seconds between two checks of the other sites; missing when the file has no `cc_attestation`. */
  checkFrequency?: number;
  /** Further classes for jobs without own code (2.8). */
  classAllowList: string[];
}

export interface CcConfigProblem {
  /** Field path in the file: `cc_issuers[0].id`. */
  path: string;
  message: string;
  hint?: string;
}

const issuerExample =
  '- id: snp_authorizer, path: nvflare.app_opt.confidential_computing.snp_authorizer.SNPAuthorizer';

/** Runtime default when `cc_attestation` is there without the field. */
export const defaultCheckFrequency = 600;

/**
 * Reads a loaded `cc_config` file. Every problem is an error: a site that asks for confidential computing is never
 * provisioned without it (docs/reference/provisioning.md §0 fact 10).
 */
export function readCcConfig(document: unknown): { config?: CcConfig; problems: CcConfigProblem[] } {
  const problems: CcConfigProblem[] = [];
  if (!isRecord(document)) {
    return {
      problems: [
        {
          path: '',
          message: 'The file must be a mapping of settings.',
          hint: 'It begins with "compute_env: onprem_cvm".',
        },
      ],
    };
  }
  const computeEnvironment = computeEnvironments.find((name) => name === document['compute_env']);
  if (computeEnvironment === undefined) {
    problems.push({
      path: 'compute_env',
      message:
        document['compute_env'] === undefined
          ? 'compute_env is missing.'
          : `compute_env ${shown(document['compute_env'])} is not known.`,
      hint: `Use one of ${computeEnvironments.join(', ')}.`,
    });
  }
  const issuers = readIssuers(document['cc_issuers'], problems);
  const checkFrequency = readCheckFrequency(document['cc_attestation'], problems);
  const classAllowList = readClassAllowList(document['class_allow_list'], problems);
  if (problems.length > 0 || computeEnvironment === undefined) return { problems };
  return {
    config: {
      computeEnvironment,
      issuers,
      ...(checkFrequency === undefined ? {} : { checkFrequency }),
      classAllowList,
    },
    problems,
  };
}

function readIssuers(value: unknown, problems: CcConfigProblem[]): CcIssuer[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    problems.push({
      path: 'cc_issuers',
      message: 'cc_issuers must be a list.',
      hint: `Example: ${issuerExample}`,
    });
    return [];
  }
  return value.flatMap((item: unknown, index) => {
    const path = `cc_issuers[${index}]`;
    if (!isRecord(item)) {
      problems.push({
        path,
        message: `${path} must be a mapping with id, path and args.`,
        hint: `Example: ${issuerExample}`,
      });
      return [];
    }
    const id = item['id'];
    const classPath = item['path'];
    const args = item['args'] ?? {};
    const expiration = item['token_expiration'] ?? null;
    const before = problems.length;
    if (typeof id !== 'string' || !/^[A-Za-z0-9_.-]+$/.test(id)) {
      problems.push({
        path: `${path}.id`,
        message: `${path}.id must be a name of letters, digits, dots, hyphens and underscores.`,
        hint: 'It becomes a file name in the kits, for example snp_authorizer.',
      });
    }
    if (typeof classPath !== 'string' || classPath === '') {
      problems.push({
        path: `${path}.path`,
        message: `${path}.path must name the Python class of the issuer.`,
        hint: `Example: ${issuerExample}`,
      });
    }
    if (!isRecord(args)) {
      problems.push({
        path: `${path}.args`,
        message: `${path}.args must be a mapping.`,
        hint: 'Example: args: { snpguest_binary: /host/bin/snpguest }',
      });
    }
    if (expiration !== null && !isPositive(expiration)) {
      problems.push({
        path: `${path}.token_expiration`,
        message: `${path}.token_expiration must be a number of seconds above 0.`,
        hint: 'Example: token_expiration: 100',
      });
    }
    if (problems.length > before) return [];
    return [
      {
        id: id as string,
        path: classPath as string,
        args: args as Record<string, unknown>,
        tokenExpiration: expiration as number | null,
      },
    ];
  });
}

function readCheckFrequency(value: unknown, problems: CcConfigProblem[]): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) {
    problems.push({
      path: 'cc_attestation',
      message: 'cc_attestation must be a mapping.',
      hint: 'Example: cc_attestation: { check_frequency: 120 }',
    });
    return undefined;
  }
  if (Object.keys(value).length === 0) return undefined;
  const frequency = value['check_frequency'] ?? defaultCheckFrequency;
  if (!isPositive(frequency) || !Number.isInteger(frequency)) {
    problems.push({
      path: 'cc_attestation.check_frequency',
      message: 'cc_attestation.check_frequency must be a whole number of seconds above 0.',
      hint: 'Example: check_frequency: 120',
    });
    return undefined;
  }
  return frequency;
}

function readClassAllowList(value: unknown, problems: CcConfigProblem[]): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string' && item !== '')) {
    problems.push({
      path: 'class_allow_list',
      message: 'class_allow_list must be a list of class paths, none of them empty.',
      hint: 'Example: class_allow_list: [my_package.trainer.Trainer, my_package.]',
    });
    return [];
  }
  return value as string[];
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : 'of this type';
}
