/**
 * What the image builder is called with, checked as strictly as it is written down
 * (docs/reference/provisioning.md §8.3, test/fixtures/vectors/provision/cc-packaged-*.json). Every deviation is a refusal.
 */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';

export interface BuildConfig {
  compute_env: string;
  role?: string;
  docker_archive?: string;
  root_drive_size?: number;
  applog_drive_size?: number;
  user_config_drive_size?: number;
  user_data_drive_size?: number;
  user_config: Record<string, string>;
  /** For this builder alone; see README.md. */
  test_builder?: Record<string, unknown>;
}

export interface CheckedCall {
  config: BuildConfig;
  keys: string[];
  /** Absolute path of the startup kit. */
  kit: string;
  /** Participant: the kit folder's name. */
  site: string;
  /** Octal mode of the config file. */
  mode: number;
}

export class Refusal extends Error {}

function refuse(reason: string): never {
  throw new Refusal(reason);
}

/** Checks the call; `lenient` leaves out whether the other files named in the config exist. */
export function checkCall(args: readonly string[], lenient: (config: BuildConfig) => boolean): CheckedCall {
  const [file] = args;
  if (file === undefined || args.length !== 1) refuse(`expected exactly one argument, got ${args.length}`);
  if (!isAbsolute(file)) refuse(`the config path ${file} is not absolute`);
  if (!file.endsWith('.yaml')) refuse(`the config file ${file} is not called *.yaml`);
  if (!existsSync(file)) refuse(`the config file ${file} does not exist`);
  const stats = lstatSync(file);
  if (!stats.isFile()) refuse(`the config file ${file} is no plain file`);
  const mode = stats.mode & 0o777;
  if (mode !== 0o600) refuse(`the config file has mode ${mode.toString(8)} instead of 600`);
  const { config, keys } = readConfig(readFileSync(file, 'utf8'));
  const kit = config.user_config['nvflare'];
  if (typeof kit !== 'string' || !isAbsolute(kit)) refuse('user_config.nvflare is not an absolute path');
  if (!existsSync(kit) || !lstatSync(kit).isDirectory()) refuse(`user_config.nvflare ${kit} is no folder`);
  for (const part of ['startup', 'local', 'signature.json']) {
    if (!existsSync(join(kit, part))) refuse(`${kit} is no signed confidential kit: ${part} is missing`);
  }
  if (!lenient(config)) checkHostFiles(config);
  return { config, keys, kit, site: basename(kit), mode };
}

function checkHostFiles(config: BuildConfig): void {
  if (config.docker_archive !== undefined && !existsSync(config.docker_archive))
    refuse(`docker_archive ${config.docker_archive} does not exist on this host`);
  for (const [name, path] of Object.entries(config.user_config)) {
    if (!existsSync(path)) refuse(`user_config.${name} ${path} does not exist on this host`);
  }
}

function readConfig(text: string): { config: BuildConfig; keys: string[] } {
  const document = parseDocument(text, { version: '1.1', lineCounter: new LineCounter() });
  const [problem] = document.errors;
  if (problem) refuse(`the config is no YAML: ${problem.message}`);
  checkForm(document.contents, '');
  if (!isMap(document.contents)) refuse('the config is no mapping');
  const config = document.toJS() as Partial<BuildConfig>;
  if (typeof config.compute_env !== 'string') refuse('compute_env is missing');
  if (config.role !== undefined && config.role !== 'server' && config.role !== 'client')
    refuse(`role ${String(config.role)} is neither server nor client`);
  for (const drive of ['root', 'applog', 'user_config', 'user_data'] as const) {
    const size = config[`${drive}_drive_size`];
    if (size !== undefined && !(typeof size === 'number' && size > 0))
      refuse(`${drive}_drive_size is not a number of GB`);
  }
  const userConfig: unknown = config.user_config;
  if (typeof userConfig !== 'object' || userConfig === null || Array.isArray(userConfig))
    refuse('user_config is no mapping');
  if (config.docker_archive !== undefined && !isAbsolute(config.docker_archive))
    refuse(`docker_archive ${config.docker_archive} is not absolute`);
  return { config: config as BuildConfig, keys: Object.keys(config) };
}

/** Block style throughout, keys sorted by code points, no anchors: what the reference's writer makes. */
function checkForm(node: unknown, path: string): void {
  if (isAlias(node)) refuse(`${path} is an alias`);
  if (isMap(node)) {
    if (node.flow === true && node.items.length > 0) refuse(`${path || 'the config'} is not in block style`);
    const keys = node.items.map(({ key }) => String(isScalar(key) ? key.value : key));
    const sorted = [...keys].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    if (keys.join('\n') !== sorted.join('\n')) refuse(`the keys of ${path || 'the config'} are not sorted`);
    for (const { key, value } of node.items)
      checkForm(value, `${path}.${String(isScalar(key) ? key.value : key)}`);
  } else if (isSeq(node)) {
    if (node.flow === true && node.items.length > 0) refuse(`${path} is not in block style`);
    for (const [index, item] of node.items.entries()) checkForm(item, `${path}[${index}]`);
  }
}
