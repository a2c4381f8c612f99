/** The key broker that a project's desk.yml names, with what is known of it here. */
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import type { TrusteeRelease } from '../../domain/kbs/index.ts';
import type { Project } from '../../domain/project/model.ts';
import type {
  KbsClient,
  KbsStatus,
  KbsTarget,
  PolicyHistory,
  PolicyRecord,
  ReadPolicy,
} from '../../services/kbs/index.ts';
import type { DeskFile } from '../../services/projects/index.ts';
import type { CoreParts } from '../context.ts';
import { loadFor, refusal } from '../sound-project.ts';
import { everyMeasurement, type FormerImage, type Inventory, inventoryOf } from './inventory.ts';

export interface Broker {
  target: KbsTarget;
  client: KbsClient;
  history: PolicyHistory;
  /** What a person types to confirm. */
  name: string;
  /** Who acts, for the history. */
  actor: string;
  /** Throws what is wrong with the project's own files. */
  project(): Project;
  inventory(): Promise<Inventory>;
  /** Whose image a measurement was, by its hex digits. */
  everyMeasurement(): Promise<Map<string, FormerImage>>;
}

/**
 * Reads the project. Its own errors do not hinder: keys must be stoppable whatever stands in project.yml. Throws
 * `invalid_input` when desk.yml is missing, broken, or names no key broker.
 */
export async function brokerOf(core: CoreParts, file: string): Promise<Broker> {
  const { project, findings, ...loaded } = await loadFor({ file });
  const desk = loaded.desk ?? (project ? undefined : await deskAlone(file));
  if (!desk?.kbs) {
    const broken = findings.some((one) => one.severity === 'error' && one.file?.endsWith('desk.yml'));
    if (broken) throw refusal(file, findings);
    throw new DeskError('invalid_input', `No key broker is named for ${file}.`, {
      hint: 'Add "kbs: { address: https://…:8999, ca: …, admin_key: … }" to the desk.yml beside it.',
    });
  }
  const target = desk.kbs;
  const { kbsClient, policyHistory } = await import('../../services/kbs/index.ts');
  const sound = (): Project => {
    if (!project) throw refusal(file, findings);
    return project;
  };
  return {
    target,
    client: kbsClient(target, () => core.clock.now()),
    history: policyHistory((await core.store()).documents, target.address),
    name: project?.name ?? basename(dirname(file)),
    actor: `${core.environment.user}@${hostname()}`,
    project: sound,
    inventory: async () => inventoryOf(sound(), desk.workspace, core.clock.now()),
    everyMeasurement: async () => everyMeasurement(sound(), desk.workspace, core.clock.now()),
  };
}

/** For a project.yml that does not even parse. */
async function deskAlone(file: string): Promise<DeskFile | undefined> {
  const { loadDesk } = await import('../../services/projects/index.ts');
  const { desk } = await loadDesk(join(dirname(file), 'desk.yml'));
  return desk?.project === file ? desk : undefined;
}

const releases = new Map<string, TrusteeRelease>();

/** A look at it; the release it shows is kept for what is asked later in this process. */
export async function lookAt({ client, target }: Broker, signal: AbortSignal): Promise<KbsStatus> {
  const { kbsStatus } = await import('../../services/kbs/index.ts');
  const status = await kbsStatus(client, target, signal);
  if (status.release !== undefined) releases.set(target.address, status.release);
  return status;
}

/** The release that policies are written for: the one of desk.yml, else what it shows. Throws `unsupported`. */
export async function releaseOf(broker: Broker, signal: AbortSignal): Promise<TrusteeRelease> {
  const { profile, address } = broker.target;
  if (profile !== 'auto') return profile;
  const release = releases.get(address) ?? (await lookAt(broker, signal)).release;
  if (release !== undefined) return release;
  throw new DeskError('unsupported', `The release of the key broker ${address} cannot be found out.`, {
    hint: 'Name it in desk.yml as kbs.profile, for example v0.14.',
  });
}

export interface SeenPolicy extends ReadPolicy {
  at: string;
  changedElsewhere: { at: string; known_sha256: string; known_at: string } | null;
}

const turns = new Map<string, Promise<unknown>>();

/** One reader or writer of a broker's history at a time. */
async function inTurn<Value>(address: string, work: () => Promise<Value>): Promise<Value> {
  const turn = (turns.get(address) ?? Promise.resolve()).then(work, work);
  turns.set(
    address,
    turn.catch(() => undefined),
  );
  return turn;
}

/** Reads the policy; a text that is new here goes into the history. Throws what reading throws. */
export async function readPolicyOf(
  broker: Broker,
  clock: CoreParts['clock'],
  signal?: AbortSignal,
): Promise<SeenPolicy> {
  const { readPolicy } = await import('../../services/kbs/index.ts');
  const read = await readPolicy(broker.client, signal);
  const at = new Date(clock.now()).toISOString();
  return inTurn(broker.target.address, async () => {
    const before = await broker.history.list();
    const [newest] = before;
    const records =
      newest?.sha256 === read.sha256
        ? before
        : [await broker.history.add({ at, kind: 'seen', actor: broker.actor, text: read.text }), ...before];
    return { ...read, at, changedElsewhere: changedElsewhere(records, read.sha256) };
  });
}

/** Adds to the history, in turn with readers. */
export const keepPolicy = async (
  { target, history, actor }: Broker,
  record: Pick<PolicyRecord, 'at' | 'kind' | 'text' | 'note'>,
): Promise<PolicyRecord> => inTurn(target.address, () => history.add({ ...record, actor }));

/** Whether the text there is another one than the last that was set from here (or, before that, the first seen). */
function changedElsewhere(
  records: readonly PolicyRecord[],
  sha256: string,
): { at: string; known_sha256: string; known_at: string } | null {
  const lastSet = records.findIndex(({ kind }) => kind === 'set');
  const known = lastSet === -1 ? records.at(-1) : records[lastSet];
  if (!known || known.sha256 === sha256) return null;
  const since = lastSet === -1 ? records : records.slice(0, lastSet);
  const first = since.findLast((one) => one.sha256 === sha256);
  return { at: first?.at ?? known.at, known_sha256: known.sha256, known_at: known.at };
}
