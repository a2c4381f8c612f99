import { constants, verify, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import forge from 'node-forge';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Project } from '../../../../src-main/domain/project/model.ts';
import { loadProject } from '../../../../src-main/services/projects/index.ts';
import { provision } from '../../../../src-main/services/provision/index.ts';

/** What the reference made of a project: every file with its form (docs/reference/provisioning.md §12). */
interface Vector {
  case: string;
  nvflare_version: string;
  project: Record<string, unknown>;
  files?: Record<string, unknown>;
  tree: TreeEntry[];
  json_and_yaml_contents_by_sha256: Record<string, unknown>;
}

interface TreeEntry {
  path: string;
  type: 'dir' | 'file';
  mode: string;
  kind?: string;
  sha256?: string;
  covers?: Record<string, string>;
  cert?: {
    validity_seconds: number;
    subject: [string, string, string, string][];
    issuer: [string, string, string, string][];
    extensions: { oid: string; critical: boolean; names?: [string, string][]; usages?: string[] }[];
  };
}

const folder = new URL('../../../fixtures/vectors/provision/', import.meta.url);
const readJson = async (name: string) => JSON.parse(await readFile(new URL(name, folder), 'utf8')) as unknown;
const vectors = (await Promise.all(
  [
    'plain-2.7.2.json',
    'plain-2.8.1.json',
    'cc-kits-before-packaging-2.7.2.json',
    'cc-kits-before-packaging-2.8.1.json',
  ].map(readJson),
)) as Vector[];
const allowLists = (await readJson('class-allow-list.json')) as Record<string, string[]>;

describe.each(vectors)('$case of $nvflare_version', (vector) => {
  let root: string;
  let project: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'provision-vector-'));
    for (const [name, content] of Object.entries(vector.files ?? {})) {
      await writeFile(join(root, name), stringify(content));
    }
    await writeFile(join(root, 'project.yml'), stringify(vector.project));
    const loaded = await loadProject({
      file: join(root, 'project.yml'),
      flare: vector.nvflare_version,
      currentFolder: root,
    });
    expect(loaded.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    await provision(loaded.project as Project, { workspace: join(root, 'workspace') });
    project = join(root, 'workspace', String(vector.project['name']));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('has the same files and folders with the same modes', async () => {
    const expected = vector.tree
      .filter(({ path }) => path !== '.')
      .map(({ path, type, mode }) => [path, type, ownerOnly(path) ? '600' : mode]);
    const entries = await readdir(project, { recursive: true, withFileTypes: true });
    const found = await Promise.all(
      entries.map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const mode = ((await stat(path)).mode & 0o777).toString(8);
        return [path.slice(project.length + 1), entry.isDirectory() ? 'dir' : 'file', mode];
      }),
    );
    const byPath = (a: unknown[], b: unknown[]) => (String(a[0]) < String(b[0]) ? -1 : 1);
    expect(found.sort(byPath)).toEqual(expected.sort(byPath));
  });

  it('has the same JSON contents', async () => {
    const files = vector.tree.filter(({ kind }) => kind === 'json');
    expect(files.length).toBeGreaterThan(8);
    for (const { path, sha256 } of files) {
      const expected = expand(vector.json_and_yaml_contents_by_sha256[sha256 ?? '']);
      expect(JSON.parse(await readFile(join(project, path), 'utf8')), path).toEqual(expected);
    }
  });

  it('has the same certificates', async () => {
    const certificates = vector.tree.filter(({ cert }) => cert !== undefined);
    const authority = new X509Certificate(
      await readFile(join(project, 'prod_00/server1/startup/rootCA.pem')),
    );
    expect(certificates.length).toBeGreaterThan(3);
    for (const { path, cert } of certificates) {
      const pem = await readFile(join(project, path), 'utf8');
      expect(describeCertificate(pem), path).toEqual({
        validity_seconds: cert?.validity_seconds,
        subject: cert?.subject.map(([oid, , value]) => [oid, value, forge.asn1.Type.UTF8]),
        issuer: cert?.issuer.map(([oid, , value]) => [oid, value, forge.asn1.Type.UTF8]),
        extensions: cert?.extensions.map(({ oid, critical, names, usages }) => [
          oid,
          critical,
          usages ??
            names?.map(([type, value]) => `${type === 'DNSName' ? 'DNS' : 'IP Address'}:${value}`).join(', '),
        ]),
      });
      expect(new X509Certificate(pem).verify(authority.publicKey)).toBe(true);
    }
  });

  it('signs the same names with a salt every runtime accepts', async () => {
    const { publicKey } = new X509Certificate(
      await readFile(join(project, 'prod_00/server1/startup/rootCA.pem')),
    );
    const key = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 222 };
    for (const { path, covers } of vector.tree.filter(({ kind }) => kind === 'signature')) {
      const signatures = JSON.parse(await readFile(join(project, path), 'utf8')) as Record<string, string>;
      expect(Object.keys(signatures).sort(), path).toEqual(Object.keys(covers ?? {}).sort());
      for (const [name, what] of Object.entries(covers ?? {})) {
        const data =
          what === 'dir-name' ? Buffer.from(name) : await readFile(join(project, path, '..', name));
        const signature = Buffer.from(signatures[name] ?? '', 'base64');
        expect(verify('sha256', data, key, signature), `${path}: ${name}`).toBe(true);
      }
    }
  });
});

function ownerOnly(path: string): boolean {
  return path.endsWith('.key') || path === 'state/cert.json';
}

/** Long lists stand in a vector of their own. */
function expand(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expand);
  if (typeof value !== 'object' || value === null) return value;
  const mapping = value as Record<string, unknown>;
  const list = mapping['$list_in_class-allow-list.json'];
  if (typeof list === 'string') {
    return [...(allowLists[list] ?? []), ...((mapping['$appended'] as string[] | undefined) ?? [])];
  }
  return Object.fromEntries(Object.entries(mapping).map(([key, item]) => [key, expand(item)]));
}

function describeCertificate(pem: string) {
  const certificate = forge.pki.certificateFromPem(pem);
  const parsed = new X509Certificate(pem);
  const names = (attributes: forge.pki.CertificateField[]) =>
    attributes.map(({ type, value, valueTagClass }) => [type, value, valueTagClass]);
  return {
    validity_seconds: (parsed.validToDate.getTime() - parsed.validFromDate.getTime()) / 1000,
    subject: names(certificate.subject.attributes),
    issuer: names(certificate.issuer.attributes),
    extensions: (certificate.extensions as Extension[]).map((extension) => [
      extension.id,
      extension.critical,
      extension.id === '2.5.29.15'
        ? usageNames.filter(([, name]) => extension[name] === true).map(([vectorName]) => vectorName)
        : extension.id === '2.5.29.17'
          ? parsed.subjectAltName
          : undefined,
    ]),
  };
}

type Extension = { id: string; critical: boolean } & Record<string, unknown>;

/** The vectors' names of key usages, and the certificate library's. */
const usageNames: [string, string][] = [
  ['digital_signature', 'digitalSignature'],
  ['content_commitment', 'nonRepudiation'],
  ['key_encipherment', 'keyEncipherment'],
  ['data_encipherment', 'dataEncipherment'],
  ['key_agreement', 'keyAgreement'],
  ['key_cert_sign', 'keyCertSign'],
  ['crl_sign', 'cRLSign'],
];
