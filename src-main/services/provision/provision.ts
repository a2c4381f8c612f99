import { join } from 'node:path';
import PQueue from 'p-queue';
import { DeskError } from '../../contract/errors.ts';
import {
  confidentialProject,
  type KitContext,
  kitContext,
  renderKit,
  renderStartAll,
} from '../../domain/kit/index.ts';
import type { Participant, Project } from '../../domain/project/model.ts';
import type { Clock, ReportProgress } from '../../ports.ts';
import { CertState, type Identity, type UnlockedKey } from '../pki/index.ts';
import { loadCcConfigs } from './cc-files.ts';
import { allOrNone } from './all-or-none.ts';
import { asFileError } from './file-errors.ts';
import { flushFolder } from './flush.ts';
import {
  certificateRequest,
  identityFiles,
  listenerRequest,
  planIdentities,
  refuseMismatches,
} from './identities.ts';
import { type SigningScope, writeKit } from './kit-writer.ts';
import { writeProdFiles } from './prod-files.ts';
import { prepareRoot } from './root.ts';
import { sourceReader } from './source-reader.ts';
import { refuseUnsupported } from './supported.ts';
import { withCertifiableServer } from './server-name.ts';
import { holdWorkspace, nextProd, type WorkspaceHold, workspacePaths } from './workspace.ts';

export interface ProvisionOptions {
  /** Absolute path of the folder that holds the project's folder. */
  workspace: string;
  /** Participants whose key and certificate are made anew; the project's name renews the root certificate. */
  reissue?: readonly string[];
  /** Also write `start_all.sh` beside the kits. */
  genScripts?: boolean;
  clock?: Clock;
  /** Opens a CA key that is wrapped by a passphrase. */
  unlockedKey?: UnlockedKey;
  signal?: AbortSignal;
  report?: ReportProgress;
}

export interface ProvisionedParticipant {
  name: string;
  type: Participant['type'];
  /** Absolute path of the kit folder. */
  kit: string;
  /** True when key and certificate came from the project's state. */
  reused: boolean;
}

export interface Provisioned {
  /** Absolute path of the new `prod_NN` folder. */
  prod: string;
  flare: Project['line'];
  participants: ProvisionedParticipant[];
  seconds: number;
}

/** Kits written side by side; each waits for the disk and the signature threads. */
const kitsAtOnce = 8;

/**
 * Makes the signed kits of a project in the next `prod_NN` folder of its workspace, and keeps keys and certificates in
 * `state/cert.json`, which FLARE's own tool can go on with and the other way round
 * (docs/reference/provisioning.md §3–§6).
 *
 * A run that fails, is cancelled or crashes leaves no `prod_NN`, and the state as it was.
 *
 * @throws DeskError `unsupported` (builder, packager), `invalid_input` (project, CC file, damaged state),
 * `conflict` (state of another project; certificates that no longer fit, each in `fields`), `cert_expired` (root),
 * `locked` (another run), `denied`, `too_large` (disk full), `not_found` (a file the project names), `cancelled`
 */
export async function provision(written: Project, options: ProvisionOptions): Promise<Provisioned> {
  const began = performance.now();
  const project = withCertifiableServer(written);
  refuseUnsupported(project);
  const context = kitContext(project, confidentialProject(project, await loadCcConfigs(project)));
  const paths = workspacePaths(options.workspace, project.name);
  let hold: WorkspaceHold | undefined;
  try {
    stopIfCancelled(options);
    const readSource = await sourceReader(project);
    const prod = await nextProd(paths.root);
    hold = await holdWorkspace(paths);
    const now = new Date(options.clock?.now() ?? Date.now());
    const state = await CertState.open(paths.state, {
      projectName: project.name,
      line: project.line,
      now,
      ...(options.unlockedKey === undefined ? {} : { unlockedKey: options.unlockedKey }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const identities = await certify(project, state, now, options);
    await writeKits(hold, context, state, identities, readSource, options);
    await writeProdFiles(
      hold.paths.wip,
      project,
      // The packager takes the script away again: images are not started by it (docs/reference/provisioning.md §8.3).
      options.genScripts === true && project.packager === undefined ? [renderStartAll(project)] : [],
    );
    options.report?.({ step: 'finalize' });
    await flushFolder(hold.paths.wip, options.signal);
    stopIfCancelled(options);
    const folder = await publish(hold, state, prod);
    return {
      prod: folder,
      flare: project.line,
      participants: project.participants.map(({ name, type }) => ({
        name,
        type,
        kit: join(folder, name),
        reused: identities.get(name)?.reused ?? false,
      })),
      seconds: (performance.now() - began) / 1000,
    };
  } catch (error) {
    throw asFileError(error, 'The kits cannot be written', paths.root);
  } finally {
    await hold?.release();
  }
}

interface CertifiedIdentity extends Identity {
  reused: boolean;
  listener?: Identity;
}

/** Keys and certificates for everyone: stored ones as they are, missing ones made in parallel. */
async function certify(
  project: Project,
  state: CertState,
  now: Date,
  options: ProvisionOptions,
): Promise<Map<string, CertifiedIdentity>> {
  const reissue = options.reissue ?? [];
  const plans = planIdentities(project, state, reissue, now);
  prepareRoot(project, state, reissue, now);
  refuseMismatches(plans);
  const { authority } = state;
  const total = plans.filter(({ action }) => action !== 'reuse').length;
  let done = 0;
  options.report?.({ step: 'cert', done, total, unit: 'keys' });
  const certified = await allOrNone(plans, options.signal, async ({ participant, action, known }, signal) => {
    const request = listenerRequest(participant);
    const [identity, listener] = await Promise.all([
      known !== undefined && action === 'reuse'
        ? known
        : authority.issue(certificateRequest(participant), { signal }),
      request === undefined ? undefined : authority.issue(request, { signal }),
    ]);
    if (action !== 'reuse') options.report?.({ step: 'cert', done: ++done, total, unit: 'keys' });
    return { participant, action, identity, listener };
  });
  const identities = new Map<string, CertifiedIdentity>();
  for (const { participant, action, identity, listener } of certified) {
    const { certificatePem, privateKeyPem } = identity;
    const reused = action === 'reuse';
    if (!reused) state.put(participant.name, { certificatePem, privateKeyPem });
    identities.set(participant.name, {
      certificatePem,
      privateKeyPem,
      reused,
      ...(listener === undefined ? {} : { listener }),
    });
  }
  return identities;
}

async function writeKits(
  hold: WorkspaceHold,
  context: KitContext,
  state: CertState,
  identities: ReadonlyMap<string, CertifiedIdentity>,
  readSource: (path: string) => Promise<Uint8Array>,
  options: ProvisionOptions,
): Promise<void> {
  const { project } = context;
  const total = project.participants.length;
  let done = 0;
  options.report?.({ step: 'kits', done, total, unit: 'sites' });
  const queue = new PQueue({ concurrency: kitsAtOnce });
  await allOrNone(project.participants, options.signal, (participant, signal) =>
    queue.add(async () => {
      if (signal.aborted) throw cancelled();
      const identity = identities.get(participant.name);
      if (identity === undefined) throw new Error(`no identity for ${participant.name}`);
      const files = [
        ...renderKit(participant, context),
        ...identityFiles(participant.type === 'server' ? 'server' : 'client', identity),
        ...(identity.listener === undefined ? [] : identityFiles('server', identity.listener)),
        { path: 'startup/rootCA.pem', mode: 0o644, content: state.authority.certificatePem },
      ];
      const folder = join(hold.paths.wip, participant.name);
      await writeKit(
        { folder, files, signing: signingScope(participant, context) },
        state.authority,
        readSource,
      );
      options.report?.({ step: 'kits', done: ++done, total, unit: 'sites', target: participant.name });
    }),
  );
}

/** What of a kit is signed: all of a confidential one; `startup` and `local` where the line signs plain kits (§6.2). */
function signingScope(
  participant: Participant,
  { project, profile, confidential }: KitContext,
): SigningScope {
  if (!project.builders.some(({ path }) => path.endsWith('.SignatureBuilder'))) return 'none';
  if (confidential?.configs.has(participant.name) === true) return 'whole-kit';
  return profile.signsPlainKits ? 'startup-and-local' : 'none';
}

/**
 * The state first: a crash in between leaves keys without a kit, which the next run uses. The other order would leave
 * a kit whose authority nobody has.
 */
async function publish(hold: WorkspaceHold, state: CertState, prod: string): Promise<string> {
  await state.save();
  try {
    return await hold.publish(prod);
  } catch (error) {
    await state.restore();
    throw error;
  }
}

function stopIfCancelled({ signal }: ProvisionOptions): void {
  if (signal?.aborted === true) throw cancelled();
}

function cancelled(): DeskError {
  return new DeskError('cancelled', 'Provisioning was cancelled; nothing was changed.');
}
