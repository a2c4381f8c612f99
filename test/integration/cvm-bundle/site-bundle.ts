/** A bundle of site-1 around a real signed kit, as the builder packs it. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { behaviourOf } from '../../lab/cvm-builder/behaviour.ts';
import { BundleMaker } from '../../lab/cvm-builder/bundle.ts';
import type { CcKits } from './kits.ts';

/** Answers the archive where the builder leaves it, below `folder/out`. */
export function makeSiteBundle(folder: string, kits: CcKits, allowedPorts: number[] = [8002]): string {
  const maker = new BundleMaker(join(folder, 'out'));
  const kit = kits.kit('site-1');
  const config = {
    compute_env: 'onprem_cvm',
    applog_drive_size: 2,
    user_config: { nvflare: kit },
    allowed_ports: allowedPorts,
  };
  maker.root(config);
  maker.userConfig({ config, keys: [], kit, site: 'site-1', mode: 0o600 });
  maker.scripts(config, behaviourOf({}));
  return maker.pack('site-1', behaviourOf({}));
}

/** Answers the archive where packaging leaves it: `prod_00/site-1/site-1.tgz`. */
export function packSiteBundle(folder: string, kits: CcKits): string {
  const archive = join(kits.kit('site-1'), 'site-1.tgz');
  copyFileSync(makeSiteBundle(folder, kits), archive);
  return archive;
}
