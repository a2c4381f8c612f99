/** A bundle beside the project it was made for, while the project moves on. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { missingDriveTool } from '../../lab/drive-tools.ts';
import { mustFlaredesk } from '../../lab/flaredesk.ts';
import { newLabFolder } from '../../lab/keeper.ts';
import { type CcKits, makeCcKits } from './kits.ts';
import { makeSiteBundle } from './site-bundle.ts';

describe.skipIf(missingDriveTool() !== undefined)('drift', () => {
  let folder: string;
  let kits: CcKits;
  let archive: string;

  beforeAll(async () => {
    folder = await newLabFolder('drift');
    kits = await makeCcKits(folder);
    const made = makeSiteBundle(folder, kits, []);
    // The image takes the kit's place, as packaging does.
    const kit = kits.kit('site-1');
    rmSync(kit, { recursive: true });
    mkdirSync(kit);
    archive = join(kit, 'site-1.tgz');
    copyFileSync(made, archive);
    const cc = join(folder, 'cc_site-1.yml');
    writeFileSync(cc, readFileSync(cc, 'utf8').replace('allowed_out', 'allowed_ports: []\nallowed_out'));
  });

  const inspect = async () => {
    const args = ['cvm', 'inspect', archive, '-p', kits.file, '--record'];
    const options = { cwd: folder, env: { FLAREDESK_STATE: join(folder, 'desk') } };
    const { findings } = await mustFlaredesk<{ findings: { message: string }[] }>(
      [...args, '--workspace', kits.workspace],
      options,
    );
    return findings.map(({ message }) => message);
  };
  const change = (file: string, from: string, to: string) => {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    expect(text).toContain(from);
    writeFileSync(path, text.replace(from, to));
  };

  test('fresh from the builder there is none, nor on the second look, by the record', async () => {
    expect(await inspect()).toEqual([]);
    expect(await inspect()).toEqual([]);
  });

  test('ports, attesters and a newer signing are named', async () => {
    change('project.yml', 'fed_learn_port: 8002', 'fed_learn_port: 9002');
    change('cc_server1.yml', 'allowed_ports: [8002]', 'allowed_ports: [9002]');
    change('cc_site-1.yml', 'allowed_out_ports: [443, 8002, 8999]', 'allowed_out_ports: [443, 9002, 8999]');
    change('cc_site-1.yml', 'allowed_ports: []', 'allowed_ports: [7000]');
    for (const file of ['cc_site-1.yml', 'cc_server1.yml']) {
      change(file, 'check_frequency: 120', 'check_frequency: 240');
      change(
        file,
        '    token_expiration: 100',
        '    token_expiration: 100\n    args: {max_nonce_history: 7}',
      );
    }
    expect(await inspect()).toEqual([
      'The kit inside connects to port 8002; the project says 9002.',
      'The image lets in the ports none; allowed_ports of its cc_config file says 7000.',
      'Of the kit inside, snp_authorizer has another max_nonce_history than the project.',
      'Of the kit inside, it checks the others every 120 s; the project says 240 s.',
    ]);
    await mustFlaredesk(['provision', '-p', kits.file, '--workspace', kits.workspace, '--no-images'], {
      cwd: folder,
      env: { FLAREDESK_STATE: join(folder, 'desk') },
    });
    expect((await inspect()).at(-1)).toMatch(
      /^Superseded: prod_01 has another kit for site-1 \(signed as [0-9a-f]{12}, the one inside as [0-9a-f]{12}\)\.$/,
    );
  });
});
