/** Where a connection really goes: desk.yml's words, filled up from the user's OpenSSH configuration (ssh_config(5)). */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import SSHConfig from 'ssh-config';
import { DeskError } from '../../contract/errors.ts';
import { isHostKeyPin } from './host-key-decision.ts';
import { knownHostName } from './known-hosts.ts';
import type { SshTarget } from './types.ts';

/** One machine on the way, the last one being the target. */
export interface Hop {
  /** As the person wrote it. */
  name: string;
  /** The same with a port that is not the usual one, for messages. */
  label: string;
  host: string;
  port: number;
  user: string;
  /** Absolute paths; empty = none named. */
  identities: string[];
  passphraseFile?: string;
  /** The name to look up in `known_hosts`. */
  hostKeyName: string;
  /** `known_hosts` files the configuration names; missing = the usual ones. */
  knownHostsFiles?: string[];
  pin?: string;
}

export interface ResolveContext {
  home: string;
  defaultUser: string;
  /** Absolute path of the OpenSSH configuration. */
  configFile: string;
}

type Values = Record<string, string | string[]>;

const maxIncludeDepth = 16;
const maxHops = 8;
/** The library would start processes to answer these; a configuration file never starts one here. */
const processStarters = /^\s*(canonicaldomains|canonicalizehostname)\b/i;

/**
 * The machines to pass, jump hosts first. `via` wins over the configuration's `ProxyJump`; a value of the target wins
 * over the configuration. `Match exec` is never run and counts as not matching. Errors: `invalid_input` (host or port
 * not usable, too many or circular jumps), `unsupported` (`ProxyCommand`).
 */
export async function resolveHops(target: SshTarget, context: ResolveContext): Promise<Hop[]> {
  if (target.hostKey !== undefined && !isHostKeyPin(target.hostKey))
    throw new DeskError(
      'invalid_input',
      `The pinned host key of ${target.host} is not of the form SHA256:….`,
      {
        hint: 'On the host: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub shows it; copy the part from SHA256: on.',
      },
    );
  const config = SSHConfig.parse(await configText(context.configFile, context.home, 0));
  const valuesOf = (host: string, user: string | undefined): Values =>
    config.compute(user === undefined ? { Host: host } : { Host: host, User: user }, {
      ignoreCase: true,
      matchExec: false,
    });
  const seen: string[] = [];

  const resolve = (wanted: SshTarget, isJump: boolean): Hop[] => {
    const spec = splitSpec(wanted.host);
    const userWanted = spec.user ?? (isJump ? undefined : wanted.user);
    const values = valuesOf(spec.host, userWanted);
    const configured = Number(single(values.port) ?? '22');
    const port = spec.port ?? (isJump ? undefined : wanted.port) ?? configured;
    if (!Number.isInteger(port) || port < 1 || port > 65535)
      throw new DeskError(
        'invalid_input',
        `The SSH port ${port} of ${spec.host} is not between 1 and 65535.`,
      );
    const passed = `${spec.host}:${port}`;
    if (seen.includes(passed) || seen.length >= maxHops)
      throw new DeskError(
        'invalid_input',
        `The jump hosts of ${target.host} go in a circle or are too many.`,
        {
          hint: `Passed so far: ${[...seen, passed].join(' → ')}. Check "via" in desk.yml and ProxyJump in ${context.configFile}.`,
        },
      );
    seen.push(passed);
    const user =
      userWanted ?? single(values.user) ?? (isJump ? wanted.user : undefined) ?? context.defaultUser;
    const host = (single(values.hostname) ?? spec.host).replaceAll('%h', spec.host).replaceAll('%%', '%');
    const expand = (path: string) => expandPath(path, { home: context.home, host, user, port });
    const own = wanted.identity === undefined ? [] : [expand(wanted.identity)];
    const listed = list(values.identityfile)
      .filter((path) => path.toLowerCase() !== 'none')
      .map(expand);
    const knownHosts = list(values.userknownhostsfile)
      .flatMap((path) => path.split(/\s+/))
      .filter((path) => path.toLowerCase() !== 'none')
      .map(expand);
    const hop: Hop = {
      name: spec.host,
      label:
        (spec.port ?? (isJump ? undefined : wanted.port) ?? 22) === 22
          ? spec.host
          : knownHostName(spec.host, port),
      host,
      port,
      user,
      identities: isJump ? (listed.length > 0 ? listed : own) : own.length > 0 ? own : listed,
      hostKeyName: single(values.hostkeyalias) ?? host,
      ...(values.userknownhostsfile === undefined ? {} : { knownHostsFiles: knownHosts }),
      ...(wanted.passphraseFile === undefined ? {} : { passphraseFile: expand(wanted.passphraseFile) }),
      ...(isJump || wanted.hostKey === undefined ? {} : { pin: wanted.hostKey }),
    };

    const jumps = wanted.via ?? single(values.proxyjump);
    if (jumps === undefined || jumps.toLowerCase() === 'none') {
      const command = single(values.proxycommand);
      if (wanted.via === undefined && command !== undefined && command.toLowerCase() !== 'none')
        throw new DeskError(
          'unsupported',
          `${spec.host} is reached by a ProxyCommand, which is not run here.`,
          {
            hint: `Use ProxyJump in ${context.configFile}, or "via" in desk.yml.`,
          },
        );
      return [hop];
    }
    const before = jumps
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '');
    // Only the first jump host may itself be behind others; the next ones are reached from it, as with `ssh -J`.
    const common = {
      ...(wanted.user === undefined ? {} : { user: wanted.user }),
      ...(wanted.identity === undefined ? {} : { identity: wanted.identity }),
      ...(wanted.passphraseFile === undefined ? {} : { passphraseFile: wanted.passphraseFile }),
    };
    const hops = before.flatMap((name, index) =>
      resolve({ host: name, ...common, ...(index === 0 ? {} : { via: 'none' }) }, true),
    );
    return [...hops, hop];
  };

  return resolve(target, false);
}

/** `user@host`, `host:port`, `[v6]:port`, `ssh://…`, or a bare IPv6 address. */
function splitSpec(spec: string): { host: string; user?: string; port?: number } {
  const found = /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(?:\[([^\]\s]+)\]|([^\s[\]]+?))(?::(\d+))?\/?$/.exec(
    spec.trim(),
  );
  const bare = found?.[3];
  // More than one colon and no brackets: an IPv6 address, whose last group is no port.
  const isAddress = bare !== undefined && bare.includes(':');
  const host = found?.[2] ?? (isAddress && found?.[4] !== undefined ? `${bare}:${found[4]}` : bare);
  if (!found || !host || host.startsWith('-'))
    throw new DeskError('invalid_input', `"${spec}" is not a host name or address for SSH.`, {
      hint: 'Write a name, an address, user@host, or a Host of your OpenSSH configuration.',
    });
  return {
    host,
    ...(found[1] === undefined ? {} : { user: found[1] }),
    ...(found[4] === undefined || isAddress ? {} : { port: Number(found[4]) }),
  };
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function list(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function expandPath(path: string, facts: { home: string; host: string; user: string; port: number }): string {
  const text = path.replace(/%([%dhprun])/g, (whole, letter: string) => {
    if (letter === '%') return '%';
    if (letter === 'd') return facts.home;
    if (letter === 'h' || letter === 'n') return facts.host;
    if (letter === 'p') return String(facts.port);
    if (letter === 'r') return facts.user;
    return whole;
  });
  const named = text === '~' || text.startsWith('~/') ? join(facts.home, text.slice(1)) : text;
  return isAbsolute(named) ? named : join(facts.home, '.ssh', named);
}

/** The text of a configuration with its `Include` lines replaced by what they name. Missing files are empty. */
async function configText(file: string, home: string, depth: number): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new DeskError('invalid_input', `The OpenSSH configuration ${file} cannot be read.`, {
      cause: error,
    });
  }
  const lines: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (processStarters.test(line)) continue;
    const include = /^\s*include[\s=]+(.+?)\s*$/i.exec(line)?.[1];
    if (include === undefined) {
      lines.push(line);
      continue;
    }
    if (depth >= maxIncludeDepth)
      throw new DeskError(
        'invalid_input',
        `${file} includes files more than ${maxIncludeDepth} levels deep.`,
      );
    for (const quoted of include.match(/"[^"]*"|\S+/g) ?? []) {
      const pattern = expandPath(quoted.replace(/^"|"$/g, ''), { home, host: '', user: '', port: 22 });
      const files = /[*?[]/.test(pattern) ? globSync(pattern).sort() : [pattern];
      for (const name of files) lines.push(await configText(name, home, depth + 1));
    }
  }
  return lines.join('\n');
}
