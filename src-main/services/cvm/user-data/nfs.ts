/** Whether an NFS server is reached, from this machine or from a site's host. Not what its VM reaches. */
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { nfsPorts } from '../../../domain/cc/ext-mount.ts';
import type { DriveShell } from './shell.ts';

export interface NfsReach {
  /** `this machine`, or the host that tried. */
  from: string;
  /** A port that could not be tried is left out. */
  ports: { port: number; reached: boolean }[];
  /** The name has no address there. */
  unknownName?: boolean;
}

const waitMs = 3000;

/** `$1` host, then ports; prints `PORT yes|no`, or `name` for a name without address. Nothing where no tool can try. */
const tryPorts = `
host=$1
shift
if command -v getent >/dev/null 2>&1 && ! getent hosts "$host" >/dev/null 2>&1; then echo name; exit 0; fi
for port in "$@"; do
  if command -v nc >/dev/null 2>&1; then
    if nc -z -w 3 "$host" "$port" >/dev/null 2>&1; then echo "$port yes"; else echo "$port no"; fi
  elif command -v bash >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then
    if timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port" 2>/dev/null; then echo "$port yes"; else echo "$port no"; fi
  fi
done
`;

/**
 * Tries the ports of the portmapper and of NFS, each for at most 3 s.
 * @param shell the site's host; default this machine
 * @throws DeskError of the connection, `cancelled`
 */
export async function probeNfs(
  host: string,
  options: { shell?: DriveShell; signal?: AbortSignal } = {},
): Promise<NfsReach> {
  const { shell, signal } = options;
  if (shell) return probeFrom(shell, host, signal);
  const from = 'this machine';
  const address = await lookup(host).then(
    (found) => found.address,
    () => undefined,
  );
  if (address === undefined) return { from, ports: [], unknownName: true };
  const ports = await Promise.all(
    nfsPorts.map(async (port) => ({ port, reached: await answers(address, port, signal) })),
  );
  return { from, ports };
}

const answers = (host: string, port: number, signal: AbortSignal | undefined): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: waitMs, ...(signal ? { signal } : {}) });
    const end = (reached: boolean): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });

async function probeFrom(
  shell: DriveShell,
  host: string,
  signal: AbortSignal | undefined,
): Promise<NfsReach> {
  const { output } = await shell.run(tryPorts, [host, ...nfsPorts.map(String)], {
    timeoutMs: 30_000,
    ...(signal ? { signal } : {}),
  });
  const lines = output.toString('latin1').split('\n');
  const from = shell.label;
  if (lines.includes('name')) return { from, ports: [], unknownName: true };
  const ports = nfsPorts.flatMap((port) => {
    const said = lines.find((line) => line.startsWith(`${port} `));
    return said === undefined ? [] : [{ port, reached: said.endsWith('yes') }];
  });
  return { from, ports };
}
