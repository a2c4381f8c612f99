/** Bundles: inspection with an eye on the project, hand-over records, verification. */
import { basename, dirname, join } from 'node:path';
import { DeskError } from '../contract/errors.ts';
import type { TaskInput, TaskOutput } from '../contract/index.ts';
import type { ExpectedMeasurement } from '../domain/cc/bundle.ts';
import type { BundleFacts } from '../domain/cc/bundle-facts.ts';
import { driftOf } from './bundle-drift.ts';
import type { CoreParts, TaskHandlers } from './context.ts';
import { byName } from './by-name.ts';
import { soundProject, type SoundProject } from './sound-project.ts';

type InspectInput = TaskInput<'bundles.inspect'>;

function measurementOf(measurement: ExpectedMeasurement): TaskOutput<'bundles.inspect'>['measurement'] {
  if (!measurement.computed) return { computed: false, reason: measurement.reason };
  const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
  const { plain, withDebugSwap } = measurement;
  return {
    computed: true,
    plain,
    with_debug_swap: withDebugSwap,
    plain_base64: base64(plain),
    with_debug_swap_base64: base64(withDebugSwap),
  };
}

async function projectOf(input: Pick<InspectInput, 'file' | 'workspace'>): Promise<SoundProject | undefined> {
  return input.file === undefined
    ? undefined
    : soundProject({ file: input.file, workspace: input.workspace });
}

/** The root fingerprint of the project here. */
async function rootOf({ file, workspace }: Pick<InspectInput, 'file' | 'workspace'>): Promise<string> {
  const message = 'Name the root fingerprint, or the project it is of.';
  const missing = new DeskError('bad_usage', message, { fields: [{ path: 'root_fingerprint', message }] });
  if (file === undefined) throw missing;
  const sound = await soundProject({ file, workspace });
  const { keyFormOf } = await import('../services/pki/index.ts');
  const { rootFingerprint } = await keyFormOf(join(sound.workspace, sound.project.name, 'state'));
  if (rootFingerprint !== undefined) return rootFingerprint;
  throw new DeskError('not_found', `${sound.project.name} has no root certificate here.`, {
    hint: 'Paste the fingerprint the project admin told you.',
  });
}

async function signerOf(
  input: InspectInput,
  sound: SoundProject | undefined,
  core: CoreParts,
  task: { signal: AbortSignal; waiting<Answer>(ask: () => Promise<Answer>): Promise<Answer> },
) {
  if (input.sign === undefined) return undefined;
  const { adminRecordSigner, rootRecordSigner } = await import('../services/cvm/index.ts');
  if (input.sign === 'admin') {
    if (input.admin_kit === undefined)
      throw new DeskError('bad_usage', 'Name the kit of the project admin that signs.', {
        fields: [{ path: 'admin_kit', message: 'Name the kit of the project admin that signs.' }],
      });
    const kit = input.admin_kit;
    return byName([kit], () => adminRecordSigner(kit));
  }
  if (!sound) throw new DeskError('bad_usage', 'Name the project file: its root key signs.');
  const stateFolder = join(sound.workspace, sound.project.name, 'state');
  const custody = await core.custody();
  const unlocked = await task.waiting(() => custody.keyFor(stateFolder, task.signal));
  return rootRecordSigner(stateFolder, unlocked);
}

function answerOf(facts: BundleFacts, participant: string): TaskOutput<'bundles.inspect'> {
  const { launch, kit, archive } = facts;
  const { vmId, cBitPosition, kernelHashes, qmpSocket: _, ...rest } = launch;
  return {
    bundle: facts.bundle,
    participant,
    source: facts.source,
    ...(archive ? { archive: { name: archive.name, size: archive.size, sha256: archive.sha256 } } : {}),
    files: facts.files.map((file) => ({ ...file })),
    launch: {
      ...rest,
      ...(vmId === undefined ? {} : { vm_id: vmId }),
      ...(cBitPosition === undefined ? {} : { c_bit_position: cBitPosition }),
      ...(kernelHashes === undefined ? {} : { kernel_hashes: kernelHashes }),
    },
    kernel_hashes: facts.kernelHashes,
    debug_allowed: facts.debugAllowed,
    drives: facts.drives.map(({ name, virtualSize, check }) => ({ name, virtual_size: virtualSize, check })),
    measurement: measurementOf(facts.measurement),
    kit: kit && {
      name: kit.name,
      kind: kit.kind,
      org: kit.org,
      flare: kit.flare,
      root_fingerprint: kit.rootFingerprint,
      fingerprint: kit.fingerprint,
      not_after: kit.notAfter,
      server: kit.server,
      checked: kit.checked,
    },
    findings: facts.findings.map((finding) => ({ ...finding })),
  };
}

export const handlers: Pick<TaskHandlers, 'bundles.inspect' | 'bundles.verify'> = {
  'bundles.inspect': {
    title: () => 'Inspect a bundle',
    target: ({ bundle }) => basename(bundle),
    steps: () => ['hash', 'look'],
    idempotent: true,
    async run(input, { core, task }) {
      const { inspectBundle, keepHandOver } = await import('../services/cvm/index.ts');
      const sound = await projectOf(input);
      const signer = await signerOf(input, sound, core, task);
      const facts = await byName([input.bundle], () =>
        inspectBundle(input.bundle, {
          ...(input.root_fingerprint === undefined ? {} : { rootFingerprint: input.root_fingerprint }),
          now: core.clock.now(),
          signal: task.signal,
          report: task.report,
        }),
      );
      const named = basename(input.bundle).replace(/\.(?:tgz|tar\.gz)$/, '');
      const fallback =
        facts.source === 'archive' ? named : (facts.kit?.name ?? basename(dirname(input.bundle)));
      const participant = input.participant ?? fallback;
      facts.findings.push(...(await driftOf(facts, participant, input.bundle, sound)));
      const answer = answerOf(facts, participant);
      if (input.keep !== true && !signer) return answer;
      const { file, handOver } = await byName([input.bundle], () =>
        keepHandOver(input.bundle, facts, {
          participant,
          now: core.clock.now(),
          ...(signer ? { signer } : {}),
        }),
      );
      return { ...answer, record: { name: basename(file), signed: handOver.signature !== null } };
    },
  },
  'bundles.verify': {
    title: () => 'Verify a bundle',
    target: ({ bundle }) => basename(bundle),
    steps: () => ['hash'],
    idempotent: true,
    async run(input, { core, task }) {
      const { bundle, record: place } = input;
      const { verifyHandOver } = await import('../services/cvm/index.ts');
      const rootFingerprint = input.root_fingerprint ?? (await rootOf(input));
      const { record, signedBy, problems, notes } = await byName(
        [bundle, ...(place === undefined ? [] : [place])],
        () =>
          verifyHandOver(bundle, {
            rootFingerprint,
            ...(place === undefined ? {} : { record: place }),
            now: core.clock.now(),
            signal: task.signal,
            report: task.report,
          }),
      );
      const { measurement } = record;
      return {
        participant: record.participant,
        bundle: record.bundle,
        root_fingerprint: rootFingerprint,
        signed_by: signedBy,
        created_at: record.created_at,
        files: record.files.length,
        measurement: measurementOf(
          measurement.computed
            ? { computed: true, plain: measurement.plain, withDebugSwap: measurement.with_debug_swap }
            : measurement,
        ),
        problems: problems.map((finding) => ({ ...finding })),
        notes: notes.map((finding) => ({ ...finding })),
      };
    },
  },
};
