/** The real runtime takes our kits: a federation with a relay runs, its own tools find nothing (provisioning.md §12). */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useFlareApi } from '../../lab/flare-api.ts';
import {
  flareVersions,
  type LabProcess,
  newLabFolder,
  runPython,
  startClient,
  startRelay,
  startServer,
} from '../../lab/nvflare.ts';
import { freePorts } from '../../lab/ports.ts';
import { type Fields, type GeneratedProject, generateProject } from './generate.ts';
import { provisionOurs } from './ours.ts';
import { writeProject } from './workbench.ts';

const impl = 'nvflare.lighter.impl';

describe.each(flareVersions)('our kits in the hands of NVFlare %s', (line) => {
  let folder = '';
  const running: LabProcess[] = [];

  beforeAll(async () => {
    folder = await newLabFolder('acceptance');
  });

  afterAll(async () => {
    for (const process_ of running.toReversed()) await process_.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** Provisions; gives a function from a participant's name to its kit. */
  const make = async (
    name: string,
    generated: GeneratedProject,
  ): Promise<(participant: string) => string> => {
    const place = join(folder, name);
    const file = await writeProject(place, generated);
    const answer = await provisionOurs(line, { project: file, workspace: join(place, 'ws'), cwd: place });
    expect(answer.ok, answer.output).toBe(true);
    return (participant) => join(answer.output, participant);
  };

  /** `nvflare preflight_check` on a copy: it leaves files behind. Gives its report. */
  const preflight = async (kit: string): Promise<string> => {
    const copy = join(await newLabFolder('preflight'), 'kit');
    await cp(kit, copy, { recursive: true });
    try {
      const run = 'import sys; from nvflare.cli import main; sys.argv[0] = "nvflare"; main()';
      const { stdout } = await runPython(line, ['-c', run, 'preflight_check', '-p', copy], {
        cwd: folder,
        env: { HOME: folder },
      });
      return stdout;
    } finally {
      await rm(join(copy, '..'), { recursive: true, force: true });
    }
  };

  it('a federation with a relay runs, the Python admin logs in, preflight_check passes', async () => {
    const [port = 0, relayPort = 0] = await freePorts(2);
    const kit = await make('federation', {
      seed: 0,
      files: {},
      project: {
        api_version: 3,
        name: 'acceptance',
        participants: [
          { name: 'localhost', type: 'server', org: 'nvidia', fed_learn_port: port },
          {
            name: 'relay-1',
            type: 'relay',
            org: 'nvidia',
            listening_host: {
              default_host: 'localhost',
              port: relayPort,
              scheme: 'tcp',
              connection_security: 'mtls',
            },
          },
          { name: 'site-1', type: 'client', org: 'org1' },
          { name: 'site-2', type: 'client', org: 'org2', connect_to: { name: 'relay-1' } },
          { name: 'admin@nvidia.com', type: 'admin', org: 'nvidia', role: 'project_admin' },
        ] as Fields[],
        builders: [
          { path: `${impl}.workspace.WorkspaceBuilder` },
          { path: `${impl}.static_file.StaticFileBuilder`, args: { config_folder: 'config' } },
          { path: `${impl}.cert.CertBuilder` },
          { path: `${impl}.signature.SignatureBuilder` },
        ],
      },
    });
    expect(checks(await preflight(kit('localhost')))).toEqual({
      'Check FL port binding': 'PASSED',
      'Check admin port binding': 'PASSED',
      'Check snapshot storage writable': 'PASSED',
      'Check job storage writable': 'PASSED',
      'Check dry run': 'PASSED',
    });
    running.push(await startServer(kit('localhost'), { version: line }));
    running.push(await startRelay(kit('relay-1'), { version: line }));
    running.push(
      ...(await Promise.all([
        startClient(kit('site-1'), { version: line }),
        startClient(kit('site-2'), { version: line }),
      ])),
    );
    const admin = await useFlareApi(line, kit('admin@nvidia.com'));
    expect(admin.clients.toSorted()).toEqual(['site-1', 'site-2']);
    for (const participant of ['site-1', 'admin@nvidia.com']) {
      const found = checks(await preflight(kit(participant)));
      expect(found, participant).toMatchObject({
        'Check server available': 'PASSED',
        'Check dry run': 'PASSED',
      });
    }
  });

  it('verify_startup_kits agrees with our confidential-computing kits', async () => {
    const seeds = Array.from({ length: 60 }, (_, index) => 5000 + index);
    const projects = seeds
      .map((seed) => generateProject(line, seed))
      .filter(({ files }) => 'cc_0.yml' in files);
    let verified = 0;
    for (const generated of projects.slice(0, 3)) {
      const kit = await make(`cc-${generated.seed}`, generated);
      for (const { name, cc_config } of generated.project.participants) {
        if (cc_config === undefined) continue;
        const folder_ = kit(String(name));
        const args = ['-f', folder_, '-c', join(folder_, 'startup/rootCA.pem')];
        await runPython(line, ['-m', 'nvflare.tool.verify_startup_kits', ...args]);
        verified += 1;
      }
    }
    expect(verified).toBeGreaterThan(2);
  });
});

/** The rows of the report: what was checked, and the answer. */
function checks(report: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, check = '', result = ''] of report.matchAll(/^\| (Check [^|]+?) +\| ([^|]+?) +\|/gm)) {
    found[check] = result;
  }
  return found;
}
