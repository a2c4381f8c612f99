/** What this product does differently from the reference on purpose (docs/reference/provisioning.md §12), one by one. */
import type { FlareVersion } from '../../lab/nvflare.ts';
import type { Difference } from './compare.ts';
import type { Fields } from './generate.ts';

export interface Context {
  line: FlareVersion;
  project: Fields & { participants: Fields[] };
  /** Content of the files the project names. */
  files?: Record<string, unknown>;
}

export interface Deviation {
  name: string;
  why: string;
  excuses(difference: Difference, context: Context): boolean;
}

const isContent = (difference: Difference, file: string, at: string): boolean =>
  difference.what === 'content' && difference.path.endsWith(`/${file}`) && difference.at === at;

const participantOf = (difference: Difference, context: Context): Fields | undefined =>
  context.project.participants.find(({ name }) => name === difference.path.split('/')[0]);

export const deviations: Deviation[] = [
  {
    name: 'private keys are for their owner alone',
    why: '2.7 leaves them readable by everyone; 2.8 already writes 600',
    excuses: (difference, { line }) =>
      line === '2.7.2' &&
      difference.what === 'mode' &&
      difference.path.endsWith('.key') &&
      difference.reference === '644' &&
      difference.ours === '600',
  },
  {
    name: 'the state is for its owner alone',
    why: 'it holds the private key of the root in clear text',
    excuses: (difference) =>
      difference.what === 'mode' &&
      difference.path === 'state/cert.json' &&
      difference.reference === '644' &&
      difference.ours === '600',
  },
  {
    name: 'comm_config.json is signed',
    why: 'the reference writes it after signing, which makes --verify fail on its own kits',
    excuses: (difference) =>
      isContent(difference, 'local/signature.json', 'comm_config.json') &&
      difference.reference === undefined &&
      difference.ours === 'bytes signed',
  },
  {
    name: 'what optional builders write is signed wherever they stand in the list',
    why: 'the reference leaves it unsigned when the builder follows SignatureBuilder',
    excuses(difference, { project }) {
      const order = ((project.builders ?? []) as Fields[]).map(({ path }) => String(path).split('.').at(-1));
      const isLate = (builder: string, file: string, name: string): boolean =>
        order.indexOf(builder) > order.indexOf('SignatureBuilder') && isContent(difference, file, name);
      return (
        (isLate('EdgeBuilder', 'local/signature.json', 'edge__p_resources.json') ||
          isLate('AWSBuilder', 'startup/signature.json', 'aws_start.sh') ||
          isLate('AzureBuilder', 'startup/signature.json', 'azure_start.sh')) &&
        difference.reference === undefined &&
        difference.ours === 'bytes signed'
      );
    },
  },
  {
    name: 'an explicit false of a client holds',
    why: 'the reference falls back to the project for every falsy value',
    excuses(difference, context) {
      const key = context.line === '2.7.2' ? 'allow_error_sending' : 'allow_log_streaming';
      if (participantOf(difference, context)?.[key] !== false) return false;
      if (context.line === '2.8.1') {
        return (
          isContent(difference, 'local/resources.json.default', key) &&
          difference.reference === true &&
          difference.ours === false
        );
      }
      const sender = difference.reference as { id?: unknown } | undefined;
      return (
        context.project[key] === true &&
        difference.path.endsWith('/local/resources.json.default') &&
        /^components\.\d+$/.test(difference.at) &&
        sender?.id === 'error_log_sender' &&
        difference.ours === undefined
      );
    },
  },
  {
    name: "an admin's connection security is lower case",
    why: 'the reference copies it as written for admins only, and the runtime knows lower case only',
    excuses: (difference) =>
      isContent(difference, 'startup/fed_admin.json', 'admin.connection_security') && isLowered(difference),
  },
  {
    name: "a relay's connection security to the server is lower case",
    why: "the reference copies the server's as written, and the runtime knows lower case only",
    excuses: (difference) =>
      isContent(difference, 'startup/fed_relay.json', 'connect_to.connection_security') &&
      isLowered(difference),
  },
  {
    name: 'no None as connection security of a relay',
    why: 'the reference writes the word when nobody set one; the runtime takes it as mtls',
    excuses: (difference) =>
      isContent(difference, 'startup/fed_relay.json', 'connect_to.connection_security') &&
      difference.reference === 'None' &&
      difference.ours === 'mtls',
  },
  {
    name: "connect_to without host means the server's default host",
    why: 'the reference writes the host None, which nobody can reach',
    excuses(difference, context) {
      const connectTo = participantOf(difference, context)?.connect_to as Fields | undefined;
      if (typeof connectTo !== 'object' || connectTo.host !== undefined) return false;
      const server = context.project.participants.find(({ type }) => type === 'server');
      const host = String(server?.default_host ?? server?.name);
      if (isContent(difference, 'startup/fed_admin.json', 'admin.host')) {
        return difference.reference === 'None' && difference.ours === host;
      }
      const at = context.line === '2.7.2' ? 'overseer_agent.args.sp_end_point' : 'servers.0.service.target';
      return (
        isContent(difference, 'startup/fed_client.json', at) &&
        String(difference.reference).replace(/^None:/, `${host}:`) === difference.ours
      );
    },
  },
  {
    name: 'logs go to /applog only where there is one',
    why: 'as soon as one site is an on-prem CVM, the reference also moves the logs of sites on Azure, which have no /applog',
    excuses(difference, context) {
      const config = context.files?.[String(participantOf(difference, context)?.cc_config)] as
        | Fields
        | undefined;
      return (
        String(config?.compute_env).startsWith('azure') &&
        difference.path.endsWith('/local/log_config.json.default') &&
        /^handlers\.\w+\.filename$/.test(difference.at) &&
        difference.reference === `/applog/${String(difference.ours)}`
      );
    },
  },
  {
    name: 'the description of the Helm chart is our own',
    why: 'free text',
    excuses: (difference) => difference.path === 'nvflare_hc/Chart.yaml' && difference.at === 'description',
  },
];

/** Projects that one of the two refuses and the other does not. */
export interface DecisionDeviation {
  name: string;
  why: string;
  refusedBy: 'reference' | 'ours';
  excuses(context: Context, output: string): boolean;
}

export const decisionDeviations: DecisionDeviation[] = [
  {
    name: 'connect_to without host, while the host names of the server are one text',
    why: 'the reference looks for None in the text and breaks off; here the default host is taken',
    refusedBy: 'reference',
    excuses: ({ project }, output) =>
      project.participants.some(
        ({ type, host_names }) => type === 'server' && typeof host_names === 'string',
      ) &&
      project.participants.some(
        ({ connect_to }) => typeof connect_to === 'object' && connect_to !== null && !('host' in connect_to),
      ) &&
      /in <string>' requires string as left operand, not NoneType/.test(output),
  },
];

function isLowered({ reference, ours }: Difference): boolean {
  return typeof reference === 'string' && reference !== ours && reference.toLowerCase() === ours;
}

/** The differences that no deviation excuses; `used` collects the names of those that excused one. */
export function unexcused(
  differences: Difference[],
  context: Context,
  used = new Set<string>(),
): Difference[] {
  return differences.filter((difference) => {
    const excuse = deviations.find((deviation) => deviation.excuses(difference, context));
    if (excuse) used.add(excuse.name);
    return excuse === undefined;
  });
}
