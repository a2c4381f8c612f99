import { DeskError } from '../../../src-main/contract/errors.ts';
import { loadProject } from '../../../src-main/services/projects/index.ts';
import { provision } from '../../../src-main/services/provision/index.ts';
import type { FlareVersion } from '../../lab/nvflare.ts';
import type { ProvisionAnswer, ProvisionRequest } from './reference.ts';

/** Provisions with this product as the reference is asked to. A refusal is an answer, anything unforeseen an exception. */
export async function provisionOurs(line: FlareVersion, request: ProvisionRequest): Promise<ProvisionAnswer> {
  try {
    const { project, findings } = await loadProject({
      file: request.project,
      flare: line,
      currentFolder: request.cwd,
      addClients: request.addClient === undefined ? [] : [request.addClient],
      addUsers: request.addUser === undefined ? [] : [request.addUser],
    });
    if (!project) return { ok: false, output: JSON.stringify(findings, null, 1) };
    const { prod } = await provision(project, {
      workspace: request.workspace,
      genScripts: request.genScripts === true,
    });
    return { ok: true, output: prod };
  } catch (error) {
    if (!(error instanceof DeskError) || error.code === 'internal') throw error;
    return { ok: false, output: JSON.stringify(error.toAnswer(), null, 1) };
  }
}
