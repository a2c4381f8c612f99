import { join } from 'node:path';
import { subjectOf, readCertificate } from './certificate.ts';
import { type KitKind, openKit } from './kit.ts';

export interface KitInfo {
  kind: KitKind;
  name: string | null;
  org: string | null;
  /** Admins only. */
  role: string | null;
  project: string | null;
  /** 2.7.2 or 2.8.1: the line the kit was made for; null when its files do not tell. */
  flare: string | null;
  /** Every line but 2.8 signs its kits; 2.8 signs confidential-computing kits only. */
  signed: boolean;
  root_fingerprint: string;
  root_not_after: string;
  fingerprint: string;
  not_before: string;
  not_after: string;
  server: string | null;
  scheme: string | null;
  host: string | null;
  port: number | null;
  /** Servers only. */
  admin_port: number | null;
  connection_security: string | null;
  folder: string;
}

/**
 * Says what a startup kit is, from its configuration and certificates. Verifies nothing.
 *
 * @param folder the kit, or its `startup` folder; made by this product, `nvflare provision` or POC mode, 2.7 or 2.8
 * @returns times in ISO 8601 UTC; fingerprints SHA-256, hex with colons; `null` for what the kit does not tell
 * @throws DeskError `not_found` (no such folder, a file of the kit is missing), `denied`, `too_large`,
 *   `invalid_input` (not a kit, damaged configuration or certificate)
 * Source: docs/reference/provisioning.md §4.2–§4.5, §5.7, §10
 */
export async function inspectKit(folder: string): Promise<KitInfo> {
  const kit = await openKit(folder);
  const [certificate, root] = await Promise.all([
    readCertificate(join(kit.folder, kit.certFile)),
    readCertificate(join(kit.folder, kit.rootFile)),
  ]);
  const subject = subjectOf(certificate);
  return {
    kind: kit.kind,
    name: kit.name ?? subject.commonName ?? null,
    org: subject.org ?? null,
    role: subject.role ?? null,
    project: kit.project ?? null,
    flare: kit.line ?? null,
    signed: kit.signed,
    root_fingerprint: root.fingerprint256,
    root_not_after: root.validToDate.toISOString(),
    fingerprint: certificate.fingerprint256,
    not_before: certificate.validFromDate.toISOString(),
    not_after: certificate.validToDate.toISOString(),
    server: kit.serverIdentity ?? null,
    scheme: kit.scheme ?? null,
    host: kit.host ?? null,
    port: kit.port ?? null,
    admin_port: kit.adminPort ?? null,
    connection_security: kit.connectionSecurity ?? null,
    folder: kit.folder,
  };
}
