/** Starting a confidential VM on its host, with what the host can prove. */
import { DeskError } from '../../../contract/errors.ts';
import { printable } from '../../ssh/index.ts';
import { pause } from '../cancel.ts';
import { tryReach } from '../scripts/host-facts.ts';
import { type SiteShell, valuesOf } from '../site-shell.ts';
import { openPorts } from '../start-stop.ts';
import type { Outcome, StepLog } from '../step-log.ts';
import type { SiteImage, SiteState, SitesOptions, SiteTarget } from '../types.ts';
import { imageId, manifestOf, requireSound, sealedFiles, unitOf, vmIdOf } from './image.ts';
import { launchVm, readBeforeLaunch, resolveNames, serialLimit } from './scripts.ts';
import { describeVm, type RawVmStatus, vmStatusOf } from './vm-status.ts';

const pollMs = 500;
const tailLines = 20;
/** No VM to be seen for this long after the launch: it has ended. */
const goneMs = 4_000;

interface Context {
  signal?: AbortSignal;
}

/**
 * Starts the delivered image with its own script, as a transient systemd unit where the host lets us, else in a session of
 * its own. Proof: a process with the image's vm_id that stays alive. What boots inside shows its status, and only
 * attestation proves it. Errors: `not_found` (no image), `integrity` (changed on the host), `conflict` (another VM of this
 * image or site, ports or drives in use), `denied` (sudo asks for a password), `remote_failed`, `timeout`.
 */
export async function startVm(
  shell: SiteShell,
  target: SiteTarget,
  log: StepLog,
  options: Pick<SitesOptions, 'startTimeoutMs' | 'settleMs'>,
  context: Context,
): Promise<SiteState> {
  const image = requireSound(target);
  const vmId = vmIdOf(image);
  const before = await log.step(
    'status',
    () => vmStatusOf(shell, target, { ...context, tail: 0 }),
    describeVm,
  );
  refuseDoubles(shell, target, before);
  if (before.process === 'running') return 'already_running';
  const id = imageId(image);
  if (before.currentKit !== id)
    throw new DeskError(
      'not_found',
      before.currentKit === undefined
        ? `No image of ${target.name} is on ${shell.place}.`
        : `${shell.place} holds the image ${before.currentKit}, not ${id}.`,
      { hint: 'Run sites distribute first.' },
    );
  await log.step('host', () => readHost(shell, image, context), sayHost);
  await log.step(
    'ports',
    () => freePorts(shell, image, context),
    (ports) => (ports.length > 0 ? `${ports.join(', ')} free` : 'none are forwarded'),
  );
  if (target.reaches && target.reaches.length > 0)
    await log.step(
      'names',
      () => lookAtNames(shell, target, image, context),
      (outcome) => outcome,
    );
  await log.step(
    'launch',
    () =>
      shell.must('Starting the VM', launchVm, [id, vmId, unitOf(target, id), String(serialLimit)], context),
    (lines) => {
      const values = valuesOf(lines);
      const unit = values.get('unit') ?? '';
      const refused = values.get('refused');
      const how =
        unit === '' ? `in a session of its own (${values.get('supervisor') ?? ''})` : `as unit ${unit}`;
      const message = `${id} ${how}, console kept in ${before.folder}/run/serial.log`;
      return refused === undefined
        ? message
        : { state: 'warning', message: `${message}; systemd refused: ${printable(refused, 160)}` };
    },
  );
  await log.step(
    'proof',
    () => proveVm(shell, target, options, context),
    (status) => ({
      state: status.vm.serial.expected === 'differs' ? 'warning' : 'ok',
      message: describeVm(status),
    }),
  );
  return 'running';
}

function refuseDoubles(shell: SiteShell, target: SiteTarget, status: RawVmStatus): void {
  if (status.pids.length > 1)
    throw new DeskError(
      'conflict',
      `Two VMs of the image of ${target.name} run on ${shell.place}: pids ${status.pids.join(', ')}.`,
      { hint: 'Stop the site (sites stop): both end, then start it once.' },
    );
  if (status.other)
    throw new DeskError(
      'conflict',
      `The VM of the image before (${status.other.image}, pid ${status.other.pids.join(', ')}) still runs on ${shell.place}.`,
      { hint: 'Stop the site first (sites stop).' },
    );
  if (status.process === 'stale')
    throw new DeskError('conflict', `A program holds the drives of ${target.name} on ${shell.place}.`, {
      hint: 'A VM of this image started by somebody else, or a tool that has a drive open: look on the host (lsof).',
    });
}

async function readHost(shell: SiteShell, image: SiteImage, context: Context): Promise<string[]> {
  const sealed = manifestOf({
    ...image,
    files: image.files.filter(({ name }) => sealedFiles.includes(name)),
  });
  const lines = await shell.must('Looking at the host', readBeforeLaunch, [], { ...context, stdin: sealed });
  const of = (key: string) =>
    lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  const differs = of('differs');
  if (differs.length > 0)
    throw new DeskError(
      'integrity',
      `On ${shell.place} ${differs.join(' and ')} differ from what was built.`,
      {
        hint: 'Run sites distribute: it brings the image again and keeps the changed one aside.',
      },
    );
  const missing = of('missing');
  if (missing.length > 0)
    throw new DeskError('remote_failed', `${shell.place} lacks ${missing.join(' and ')}.`, {
      hint: 'Install it on the host; the host checks (host check) tell all that is missing.',
    });
  if (of('sudo').length > 0)
    throw new DeskError('denied', `launch_vm.sh uses sudo, and sudo asks for a password on ${shell.place}.`, {
      hint: 'Allow the account to run qemu-system-x86_64 with sudo NOPASSWD; host check shows the line.',
    });
  return lines;
}

const sayHost = (): Outcome => ({ message: 'image unchanged, programs and rights there' });

async function freePorts(shell: SiteShell, image: SiteImage, context: Context): Promise<number[]> {
  const wanted = image.launch.forwards.map(({ host }) => host);
  const taken = await openPorts(shell, wanted, context);
  if (taken.length === 0) return wanted;
  throw new DeskError('conflict', `Port ${taken.join(', ')} is in use on ${shell.place} by something else.`, {
    hint: 'Find its owner on the host (ss -ltnp): QEMU cannot forward a port that is taken.',
  });
}

/** The VM finds the server by DNS or by its sealed hosts entries: seen from the host, does either lead there? */
async function lookAtNames(
  shell: SiteShell,
  target: SiteTarget,
  image: SiteImage,
  context: Context,
): Promise<Outcome> {
  const goals = target.reaches ?? [];
  const lines = await shell.must(
    'Resolving names',
    resolveNames,
    goals.map(({ host }) => host),
    context,
  );
  const resolved = new Map(
    lines
      .filter((line) => line.startsWith('name '))
      .map((line) => line.split(' ').slice(1, 3) as [string, string]),
  );
  const notes: string[] = [];
  let hint: string | undefined;
  for (const { host, port } of goals) {
    const entry = image.hostsEntries?.find(({ name }) => name === host)?.address;
    const address = resolved.get(host);
    const isAddress = /^[\d.]+$|:/.test(host);
    if (entry === undefined && (address === undefined || address === 'none') && !isAddress) {
      hint = `Give the site a hosts entry for ${host} and build its image again, or put the name into DNS.`;
      notes.push(`${host} does not resolve here and the image has no hosts entry for it`);
      continue;
    }
    const [answer] = await shell.must('Trying the server', tryReach, [entry ?? host, String(port)], context);
    const where = entry === undefined ? `${host}:${port}` : `${host} (${entry}, sealed in the image):${port}`;
    if (answer === 'reach open') continue;
    hint ??=
      'In order before the server runs. The VM keeps trying; a wrong sealed address needs a new image.';
    notes.push(`${where} does not answer yet`);
  }
  if (notes.length === 0)
    return { message: goals.map(({ host, port }) => `${host}:${port} answers`).join('; ') };
  return { state: 'warning', message: notes.join('; '), ...(hint === undefined ? {} : { hint }) };
}

async function proveVm(
  shell: SiteShell,
  target: SiteTarget,
  options: Pick<SitesOptions, 'startTimeoutMs' | 'settleMs'>,
  context: Context,
): Promise<RawVmStatus> {
  const began = performance.now();
  const settleMs = options.settleMs ?? 4_000;
  let seenAt: number | undefined;
  for (;;) {
    await pause(pollMs, context.signal);
    const status = await vmStatusOf(shell, target, { ...context, tail: tailLines });
    const now = performance.now();
    const ended = (status.logTail ?? []).some((line) => /^launch_vm\.sh ended with status \d+$/.test(line));
    if (status.pids.length > 0) seenAt ??= now;
    if (
      ended ||
      (status.pids.length === 0 && (seenAt !== undefined || now - began > goneMs) && status.seesAll)
    )
      throw failedStart(shell, target, 'ended at once', status);
    if (seenAt !== undefined && now - seenAt >= settleMs) return status;
    if (now - began > (options.startTimeoutMs ?? 60_000))
      throw failedStart(shell, target, 'is not to be seen', status, 'timeout');
  }
}

function failedStart(
  shell: SiteShell,
  target: SiteTarget,
  what: string,
  status: RawVmStatus,
  code: 'remote_failed' | 'timeout' = 'remote_failed',
): DeskError {
  const tail = (status.logTail ?? []).map((line) => printable(line, 300)).join('\n');
  const said = tail === '' ? 'It printed nothing.' : `Last lines of its console:\n${tail}`;
  return new DeskError(code, `The VM of ${target.name} ${what} on ${shell.place}. ${said}`, {
    hint: 'Run host check for this site: firmware, QEMU, C-bit and memory are what mostly stops a VM.',
  });
}
