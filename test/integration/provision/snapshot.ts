/** A provisioned project as comparable data, path by path (docs/reference/provisioning.md §12). */
import { constants, createPrivateKey, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { certificateShape, pemForm } from './certificate.ts';
import { scriptShape } from './script-shape.ts';

export interface Entry {
  /** Octal permission bits. */
  mode: string;
  /** What is compared; `folder` for a folder. */
  shape: unknown;
}

/** By path relative to the prod folder; the project's state as `state/cert.json`. */
export type Snapshot = Map<string, Entry>;

/** Reads the newest prod folder of a project and its state. */
export async function takeSnapshot(projectFolder: string, prod: string): Promise<Snapshot> {
  const snapshot: Snapshot = new Map();
  const prodFolder = join(projectFolder, prod);
  const state = join(projectFolder, 'state/cert.json');
  const stateText = await readFile(state, 'utf8');
  const root = (JSON.parse(stateText) as { root_cert: string }).root_cert;
  snapshot.set('state/cert.json', { mode: await modeOf(state), shape: stateShape(stateText, root) });
  await addFolder(prodFolder, '', root, snapshot);
  return snapshot;
}

async function addFolder(prodFolder: string, path: string, root: string, snapshot: Snapshot): Promise<void> {
  for (const entry of await readdir(join(prodFolder, path), { withFileTypes: true })) {
    const inside = path === '' ? entry.name : `${path}/${entry.name}`;
    const mode = await modeOf(join(prodFolder, inside));
    if (entry.isDirectory()) {
      snapshot.set(inside, { mode, shape: 'folder' });
      await addFolder(prodFolder, inside, root, snapshot);
    } else if (entry.isFile()) {
      snapshot.set(inside, { mode, shape: await fileShape(prodFolder, inside, root) });
    } else {
      snapshot.set(inside, { mode, shape: 'neither file nor folder' });
    }
  }
}

async function modeOf(path: string): Promise<string> {
  return ((await lstat(path)).mode & 0o7777).toString(8);
}

async function fileShape(prodFolder: string, path: string, root: string): Promise<unknown> {
  const file = join(prodFolder, path);
  const name = basename(path);
  const text = await readFile(file, 'utf8');
  try {
    if (name === 'signature.json') return await signatureShape(dirname(file), text, root);
    if (name === 'readme.txt') return 'free text';
    if (name.endsWith('.ipynb')) return notebookShape(text);
    if (/\.json(\.default|\.sample)?$/.test(name)) return jsonShape(JSON.parse(text), path);
    if (name.endsWith('.crt') || name === 'rootCA.pem') return certificateShape(text, root);
    if (name.endsWith('.key')) return keyShape(text, await readFile(file.replace(/\.key$/, '.crt'), 'utf8'));
    if (name.endsWith('.sh')) return await scriptShape(file);
    if (name.endsWith('.yaml')) return parseYaml(text, { version: '1.1' }) as unknown;
  } catch (error) {
    return `cannot be understood: ${String(error)}`;
  }
  return text;
}

/** The set of verifiers is written in no particular order (§8.2). */
function jsonShape(value: unknown, path: string): unknown {
  if (!path.endsWith('__p_resources.json')) return value;
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      key === 'cc_verifier_ids' && Array.isArray(inner) ? (inner as string[]).toSorted() : inner,
    ),
  ) as unknown;
}

function notebookShape(text: string): unknown {
  const notebook = JSON.parse(text) as {
    nbformat: number;
    nbformat_minor: number;
    cells: { cell_type: string }[];
  };
  return [notebook.nbformat, notebook.nbformat_minor, notebook.cells.map(({ cell_type }) => cell_type)];
}

function keyShape(text: string, certificate: string): unknown {
  const key = createPrivateKey(text);
  const own = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return {
    pem: pemForm(text, 'RSA PRIVATE KEY'),
    bits: key.asymmetricKeyDetails?.modulusLength,
    matches: new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }).equals(own),
  };
}

/** Which names are signed, and what holds with the one salt that all runtimes accept (§6.1). */
async function signatureShape(folder: string, text: string, root: string): Promise<Record<string, string>> {
  const { publicKey } = new X509Certificate(root);
  const shape: Record<string, string> = {};
  for (const [name, signature] of Object.entries(JSON.parse(text) as Record<string, string>)) {
    const isFolder = (await lstat(join(folder, name))).isDirectory();
    const data = isFolder ? Buffer.from(name) : await readFile(join(folder, name));
    const key = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 222 };
    const holds = signature.length === 344 && verify('sha256', data, key, Buffer.from(signature, 'base64'));
    shape[name] = `${isFolder ? 'name' : 'bytes'} ${holds ? 'signed' : 'wrongly signed'}`;
  }
  return shape;
}

/** Keys in their order, and what each holds (§5.8). */
function stateShape(text: string, root: string): unknown {
  const state = JSON.parse(text) as Record<string, string | { cert: string; pri_key: string }>;
  return {
    oneLine: !text.trimEnd().includes('\n'),
    entries: Object.entries(state).map(([name, value]) => {
      if (name === 'root_cert') return [name, certificateShape(value as string, root)];
      if (name === 'root_pri_key') return [name, keyShape(value as string, root)];
      const pair = value as { cert: string; pri_key: string };
      return [name, Object.keys(pair), certificateShape(pair.cert, root), keyShape(pair.pri_key, pair.cert)];
    }),
  };
}
