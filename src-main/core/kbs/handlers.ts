import { DeskError } from '../../contract/errors.ts';
import {
  compareMeasurements,
  denyAllPolicy,
  generatePolicy,
  lintPolicy,
  type TrusteeRelease,
  trusteeProfile,
} from '../../domain/kbs/index.ts';
import type { CallContext, CallHandlers } from '../context.ts';
import { type Broker, brokerOf, lookAt, readPolicyOf, releaseOf } from './broker.ts';
import { holdings } from './holdings.ts';
import { replacePolicy, type Wanted } from './set-policy.ts';
import { answers, simulated, statusOf } from './shapes.ts';

type Names = Extract<keyof CallHandlers, `kbs.${string}`>;

/** What a text means for the release and the inventory. */
async function meaning(broker: Broker, text: string, release: TrusteeRelease) {
  const profile = trusteeProfile(release);
  const inventory = await broker.inventory();
  return {
    release,
    findings: lintPolicy(text, profile, inventory.cvms),
    cvms: answers(text, inventory, profile),
  };
}

/** The same for a policy that is in force: it is shown whatever the project's own files say. */
async function meaningIfKnown(broker: Broker, text: string, signal: AbortSignal) {
  try {
    return await meaning(broker, text, await releaseOf(broker, signal));
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DeskError)) throw error;
    const { message, hint } = error;
    const finding = {
      severity: 'warning' as const,
      code: 'kbs_policy_unchecked',
      message: `The policy was not checked: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    };
    return { release: null, findings: [finding], cvms: [] };
  }
}

async function replace(file: string, broker: Broker, wanted: Wanted, { core, signal }: CallContext) {
  try {
    return await replacePolicy(core, broker, wanted, signal);
  } finally {
    (await core.kbs()).touched(file);
  }
}

export const handlers: Pick<CallHandlers, Names> = {
  ...holdings,

  'kbs.status': async ({ file }, { core, signal }) => {
    const broker = await brokerOf(core, file);
    const status = await lookAt(broker, signal);
    return statusOf(status, broker.target.address, new Date(core.clock.now()).toISOString());
  },

  'kbs.policy_read': async ({ file }, { core, signal }) => {
    const broker = await brokerOf(core, file);
    const { text, sha256, at, changedElsewhere } = await readPolicyOf(broker, core.clock, signal);
    return {
      text,
      sha256,
      read_at: at,
      ...(await meaningIfKnown(broker, text, signal)),
      changed_elsewhere: changedElsewhere,
    };
  },

  'kbs.policy_lint': async ({ file, text }, { core, signal }) => {
    const broker = await brokerOf(core, file);
    return meaning(broker, text, await releaseOf(broker, signal));
  },

  'kbs.policy_generate': async ({ file }, { core, signal }) => {
    const broker = await brokerOf(core, file);
    const release = await releaseOf(broker, signal);
    const { cvms, unknown, unmeasured } = await broker.inventory();
    return {
      text: generatePolicy(cvms, trusteeProfile(release)),
      release,
      left_out: [...unknown, ...unmeasured],
    };
  },

  'kbs.policy_compare': async ({ file, text, read_sha256 }, { core, signal }) => {
    const broker = await brokerOf(core, file);
    const theirs = await readPolicyOf(broker, core.clock, signal);
    const records = await broker.history.list();
    const read = records.find(({ sha256 }) => sha256 === read_sha256);
    const base = read ?? records.find(({ kind }) => kind === 'set');
    const { compareThree } = await import('../../services/kbs/index.ts');
    const {
      conflict,
      merged,
      ours,
      theirs: other,
    } = compareThree(base?.text ?? theirs.text, text, theirs.text);
    return {
      base: {
        from: read ? 'read' : base ? 'last_set' : 'theirs',
        sha256: base?.sha256 ?? theirs.sha256,
        ...(base ? { at: base.at } : {}),
      },
      theirs_sha256: theirs.sha256,
      theirs_text: theirs.text,
      conflict,
      ...(merged === undefined ? {} : { merged }),
      ours,
      theirs: other,
    };
  },

  'kbs.policy_simulate': async ({ file, text }, { core, signal }) => {
    const broker = await brokerOf(core, file);
    const release = await releaseOf(broker, signal);
    const theirs = await readPolicyOf(broker, core.clock, signal);
    const cvms = simulated(theirs.text, text, await broker.inventory(), trusteeProfile(release));
    return { release, theirs_sha256: theirs.sha256, cvms };
  },

  'kbs.policy_measurements': async ({ file, text }, { core, signal }) => {
    const broker = await brokerOf(core, file);
    const release = await releaseOf(broker, signal);
    const compared = text ?? (await readPolicyOf(broker, core.clock, signal)).text;
    const { cvms, unknown } = await broker.inventory();
    const { images, stale } = compareMeasurements(compared, trusteeProfile(release), cvms);
    const former = await broker.everyMeasurement();
    return {
      release,
      images: [
        ...images.map(({ vmId, measurement, ...image }) => ({
          ...image,
          vm_id: vmId,
          measurement: measurement ?? null,
        })),
        ...unknown.map((one) => ({
          ...one,
          vm_id: null,
          answer: 'unknown' as const,
          measurement: null,
          lines: [],
        })),
      ],
      stale: stale.map(({ opens, ...one }) => ({
        ...one,
        opens: opens ?? null,
        was: former.get(one.measurement) ?? null,
      })),
    };
  },

  'kbs.policy_set': async ({ file, text, read_sha256, confirm, accept_findings }, context) => {
    const broker = await brokerOf(context.core, file);
    const wanted = { text, readSha256: read_sha256, confirm, acceptFindings: accept_findings ?? false };
    return replace(file, broker, wanted, context);
  },

  'kbs.policy_history': async ({ file }, { core }) => {
    const broker = await brokerOf(core, file);
    return { records: await broker.history.list() };
  },

  'kbs.policy_roll_back': async ({ file, id, read_sha256, confirm, accept_findings }, context) => {
    const broker = await brokerOf(context.core, file);
    const record = await broker.history.find(id);
    if (!record) {
      throw new DeskError('not_found', `The history has no policy ${id}.`, {
        hint: 'flaredesk kbs policy history lists them.',
      });
    }
    const wanted: Wanted = {
      text: record.text,
      readSha256: read_sha256,
      confirm,
      acceptFindings: accept_findings ?? false,
      note: `rolled back to the text of ${record.at}`,
    };
    return replace(file, broker, wanted, context);
  },

  'kbs.policy_deny_all': async ({ file, read_sha256, confirm }, context) => {
    const broker = await brokerOf(context.core, file);
    const wanted: Wanted = {
      text: denyAllPolicy,
      readSha256: read_sha256,
      confirm,
      acceptFindings: true,
      note: 'deny all',
      always: true,
    };
    return replace(file, broker, wanted, context);
  },
};
