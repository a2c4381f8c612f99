import type { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import {
  type CertificateFacts,
  certificateFacts,
  daysLeft,
  parseCertificate,
  readCertificate,
} from './certificate.ts';
import type { KitProblem } from './findings.ts';
import { readFolder, readJsonObject } from './read-file.ts';
import { isRecord } from '../../domain/record.ts';

export interface ListedCertificate extends CertificateFacts {
  /** The participant's name; of the root, the project's. */
  name: string;
  /** Of the participant, as its kit says; null when it has no kit in the newest prod folder, and for the root. */
  type: 'server' | 'client' | 'relay' | 'admin' | null;
  /** `listener`: the second pair of relays and listening clients, which the state does not keep. */
  kind: 'root' | 'participant' | 'listener';
  /** Where it was found first; absolute. */
  file: string;
  /** Every place, relative to the project's folder: `state/cert.json`, `prod_02/site-1/startup/client.crt`. */
  where: string[];
  /** Whole days; negative after the end. */
  days_left: number;
  state: 'ok' | 'expiring' | 'expired' | 'not_yet_valid';
}

export interface CertificateList {
  certificates: ListedCertificate[];
  /** Files that hold no readable certificate. */
  problems: KitProblem[];
}

export interface ListCertificatesOptions {
  /** Milliseconds since the epoch; default: now. */
  now?: number;
  /** From how many days before its end a certificate counts as expiring; default 30. */
  expiringDays?: number;
  signal?: AbortSignal;
}

const stateFile = 'state/cert.json';
const typeOfConfig = {
  'fed_server.json': 'server',
  'fed_client.json': 'client',
  'fed_relay.json': 'relay',
  'fed_admin.json': 'admin',
} as const;

/**
 * Lists every certificate of a provisioned project: those in `state/cert.json`, which the next run reuses, and those in
 * the kits of the newest `prod_NN`. The same certificate in several places is one row. Private keys are not looked at.
 *
 * @param projectFolder `<workspace>/<project name>`
 * @returns the root first, then by name; `problems` for single files that cannot be read
 * @throws DeskError `not_found` (no such folder, or nothing was provisioned there), `denied`, `too_large`,
 *   `invalid_input` (`state/cert.json` is cut short or is something else), `cancelled`
 * Source: docs/reference/provisioning.md §3.3, §3.4, §5.7, §5.8
 */
export async function listCertificates(
  projectFolder: string,
  options: ListCertificatesOptions = {},
): Promise<CertificateList> {
  const { now = Date.now(), expiringDays = 30, signal } = options;
  const folder = resolve(projectFolder);
  const inside = (await readFolder(folder)).map(({ name }) => name);
  const prod = newestProd(inside);
  if (!inside.includes('state') && prod === undefined) {
    throw new DeskError('not_found', `${folder} has neither a state nor a prod folder.`, {
      hint: 'Provision the project first, or name the workspace it was provisioned into.',
    });
  }

  const rows = new Map<string, ListedCertificate>();
  const problems: KitProblem[] = [];
  const add = (
    certificate: X509Certificate,
    place: string,
    row: Pick<ListedCertificate, 'name' | 'type' | 'kind'>,
  ): void => {
    const known = rows.get(`${row.kind} ${row.name} ${certificate.fingerprint256}`);
    if (known) {
      known.where.push(place);
      known.type ??= row.type;
      return;
    }
    const left = daysLeft(certificate, now);
    const state =
      certificate.validToDate.getTime() < now
        ? 'expired'
        : certificate.validFromDate.getTime() > now
          ? 'not_yet_valid'
          : left < expiringDays
            ? 'expiring'
            : 'ok';
    rows.set(`${row.kind} ${row.name} ${certificate.fingerprint256}`, {
      ...row,
      ...certificateFacts(certificate),
      file: join(folder, place),
      where: [place],
      days_left: left,
      state,
    });
  };

  if (inside.includes('state')) await fromState(folder, add, problems);
  if (prod !== undefined) {
    for (const { name } of await readFolder(join(folder, prod))) {
      if (signal?.aborted) throw new DeskError('cancelled', 'Listing certificates was cancelled.');
      await fromKit(folder, prod, name, add, problems);
    }
  }
  const order = (row: ListedCertificate): string =>
    `${row.kind === 'root' ? 0 : 1} ${row.name} ${row.kind === 'listener' ? 1 : 0}`;
  const certificates = [...rows.values()].toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
  return { certificates, problems };
}

type Add = (
  certificate: X509Certificate,
  place: string,
  row: Pick<ListedCertificate, 'name' | 'type' | 'kind'>,
) => void;

async function fromState(folder: string, add: Add, problems: KitProblem[]): Promise<void> {
  const path = join(folder, stateFile);
  let state: Record<string, unknown>;
  try {
    state = await readJsonObject(path);
  } catch (error) {
    // The reference makes the folder before the first certificate.
    if (error instanceof DeskError && error.code === 'not_found') return;
    throw error;
  }
  for (const [key, value] of Object.entries(state)) {
    if (key === 'root_pri_key') continue;
    const isRoot = key === 'root_cert';
    const pem = isRoot ? value : isRecord(value) ? value['cert'] : undefined;
    try {
      const certificate = parseCertificate(typeof pem === 'string' ? pem : '', `${path}, entry "${key}",`);
      add(certificate, stateFile, {
        name: isRoot ? certificateFacts(certificate).subject : key,
        type: null,
        kind: isRoot ? 'root' : 'participant',
      });
    } catch (error) {
      note(problems, stateFile, error);
    }
  }
}

async function fromKit(
  folder: string,
  prod: string,
  name: string,
  add: Add,
  problems: KitProblem[],
): Promise<void> {
  const startup = `${prod}/${name}/startup`;
  const files = await readdir(join(folder, startup)).catch((): string[] => []);
  const config = files.find((file): file is keyof typeof typeOfConfig => Object.hasOwn(typeOfConfig, file));
  if (config === undefined) return;
  const type = typeOfConfig[config];
  for (const file of ['rootCA.pem', 'server.crt', 'client.crt'].filter((wanted) => files.includes(wanted))) {
    const place = `${startup}/${file}`;
    try {
      const certificate = await readCertificate(join(folder, place));
      if (file === 'rootCA.pem') {
        add(certificate, place, { name: certificateFacts(certificate).subject, type: null, kind: 'root' });
      } else {
        const isListener = file === 'server.crt' && type !== 'server';
        add(certificate, place, { name, type, kind: isListener ? 'listener' : 'participant' });
      }
    } catch (error) {
      note(problems, place, error);
    }
  }
}

function note(problems: KitProblem[], file: string, error: unknown): void {
  if (!(error instanceof DeskError)) throw error;
  problems.push({ file, problem: error.message });
}

/** The highest number wins, as when the next one is chosen (§3.4). */
function newestProd(names: string[]): string | undefined {
  return names
    .filter((name) => /^prod_\d+$/.test(name))
    .toSorted((a, b) => Number(b.slice(5)) - Number(a.slice(5)))[0];
}
