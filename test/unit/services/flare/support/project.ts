/** A project's keys, certificates and kits, made at test time. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildCertificate } from '../../../../../src-main/services/pki/certificate.ts';
import { signPss } from '../../../../../src-main/services/pki/pss.ts';

const day = 24 * 3600 * 1000;

export interface Party {
  name: string;
  certificatePem: string;
  keyPem: string;
  key: KeyObject;
}

export interface IssueOptions {
  /** Days since the certificate began; certificates last 360 days. */
  age?: number;
  role?: string;
}

export class TestProject {
  readonly root: Party;
  readonly name: string;

  constructor(name = 'demo_project', options: { age?: number } = {}) {
    this.name = name;
    this.root = this.#make(name, true, undefined, options);
  }

  issue(name: string, options: IssueOptions = {}): Party {
    return this.#make(name, false, this.root, options);
  }

  #make(name: string, ca: boolean, issuer: Party | undefined, options: IssueOptions): Party {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const keyPem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    const der = (key: KeyObject) => createPublicKey(key).export({ type: 'pkcs1', format: 'der' });
    const issuerKey = issuer?.key ?? privateKey;
    const certificatePem = buildCertificate({
      line: '2.8.1',
      // The root's own name is the issuer's name in every certificate, so it has nothing more.
      subject: ca ? { commonName: name } : { commonName: name, organization: 'demo', ...options },
      issuerCommonName: issuer?.name ?? name,
      publicKey: der(privateKey),
      issuerPublicKey: der(issuerKey),
      issuerPrivateKey: issuerKey,
      ca,
      notBefore: new Date(Date.now() - (options.age ?? 1) * day),
    });
    return { name, certificatePem, keyPem, key: createPrivateKey(keyPem) };
  }
}

export interface KitOptions {
  project: TestProject;
  admin: Party;
  port: number;
  /** Changes to the `admin` section; `undefined` takes a field away. */
  config?: Record<string, unknown>;
  /** Other files of `startup`, or other contents. */
  files?: Record<string, string | Buffer>;
  /** Writes `signature.json`, as 2.7 does. */
  signed?: boolean;
}

/** Writes an admin kit to a new temporary folder. */
export async function writeKit(
  options: KitOptions,
): Promise<{ folder: string; remove: () => Promise<void> }> {
  const { project, admin, port } = options;
  const folder = await mkdtemp(join(tmpdir(), 'session-kit-'));
  const startup = join(folder, 'startup');
  await mkdir(startup, { recursive: true });
  const section = {
    project_name: project.name,
    username: admin.name,
    server_identity: 'localhost',
    scheme: 'tcp',
    host: 'localhost',
    port,
    connection_security: 'mtls',
    client_key: 'client.key',
    client_cert: 'client.crt',
    ca_cert: 'rootCA.pem',
    ...options.config,
  };
  const files: Record<string, string | Buffer> = {
    'fed_admin.json': JSON.stringify({ format_version: 1, admin: section }),
    'client.crt': admin.certificatePem,
    'client.key': admin.keyPem,
    'rootCA.pem': project.root.certificatePem,
    ...options.files,
  };
  if (options.signed) {
    const signatures = Object.entries(files).map(([name, content]) => [
      name,
      signPss(project.root.key, Buffer.from(content)).toString('base64'),
    ]);
    files['signature.json'] = JSON.stringify(Object.fromEntries(signatures));
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(startup, name), content);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
