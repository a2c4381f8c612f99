/** A small image, packed as the builder packs it, with the facts of its hand-over record. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { SiteImage } from '../../../src-main/services/sites/index.ts';
import { BundleMaker } from '../cvm-builder/bundle.ts';

export interface ImageOptions {
  site: string;
  ports?: number[];
  /** The bundle lies below a folder of the site's name. */
  siteFolder?: boolean;
  /** Bytes of noise at the end of the root drive: what takes time to send. */
  noise?: number;
}

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

export function makeImage(
  folder: string,
  { site, ports = [], siteFolder = false, noise = 0 }: ImageOptions,
): SiteImage {
  mkdirSync(folder, { recursive: true });
  const size = {
    root_drive_size: 0.008,
    user_config_drive_size: 0.008,
    user_data_drive_size: 0.008,
    applog_drive_size: 0.008,
  };
  const config = { ...size, allowed_ports: ports, user_config: {} };
  const maker = new BundleMaker(folder);
  maker.root(config as never);
  maker.userConfig({ config } as never);
  maker.scripts(config as never, { no_sudo: false } as never);
  if (noise > 0) appendFileSync(join(maker.folder, 'crypt_root.qcow2'), randomBytes(noise));
  const bundle = basename(maker.folder);
  const files = readdirSync(maker.folder).map((name) => {
    const file = join(maker.folder, name);
    return { name, size: statSync(file).size, sha256: sha256(file) };
  });
  const archive = maker.pack(site, { result: 'archive', site_folder: siteFolder } as never);
  execFileSync('gzip', ['-t', archive]);
  return {
    archive,
    bytes: statSync(archive).size,
    sha256: sha256(archive),
    bundle,
    files,
    launch: {
      vmId: maker.id,
      forwards: ports.map((port) => ({ host: port, guest: port })),
      drives: ['crypt_root.qcow2', 'applog.qcow2', 'user_config.qcow2', 'user_data.qcow2'],
      gpus: [],
    },
  };
}
