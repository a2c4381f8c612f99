/** The startup kit on the unencrypted `user_config.qcow2`: read without mounting, verified like any kit, removed again. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeskError } from '../../../contract/errors.ts';
import type { BundleFinding, KitInside } from '../../../domain/cc/bundle-facts.ts';
import { type KitAttesters, kitAttesters } from '../../../domain/cc/kit-attesters.ts';
import { inspectKit, verifyKit } from '../../kits/index.ts';
import { listFolder, readInode } from '../ext-image.ts';
import { runTool, type ToolOptions } from '../tools.ts';

export interface KitInsideOptions {
  /** A folder of mode 700 for the time of reading. */
  work: string;
  rootFingerprint?: string;
  now?: number;
  signal?: AbortSignal;
}

const drive = 'user_config.qcow2';
const maxFiles = 500;
const maxFileBytes = 4 * 1024 ** 2;
const maxDepth = 6;

/** Copies plain files out of the image. Links and odd names are left out and reported. */
async function copyOut(
  image: string,
  into: string,
  options: ToolOptions,
): Promise<{ kitFolders: string[]; odd: string[] }> {
  const odd: string[] = [];
  const kitFolders: string[] = [];
  let count = 0;
  const walk = async (inode: number, folder: string, depth: number): Promise<void> => {
    const entries = await listFolder(image, inode, options);
    if (entries.some(({ name, kind }) => name === 'startup' && kind === 'folder')) kitFolders.push(folder);
    for (const { name, kind, inode: child, size } of entries) {
      if (name === 'lost+found') continue;
      count += 1;
      if (count > maxFiles) throw new DeskError('too_large', `${drive} holds more than ${maxFiles} files.`);
      const isPlain = /^[\w][\w .+@=,~-]*$/.test(name) || /^\.[\w][\w.-]*$/.test(name);
      if (!isPlain || kind === 'link' || kind === 'other' || (kind === 'folder' && depth >= maxDepth))
        odd.push(name);
      else if (kind === 'folder') {
        await mkdir(join(folder, name), { mode: 0o700 });
        await walk(child, join(folder, name), depth + 1);
      } else if (size > maxFileBytes) odd.push(name);
      else {
        const bytes = size === 0 ? Buffer.alloc(0) : await readInode(image, child, maxFileBytes, options);
        await writeFile(join(folder, name), bytes, { mode: 0o600, flag: 'wx' });
      }
    }
  };
  await walk(2, into, 0);
  return { kitFolders, odd };
}

async function attestersOf(folder: string): Promise<KitAttesters | null> {
  const local = join(folder, 'local');
  const names = await readdir(local).catch(() => [] as string[]);
  const files = names.filter((name) => name.endsWith('__p_resources.json'));
  return kitAttesters(await Promise.all(files.map((name) => readFile(join(local, name), 'utf8'))));
}

/**
 * Finds and verifies the kit. Everything that is wrong or cannot be done is a finding. Throws `cancelled` alone.
 * @param image a qcow2 image whose head was judged safe
 */
export async function inspectKitInside(
  image: string,
  options: KitInsideOptions,
): Promise<{ kit: KitInside | null; findings: BundleFinding[] }> {
  const { signal, rootFingerprint, now } = options;
  const findings: BundleFinding[] = [];
  const place = await mkdtemp(join(options.work, 'kit-'));
  const tool: ToolOptions = signal ? { signal } : {};
  try {
    const raw = join(place, 'raw.img');
    await runTool('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', image, raw], tool);
    const out = join(place, 'files');
    await mkdir(out, { mode: 0o700 });
    const { kitFolders, odd } = await copyOut(raw, out, tool);
    for (const name of odd) {
      findings.push({
        severity: 'warning',
        file: drive,
        message: `${JSON.stringify(name.slice(0, 80))} on the drive was not looked at.`,
      });
    }
    const [folder, ...more] = kitFolders;
    if (folder === undefined) {
      findings.push({
        severity: 'problem',
        file: drive,
        message: 'The drive holds no startup kit.',
        hint: 'Set user_config.nvflare to the kit and build again.',
      });
      return { kit: null, findings };
    }
    if (more.length > 0)
      findings.push({
        severity: 'problem',
        file: drive,
        message: 'The drive holds more than one startup kit.',
      });
    const info = await inspectKit(folder);
    const verified = await verifyKit(folder, {
      ...(rootFingerprint === undefined ? {} : { rootFingerprint }),
      ...(now === undefined ? {} : { now }),
      ...(signal ? { signal } : {}),
    });
    for (const { file, problem } of verified.problems) {
      findings.push({
        severity: 'problem',
        file: drive,
        message: `The kit inside: ${file} ${problem}.`,
        hint: 'Provision and build again.',
      });
    }
    const signature = await readFile(join(folder, 'signature.json')).catch(() => undefined);
    return {
      kit: {
        name: info.name,
        kind: info.kind,
        org: info.org,
        flare: info.flare,
        rootFingerprint: info.root_fingerprint,
        fingerprint: info.fingerprint,
        notAfter: info.not_after,
        server: info.server,
        host: info.host,
        port: info.port,
        adminPort: info.admin_port,
        attesters: await attestersOf(folder),
        signature: signature ? createHash('sha256').update(signature).digest('hex') : null,
        checked: verified.checked,
      },
      findings,
    };
  } catch (error) {
    if (!(error instanceof DeskError)) throw error;
    if (signal?.aborted || error.code === 'cancelled')
      throw new DeskError('cancelled', 'Reading the bundle was cancelled.');
    const unknown = error.code === 'unsupported' || error.code === 'timeout';
    findings.push({
      severity: unknown ? 'unknown' : 'problem',
      file: drive,
      message: `The kit inside was not verified: ${error.message.replaceAll(place, '')}`,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
    return { kit: null, findings };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
