import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadProject } from '../../../../src-main/services/projects/index.ts';
import type { LoadProjectOptions } from '../../../../src-main/services/projects/index.ts';

/** A temporary folder with these files; gone when the test ends. */
export async function folderWith(files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'projects-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

export const builders = `builders:
- path: nvflare.lighter.impl.workspace.WorkspaceBuilder
- path: nvflare.lighter.impl.static_file.StaticFileBuilder
- path: nvflare.lighter.impl.cert.CertBuilder
- path: nvflare.lighter.impl.signature.SignatureBuilder
`;

/** A sound project; the lines given are appended to its list of participants. */
export function projectWith(participants: string, rest = ''): string {
  return `api_version: 3
name: example_project
${rest}${builders}participants:
- name: server1
  type: server
  org: nvidia
${participants}`;
}

export async function load(
  files: Record<string, string | Uint8Array>,
  options: Partial<LoadProjectOptions> = {},
) {
  const folder = await folderWith(files);
  const loaded = await loadProject({ file: 'project.yml', currentFolder: folder, ...options });
  const errors = loaded.findings.filter((finding) => finding.severity === 'error');
  return { ...loaded, errors, codes: loaded.findings.map((finding) => finding.code), folder };
}
