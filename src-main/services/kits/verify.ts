import { join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import { plainFingerprint } from './certificate.ts';
import { checkPair, checkRoot } from './check-certificates.ts';
import { Findings, type KitNote, type KitProblem } from './findings.ts';
import { type Kit, openKit } from './kit.ts';
import { readFileBytes, readFolder, readJsonObject } from './read-file.ts';
import { checkSignatures } from './signatures.ts';

export interface KitVerification {
  /** How many files and folder names were verified. */
  checked: number;
  /** Empty = everything that can be verified holds. */
  problems: KitProblem[];
  /** What could not be verified and why, and what deserves a look. */
  notes: KitNote[];
  root_fingerprint: string | null;
}

export interface VerifyOptions {
  /** SHA-256 of the root certificate the kit must have; hex, with or without colons and `SHA256:`. */
  rootFingerprint?: string;
  /** Milliseconds since the epoch; default: now. */
  now?: number;
  signal?: AbortSignal;
}

/**
 * Verifies a startup kit: every signature, every certificate (issuer, name, validity, key), what is missing, what is
 * there unsigned. Signatures are checked with the root inside the kit, so only `rootFingerprint` shows that the kit is
 * of the right project. 2.8 signs confidential-computing kits only: for others the notes say what stays unverified.
 *
 * @param folder as for `inspectKit`
 * @throws DeskError `not_found`, `denied`, `invalid_input` (no kit in the folder, or its `fed_*.json` is damaged);
 *   `cancelled`. Everything else that is wrong is a problem in the answer.
 * Source: docs/reference/provisioning.md §4.1, §5.5, §6
 */
export async function verifyKit(folder: string, options: VerifyOptions = {}): Promise<KitVerification> {
  const { rootFingerprint, now = Date.now(), signal } = options;
  const findings = new Findings();
  const kit = await openKit(folder);
  try {
    const root = await checkRoot(kit, now, findings);
    if (root && rootFingerprint !== undefined) {
      const expected = plainFingerprint(rootFingerprint);
      if (plainFingerprint(root.fingerprint256) !== expected) {
        findings.problem(kit.rootFile, `is another root: its fingerprint is ${root.fingerprint256}`);
      }
    } else if (root) {
      findings.note(
        kit.rootFile,
        'was not compared with a known fingerprint: a kit with an exchanged root looks the same',
      );
    }
    await checkPair(kit, kit.certFile, kit.keyFile, root, now, findings);
    await checkListener(kit, root, now, findings);
    await checkLayout(kit, findings);
    if (root) await checkAllSignatures(kit, root.publicKey, findings, signal);
    return {
      checked: findings.checked,
      problems: findings.problems,
      notes: findings.notes,
      root_fingerprint: root?.fingerprint256 ?? null,
    };
  } catch (error) {
    if (signal?.aborted) throw new DeskError('cancelled', `Verifying ${kit.folder} was cancelled.`);
    throw error;
  }
}

type Root = Awaited<ReturnType<typeof checkRoot>>;

/** Relays and listening clients carry a second pair (docs/reference/provisioning.md §5.7). */
async function checkListener(kit: Kit, root: Root, now: number, findings: Findings): Promise<void> {
  if (kit.kind !== 'client' && kit.kind !== 'relay') return;
  const startup = await namesIn(kit, 'startup');
  if (kit.kind === 'relay' || startup.includes('server.crt') || startup.includes('server.key')) {
    await checkPair(kit, 'startup/server.crt', 'startup/server.key', root, now, findings);
  }
}

/** Files a kit does not work without, and JSON that the runtime must be able to read (docs/reference/provisioning.md §4). */
async function checkLayout(kit: Kit, findings: Findings): Promise<void> {
  const config = await readFileBytes(join(kit.folder, kit.configFile));
  if (config.some((byte) => byte > 0x7f)) {
    findings.problem(kit.configFile, 'holds characters outside ASCII, which the runtime does not read');
  }
  const scripts = kit.kind === 'admin' ? ['fl_admin.sh'] : ['start.sh', 'sub_start.sh', 'stop_fl.sh'];
  const startup = await namesIn(kit, 'startup');
  for (const name of scripts) if (!startup.includes(name)) findings.problem(`startup/${name}`, 'is missing');

  const local = await namesIn(kit, 'local', findings);
  const wanted = {
    server: ['resources.json', 'log_config.json'],
    client: ['resources.json', 'log_config.json'],
  };
  const needed =
    kit.kind === 'admin' ? ['resources.json'] : kit.kind === 'relay' ? ['log_config.json'] : wanted[kit.kind];
  for (const name of needed) {
    if (!local.includes(name) && !local.includes(`${name}.default`)) {
      findings.problem(`local/${name}.default`, 'is missing');
    }
  }
  for (const name of local.filter((file) => /\.json(\.default)?$/.test(file) && file !== 'signature.json')) {
    await readJsonObject(join(kit.folder, 'local', name)).catch((error: unknown) => {
      findings.failed(`local/${name}`, error);
    });
  }
}

async function checkAllSignatures(
  kit: Kit,
  rootKey: Parameters<typeof checkSignatures>[2],
  findings: Findings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const top = await namesIn(kit, '.');
  if (top.includes('signature.json')) {
    await checkSignatures(kit.folder, '', rootKey, true, findings, signal);
    return;
  }
  const local = await namesIn(kit, 'local', findings);
  const anySigned = kit.signed || local.includes('signature.json');
  if (kit.line === '2.7.2' || anySigned) {
    for (const part of ['startup', 'local']) {
      if (top.includes(part)) await checkSignatures(kit.folder, part, rootKey, false, findings, signal);
      else findings.problem(part, 'is missing');
    }
    return;
  }
  findings.note(
    '.',
    'FLARE 2.8 does not sign this kind of kit: scripts, configuration and local files cannot be verified, only certificates and keys',
  );
}

/** Names in a folder of the kit. With `findings` a folder that cannot be read is a problem, without it an error. */
async function namesIn(kit: Kit, path: string, findings?: Findings): Promise<string[]> {
  try {
    return (await readFolder(join(kit.folder, path))).map(({ name }) => name);
  } catch (error) {
    if (!findings) throw error;
    findings.failed(path, error);
    return [];
  }
}
