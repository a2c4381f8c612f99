/** A bundle of site-1 where packaging leaves it, around a real signed kit. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { behaviourOf } from '../../lab/cvm-builder/behaviour.ts';
import { BundleMaker } from '../../lab/cvm-builder/bundle.ts';
import type { CcKits } from './kits.ts';

/** Answers the archive `prod_00/site-1/site-1.tgz`. */
export function packSiteBundle(folder: string, kits: CcKits): string {
  const maker = new BundleMaker(join(folder, 'out'));
  const config = {
    compute_env: 'onprem_cvm',
    applog_drive_size: 2,
    user_config: { nvflare: kits.kit('site-1') },
    allowed_ports: [8002],
  };
  maker.root(config);
  maker.userConfig({ config, keys: [], kit: kits.kit('site-1'), site: 'site-1', mode: 0o600 });
  maker.scripts(config, behaviourOf({}));
  const archive = join(kits.kit('site-1'), 'site-1.tgz');
  copyFileSync(maker.pack('site-1', behaviourOf({})), archive);
  return archive;
}
