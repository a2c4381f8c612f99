/** Brings a kit to its host: verified, whole or not at all, the one before kept. */
import { createHash, randomBytes } from 'node:crypto';
import { DeskError } from '../../contract/errors.ts';
import { type PackedKit, readKit, tarOf } from './pack.ts';
import {
  compareKit,
  installKit,
  prepareDelivery,
  receiveTar,
  removeIncoming,
  switchKit,
} from './scripts/delivery.ts';
import { type SiteShell, valuesOf } from './site-shell.ts';
import type { Outcome, StepLog } from './step-log.ts';
import type { SiteState, SiteTarget, SitesOptions } from './types.ts';

/** Room for folders, the manifest and what the file system takes for itself. */
const spareBytes = 1024 * 1024;
const cleanupMs = 5_000;
/** For steps whose time grows with the kit: hashing and sending. The keepalive watches over the connection. */
const longMs = 24 * 3600 * 1000;

/** Checks and hashes the local kit; nothing is sent. Errors: those of `readKit` and of the given verifier. */
export async function prepareKit(
  target: SiteTarget,
  log: StepLog,
  options: Pick<SitesOptions, 'verifyKit'>,
  signal: AbortSignal | undefined,
): Promise<PackedKit> {
  const folder = target.kit;
  if (folder === undefined)
    throw new DeskError('not_found', `There is no kit for ${target.name} to deliver.`, {
      hint: 'Provision the project first.',
    });
  return log.step(
    'kit',
    async () => {
      await options.verifyKit?.(folder, signal ? { signal } : {});
      return readKit(folder, target.prod ?? 'kit', signal);
    },
    (kit) => `${kit.id}: ${kit.entries.length} entries, ${kit.bytes} bytes`,
  );
}

/**
 * Compares, uploads to a temporary name, compares SHA-256 on the far side, unpacks beside the old kit, syncs and switches
 * `current` in one move. An unchanged kit is left alone; a kit changed on the host is replaced and kept under another
 * name. Whatever ends it early, `incoming/` is removed while the connection lives, else at the next run.
 */
export async function distribute(
  shell: SiteShell,
  kit: PackedKit,
  log: StepLog,
  signal: AbortSignal | undefined,
): Promise<SiteState> {
  const context = signal ? { signal } : {};
  const found = await log.step(
    'compare',
    async () => {
      const lines = await shell.must('Looking at what is there', compareKit, [kit.id], {
        ...context,
        stdin: kit.manifest,
        timeoutMs: longMs,
      });
      const values = valuesOf(lines);
      const differs = lines
        .filter((line) => line.startsWith('differs '))
        .map((line) => line.slice('differs '.length));
      return {
        there: values.get('kit') === 'there',
        current: values.get('current') ?? '',
        running: values.get('running') ?? '',
        differs,
      };
    },
    ({ there, differs }) => {
      if (!there) return 'not there yet';
      if (differs.length === 0) return 'already there, unchanged';
      return {
        state: 'warning',
        message: `there, but changed on the host: ${differs.slice(0, 5).join(', ')}${differs.length > 5 ? ', …' : ''}`,
      };
    },
  );
  const intact = found.there && found.differs.length === 0;
  if (intact && found.current === kit.id) return 'already_there';
  if (found.there && !intact && found.running === kit.id)
    throw new DeskError(
      'conflict',
      `The kit ${kit.id} was changed on the host and is running: it is not replaced.`,
      {
        hint: 'Stop the participant first (sites stop), then distribute again.',
      },
    );
  if (!intact) await send(shell, kit, log, signal);
  await log.step(
    'switch',
    () => shell.must('Switching to the new kit', switchKit, [kit.id], context),
    (lines) => switched(kit, found.running, lines),
  );
  return 'delivered';
}

/** What is to be told about a switch: what is kept, what still runs, what the new kit does not have. */
function switched(kit: PackedKit, running: string, lines: readonly string[]): Outcome {
  const before = valuesOf(lines).get('previous') ?? '';
  const added = lines.filter((line) => line.startsWith('added ')).map((line) => line.slice('added '.length));
  const parts = [`current is ${kit.id}`];
  if (before !== '') parts.push(`${before} is kept for roll back`);
  if (running !== '' && running !== kit.id)
    parts.push(`the running participant uses ${running} until it is stopped and started`);
  if (added.length === 0)
    return { state: running !== '' && running !== kit.id ? 'warning' : 'ok', message: parts.join('; ') };
  parts.push(`the site had added ${added.join(', ')} to the kit before, the new kit is without them`);
  return {
    state: 'warning',
    message: parts.join('; '),
    hint: 'Ask the site whether it wants them in the new kit, and copy them from "previous" before the start.',
  };
}

async function send(
  shell: SiteShell,
  kit: PackedKit,
  log: StepLog,
  signal: AbortSignal | undefined,
): Promise<void> {
  const context = signal ? { signal } : {};
  const delivery = `delivery-${randomBytes(6).toString('hex')}`;
  try {
    await log.step(
      'room',
      async () => {
        const values = valuesOf(await shell.must('Making the folder', prepareDelivery, [delivery], context));
        const free = Number(values.get('free') ?? '') * 1024;
        const needed = 2 * kit.bytes + spareBytes;
        if (Number.isFinite(free) && values.has('free') && free < needed)
          throw new DeskError(
            'remote_failed',
            `${shell.place} has ${free} bytes free, the kit needs ${needed} while it is unpacked.`,
            { hint: 'Free some space on the host, then distribute again.', retryable: true },
          );
        return free;
      },
      (free) => (Number.isFinite(free) ? `${Math.floor(free / 1024 / 1024)} MiB free` : 'free space unknown'),
    );
    await log.step(
      'upload',
      () => upload(shell, kit, delivery, log, signal),
      (sum) => `${kit.bytes} bytes, SHA-256 ${sum.slice(0, 12)}… the same on both sides`,
    );
    await log.step(
      'unpack',
      () =>
        shell.must(
          'Unpacking the kit',
          installKit,
          [delivery, kit.id, String(Math.floor(Date.now() / 1000))],
          {
            ...context,
            stdin: kit.manifest,
            timeoutMs: longMs,
          },
        ),
      (lines) => {
        const kept = valuesOf(lines).get('kept');
        return kept === undefined
          ? 'every file compared'
          : `every file compared; the changed kit is kept as ${kept}`;
      },
    );
  } finally {
    // Not under the caller's signal: this is what a cancel leaves to do.
    if (!shell.connection.closed)
      await shell.run(removeIncoming, [], { timeoutMs: cleanupMs }).catch(() => undefined);
  }
}

async function upload(
  shell: SiteShell,
  kit: PackedKit,
  delivery: string,
  log: StepLog,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash('sha256');
  let lastReport = 0;
  const tar = tarOf(kit, (done) => {
    const now = performance.now();
    if (now - lastReport < 100 && done < kit.bytes) return;
    lastReport = now;
    log.progress({ step: 'upload', done, total: kit.bytes, unit: 'bytes' });
  });
  const bytes = async function* () {
    for await (const chunk of tar as AsyncIterable<Buffer>) {
      hash.update(chunk);
      yield chunk;
    }
  };
  try {
    const lines = await shell.must('Receiving the kit', receiveTar, [delivery], {
      ...(signal ? { signal } : {}),
      stdin: bytes(),
      timeoutMs: longMs,
    });
    const there = valuesOf(lines).get('sha256') ?? '';
    if (there === 'none' || there === '')
      throw new DeskError('unsupported', `${shell.place} has no tool to compute SHA-256.`, {
        hint: 'Install coreutils (sha256sum), shasum or openssl on the host.',
      });
    const here = hash.digest('hex');
    if (there !== here)
      throw new DeskError(
        'integrity',
        `The kit arrived changed on ${shell.place}: SHA-256 ${there}, sent ${here}.`,
        {
          hint: 'Run the step again. If it stays: an rc file on the host may read the standard input of commands.',
          retryable: true,
        },
      );
    return here;
  } finally {
    tar.destroy();
  }
}
