/**
 * Real OpenSSH servers on loopback, one per site: own host key, own authorized key, own home folder, own free port.
 * Each has a time limit and is stopped by `stop()` or with this process. Nothing else on the machine is touched.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { newMark } from './keeper.ts';
import { freePort } from './ports.ts';

export interface SshdOptions {
  /** An empty or missing folder for this instance; everything it needs and writes lies here. */
  folder: string;
  /** Further lines of sshd_config, `Keyword value`. */
  config?: readonly string[];
  /** Shown before the login (`Banner`). */
  banner?: string;
  /** Shell lines run around every command, as a chatty rc file would: they print before the command does. */
  noise?: string;
  /** Public keys allowed in; default: a key made for this instance, see `identity`. */
  authorizedKeys?: readonly string[];
  /** Types of the host keys; default one of ed25519. The first is the one told in the result. */
  hostKeyTypes?: readonly ('ed25519' | 'ecdsa' | 'rsa')[];
  /** Where to listen; default 127.0.0.1. */
  address?: string;
  /** Missing = a free one. */
  port?: number;
  /** More environment for every session, such as a mark of test/lab/keeper.ts. */
  env?: Readonly<Record<string, string>>;
  /** The instance ends by itself after this; default 10 minutes. */
  limitMs?: number;
}

export interface Sshd {
  host: string;
  port: number;
  user: string;
  /** HOME of every session. */
  home: string;
  /** Private key file that is allowed in. */
  identity: string;
  /** `SHA256:…` of the host key. */
  fingerprint: string;
  /** `type base64` of the host key. */
  hostKey: string;
  /** What sshd logged so far (LogLevel VERBOSE). */
  log(): string;
  stop(): Promise<void>;
}

/** How desk.yml names this host, its key pinned. */
export const deskHost = ({ host, port, user, identity, fingerprint }: Sshd) => ({
  ssh: host,
  port,
  user,
  identity,
  host_key: fingerprint,
});

const binary = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find((path) => existsSync(path));

/** Makes a key pair with ssh-keygen and gives the private file's path. */
export function makeKey(
  file: string,
  options: { type?: string; passphrase?: string; format?: string } = {},
): string {
  rmSync(file, { force: true });
  rmSync(`${file}.pub`, { force: true });
  const form = options.format === undefined ? [] : ['-m', options.format];
  const size = options.type === 'rsa' ? ['-b', '2048'] : [];
  const type = ['-t', options.type ?? 'ed25519', ...size, ...form];
  execFileSync('ssh-keygen', ['-q', ...type, '-N', options.passphrase ?? '', '-C', 'lab', '-f', file]);
  return file;
}

/** Starts one server and waits until it listens. */
export async function startSshd(options: SshdOptions): Promise<Sshd> {
  if (!binary) throw new Error('sshd is missing: apt-get install openssh-server');
  const address = options.address ?? '127.0.0.1';
  const { folder } = options;
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });

  const hostKeyFiles = (options.hostKeyTypes ?? ['ed25519']).map((type) => {
    const file = join(folder, `host_key_${type}`);
    return existsSync(file) ? file : makeKey(file, { type });
  });
  const hostKeyFile = hostKeyFiles[0] ?? '';
  const identity = join(folder, 'identity');
  if (!existsSync(identity)) makeKey(identity);
  const keys = options.authorizedKeys ?? [readFileSync(`${identity}.pub`, 'utf8').trim()];
  writeFileSync(join(folder, 'authorized_keys'), `${keys.join('\n')}\n`, { mode: 0o600 });
  const banner = join(folder, 'banner');
  if (options.banner !== undefined) writeFileSync(banner, options.banner);
  const noisy = join(folder, 'noisy.sh');
  if (options.noise !== undefined) {
    writeFileSync(noisy, `#!/bin/sh\n${options.noise}\neval "$SSH_ORIGINAL_COMMAND"\n`);
    chmodSync(noisy, 0o755);
  }

  const port = options.port ?? (await freePort());
  // Whatever a session leaves behind ends with this test run at the latest, even when the run is killed.
  const mark = newMark();
  const environment = Object.entries({ ...mark, ...options.env, HOME: home }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const config = join(folder, 'sshd_config');
  const lines = [
    ...(options.config ?? []),
    `Port ${port}`,
    `ListenAddress ${address}`,
    ...hostKeyFiles.map((file) => `HostKey ${file}`),
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    `PidFile ${join(folder, 'sshd.pid')}`,
    'LogLevel VERBOSE',
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'Subsystem sftp internal-sftp',
    `SetEnv ${environment.join(' ')}`,
    ...(options.banner === undefined ? [] : [`Banner ${banner}`]),
    ...(options.noise === undefined ? [] : [`ForceCommand ${noisy}`]),
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);

  const logFile = join(folder, 'sshd.log');
  const log = openSync(logFile, 'a');
  // The mark is on `timeout`, which passes SIGTERM on: sshd itself writes over its environment.
  const limit = String(Math.ceil((options.limitMs ?? 600_000) / 1000));
  const command = ['-k', '5', limit, binary, '-D', '-e', '-f', config];
  const child: ChildProcess = spawn('timeout', command, {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...mark },
  });
  closeSync(log);
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));

  const stop = async () => {
    process.removeListener('exit', end);
    end();
    await ended;
  };
  if (!(await listens(address, port, () => child.exitCode === null))) {
    await stop();
    throw new Error(`sshd did not start: ${readFileSync(logFile, 'utf8').slice(-2000)}`);
  }
  const [type, blob] = readFileSync(`${hostKeyFile}.pub`, 'utf8').split(' ');
  const fingerprint = execFileSync('ssh-keygen', ['-lf', `${hostKeyFile}.pub`], { encoding: 'utf8' }).split(
    ' ',
  )[1];
  return {
    host: address,
    port,
    user: userInfo().username,
    home,
    identity,
    fingerprint: fingerprint ?? '',
    hostKey: `${type} ${blob}`,
    log: () => readFileSync(logFile, 'utf8'),
    stop,
  };
}

async function listens(address: string, port: number, alive: () => boolean): Promise<boolean> {
  const end = Date.now() + 10_000;
  while (Date.now() < end && alive()) {
    const answered = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, address);
      socket.once('data', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (answered) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
