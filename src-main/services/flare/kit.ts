/** Reads and proves an admin's startup kit (docs/reference/admin-protocol.md §1). */
import type { X509Certificate } from 'node:crypto';
import { join, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { DeskError } from '../../contract/errors.ts';
import type { Clock } from '../../ports.ts';
import { loadAdminSigner, type Signer } from '../pki/index.ts';
import {
  commonNameOf,
  isIssuedBy,
  readCertificates,
  samePublicKey,
  validityProblem,
} from './certificates.ts';
import { credentialsOf, type KitTimeouts, keepCredentials } from './credentials.ts';
import { parseJson, readKitFile, readOptional } from './kit-files.ts';
import { verifySignatures } from './kit-signatures.ts';
import { transportKindOf } from './transport/index.ts';
import type { AdminKit } from './types.ts';

const configFile = 'fed_admin.json';
const customRootFile = 'customRootCA.pem';

const baseName = z.string().regex(/^[^/\\\0]+$/, 'must be a file name without a path');
const adminSection = z.object({
  project_name: z.string().min(1),
  username: z.string().default(''),
  server_identity: z.string().min(1).default('server'),
  scheme: z.string().default('grpc'),
  host: z.string().min(1).default('localhost'),
  port: z.number().int().min(1).max(65535).default(8002),
  connection_security: z.enum(['mtls', 'tls', 'clear']).default('mtls'),
  upload_dir: z.string().min(1).default('transfer'),
  download_dir: z.string().min(1).default('transfer'),
  client_key: baseName,
  client_cert: baseName,
  ca_cert: baseName,
  idle_timeout: z.number().optional(),
  login_timeout: z.number().optional(),
});

type AdminSection = z.infer<typeof adminSection>;

/**
 * Opens an admin kit: reads `startup/`, checks the kit's signatures before anything of it is used (all of them when
 * `signature.json` is there; kits of 2.8 have none), and proves that certificate, key, root and user belong together.
 *
 * The object holds no secret; the private key stays behind it and serves `openSession` and `adminSignerOf`.
 *
 * @param folder the kit folder, the one that holds `startup`
 * @throws DeskError `not_found` (no kit there), `invalid_input` (a file, line or field that cannot be used),
 * `integrity` (a changed file, or parts of different kits), `cert_expired`, `cert_untrusted`, `unsupported` (a kit made
 * before 2.7, an unknown scheme)
 */
export async function openAdminKit(folder: string, options: { clock?: Clock } = {}): Promise<AdminKit> {
  const kitFolder = resolve(folder);
  const startup = join(kitFolder, 'startup');
  const now = options.clock?.now() ?? Date.now();
  const configBytes = await readKitFile(join(startup, configFile), kitFolder);
  const config = readConfig(configBytes, startup, kitFolder);

  const rootPem = await readKitFile(join(startup, config.ca_cert), kitFolder);
  const root = certificateOf(rootPem, join('startup', config.ca_cert))[0]!;
  const certificatePem = await readKitFile(join(startup, config.client_cert), kitFolder);
  const keyPem = await readKitFile(join(startup, config.client_key), kitFolder);
  try {
    const signed = await verifySignatures(kitFolder, 'startup', root, [
      configFile,
      config.ca_cert,
      config.client_cert,
      config.client_key,
    ]);
    await verifySignatures(kitFolder, 'local', root, []);

    const keyName = join('startup', config.client_key);
    const signer = loadAdminSigner(keyPem, keyName);
    const chain = certificateOf(certificatePem, join('startup', config.client_cert));
    const user = proveCertificate(chain, root, signer, config, now);
    const customRoot =
      config.connection_security === 'tls' ? await readOptional(join(startup, customRootFile)) : undefined;

    const kit: AdminKit = Object.freeze({
      folder: kitFolder,
      projectName: config.project_name,
      user,
      serverIdentity: config.server_identity,
      scheme: config.scheme,
      host: config.host,
      port: config.port,
      connectionSecurity: config.connection_security,
      uploadDir: resolve(kitFolder, config.upload_dir),
      downloadDir: resolve(kitFolder, config.download_dir),
      certificateEnds: chain[0]!.validToDate.getTime(),
      signed,
    });
    keepCredentials(kit, {
      secureContext: createSecureContext({
        minVersion: 'TLSv1.2',
        ca: customRoot ?? rootPem,
        ...(config.connection_security === 'mtls' ? { cert: certificatePem, key: keyPem } : {}),
      }),
      signer,
      certificatePem,
      root,
      acceptHostName: customRoot !== undefined,
      timeouts: await timeoutsOf(config, kitFolder),
    });
    return kit;
  } finally {
    keyPem.fill(0);
  }
}

/**
 * Signs with the key of an opened kit, for job folders (§9.1), and gives the certificate that goes with it.
 * @throws DeskError `bad_usage` for a kit `openAdminKit` did not make
 */
export function adminSignerOf(kit: AdminKit): { signer: Signer; certificatePem: Buffer } {
  const { signer, certificatePem } = credentialsOf(kit);
  return { signer, certificatePem };
}

function readConfig(bytes: Buffer, startup: string, kitFolder: string): AdminSection {
  const name = join('startup', configFile);
  const document = parseJson(bytes, name);
  const admin =
    typeof document === 'object' && document !== null ? (document as Record<string, unknown>)['admin'] : null;
  if (typeof admin !== 'object' || admin === null || Array.isArray(admin)) {
    throw new DeskError('invalid_input', `${name} has no "admin" section.`, {
      hint: `Take ${name} from the kit as it was provisioned.`,
    });
  }
  if (!('scheme' in admin) && !('host' in admin)) {
    throw new DeskError('unsupported', `The kit in ${kitFolder} was made by a FLARE version before 2.7.`, {
      hint: 'Provision the project again with 2.7.2 or 2.8.1; older servers speak another protocol.',
    });
  }
  const parsed = adminSection.safeParse(admin);
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => ({
      file: join(startup, configFile),
      path: ['admin', ...issue.path].join('.'),
      message: issue.message,
    }));
    throw new DeskError('invalid_input', `${name}: ${fields[0]!.path}: ${fields[0]!.message}.`, {
      hint: `Take ${name} from the kit as it was provisioned.`,
      fields,
    });
  }
  const file = parsed.data;
  if (transportKindOf(file.scheme) === undefined) {
    throw new DeskError('unsupported', `${name}: admin.scheme "${file.scheme}" is not known.`, {
      hint: 'Servers of FLARE 2.7 and 2.8 use http, grpc or tcp.',
    });
  }
  return file;
}

/** Certificate and key, root, time, and name must agree. Gives the user's name: the CN. */
function proveCertificate(
  chain: X509Certificate[],
  root: X509Certificate,
  signer: Signer,
  config: AdminSection,
  now: number,
): string {
  const certificate = chain[0]!;
  const name = join('startup', config.client_cert);
  if (!samePublicKey(certificate.publicKey, signer.publicKeyDer)) {
    throw new DeskError('integrity', `${name} and ${config.client_key} do not belong together.`, {
      hint: 'Take both files from the same kit.',
    });
  }
  if (!isIssuedBy(chain, root)) {
    throw new DeskError('cert_untrusted', `${name} was not issued by the root in ${config.ca_cert}.`, {
      hint: 'Take both files from the same kit.',
    });
  }
  for (const [found, file] of [
    [certificate, config.client_cert],
    [root, config.ca_cert],
  ] as const) {
    const problem = validityProblem(found, now);
    if (problem === 'expired') {
      throw new DeskError('cert_expired', `startup/${file} expired on ${found.validToDate.toISOString()}.`, {
        hint: 'Provision the project again, with a new certificate for this admin.',
      });
    }
    if (problem === 'early') {
      throw new DeskError(
        'cert_expired',
        `startup/${file} is valid only from ${found.validFromDate.toISOString()} on.`,
        {
          hint: 'Compare the clock of this machine with that of the machine that made the kit.',
        },
      );
    }
  }
  const user = commonNameOf(certificate);
  if (user === undefined) {
    throw new DeskError('invalid_input', `${name} does not name one user.`, {
      hint: 'Provision the kit again.',
    });
  }
  if (config.username !== '' && config.username !== user) {
    throw new DeskError('integrity', `${name} belongs to "${user}", ${configFile} to "${config.username}".`, {
      hint: 'Files of two kits were mixed. Take the kit as it was provisioned.',
    });
  }
  return user;
}

/** `local/resources.json`, else `.default`, adds what the kit's own section does not say (§1.2). */
async function timeoutsOf(config: AdminSection, kitFolder: string): Promise<KitTimeouts> {
  const local = join(kitFolder, 'local');
  const name = 'resources.json';
  const bytes =
    (await readOptional(join(local, name))) ?? (await readOptional(join(local, `${name}.default`)));
  const schema = z.object({
    admin: z.object({ idle_timeout: z.number().optional(), login_timeout: z.number().optional() }).optional(),
  });
  const found =
    bytes === undefined ? undefined : schema.safeParse(parseJson(bytes, join('local', name))).data?.admin;
  const ms = (seconds: number | undefined): number | undefined =>
    seconds !== undefined && seconds > 0 ? Math.round(seconds * 1000) : undefined;
  return {
    idleMs: ms(config.idle_timeout ?? found?.idle_timeout),
    loginMs: ms(config.login_timeout ?? found?.login_timeout),
  };
}

function certificateOf(pem: Buffer, name: string): X509Certificate[] {
  try {
    return readCertificates(pem);
  } catch {
    throw new DeskError('invalid_input', `${name} does not hold a certificate in PEM form.`, {
      hint: 'It may be cut short or damaged. Take the file from the original kit again.',
    });
  }
}
