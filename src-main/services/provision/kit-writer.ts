import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type KitFile, kitFolders } from '../../domain/kit/index.ts';
import type { CertificateAuthority } from '../pki/index.ts';

/** What a kit is signed over (docs/reference/provisioning.md §6.2). */
export type SigningScope = 'none' | 'startup-and-local' | 'whole-kit';

export interface KitToWrite {
  /** Folder to make. */
  folder: string;
  files: readonly KitFile[];
  signing: SigningScope;
}

const signatureFile = 'signature.json';

/** Writes one kit: folders, files, and a `signature.json` in every folder of the scope. Throws the file system's error. */
export async function writeKit(
  kit: KitToWrite,
  authority: CertificateAuthority,
  readSource: (path: string) => Promise<Uint8Array>,
): Promise<void> {
  const contents = await Promise.all(
    kit.files.map(async ({ path, mode, content, source }) => ({
      path,
      mode,
      bytes: source === undefined ? Buffer.from(content) : await readSource(source),
    })),
  );
  const signatures = await signKit(contents, kit.signing, authority);
  await mkdir(kit.folder);
  for (const folder of foldersOf(contents.map(({ path }) => path))) await mkdir(join(kit.folder, folder));
  await Promise.all(
    [...contents, ...signatures].map(({ path, mode, bytes }) =>
      writeFile(join(kit.folder, path), bytes, { mode, flag: 'wx' }),
    ),
  );
}

interface Content {
  path: string;
  mode: number;
  bytes: Uint8Array;
}

/** Every folder of the scope gets the signatures of its files over their bytes, and of its sub-folders over their names (§6.1). */
async function signKit(
  contents: readonly Content[],
  scope: SigningScope,
  authority: CertificateAuthority,
): Promise<Content[]> {
  if (scope === 'none') return [];
  const folders = foldersOf(contents.map(({ path }) => path));
  const inScope =
    scope === 'whole-kit'
      ? ['', ...folders]
      : folders.filter((folder) => /^(startup|local)(\/|$)/.test(folder));
  return Promise.all(
    inScope.map(async (folder) => {
      const files = contents
        .filter(({ path }) => parentOf(path) === folder)
        .map(({ path, bytes }) => ({ name: nameOf(path), bytes }));
      const names = folders
        .filter((other) => parentOf(other) === folder)
        .map((other) => ({ name: nameOf(other), bytes: Buffer.from(nameOf(other)) }));
      const entries = await Promise.all(
        [...files, ...names].map(
          async ({ name, bytes }) => [name, await authority.signContent(bytes)] as const,
        ),
      );
      return {
        path: folder === '' ? signatureFile : `${folder}/${signatureFile}`,
        mode: 0o644,
        bytes: Buffer.from(JSON.stringify(Object.fromEntries(entries))),
      };
    }),
  );
}

/** All folders the files need, parents first, with those that every kit has. */
function foldersOf(paths: readonly string[]): string[] {
  const folders = new Set<string>(kitFolders);
  for (const path of paths) {
    for (let folder = parentOf(path); folder !== ''; folder = parentOf(folder)) folders.add(folder);
  }
  return [...folders].sort((a, b) => a.split('/').length - b.split('/').length);
}

function parentOf(path: string): string {
  const folder = dirname(path);
  return folder === '.' ? '' : folder;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
