/** `ext_mount.conf` at the root of a user-data drive: the NFS export the VM mounts (docs/reference/confidential-computing.md §3.4). */

export const extMountFile = 'ext_mount.conf';
/** Ports of the portmapper and of NFS: must be allowed out of the VM before its image is built. */
export const nfsPorts: readonly number[] = [111, 2049];

export interface NfsExport {
  /** Name or address, without brackets. */
  host: string;
  path: string;
  /** The one line of the file, without its end. */
  line: string;
}

/** Reads `host:/path`; a text is why it is none. */
export function readExport(text: string): NfsExport | string {
  const line = text.trim();
  if (line === '') return 'it is empty';
  if (/[\s]/.test(line)) return 'it must be exactly one word on one line: host:/path';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(line) || line.length > 1024)
    return 'it holds control characters or is too long';
  const match = /^(\[[0-9A-Fa-f:.%a-z]+\]|[A-Za-z0-9._-]+):(\/.*)$/.exec(line);
  if (!match) {
    return /^[0-9A-Fa-f:]+:\//.test(line) && line.split(':').length > 2
      ? 'an IPv6 address stands in brackets: [2001:db8::1]:/path'
      : 'the form is host:/path, with an absolute path';
  }
  const [, host = '', path = ''] = match;
  if (path.split('/').includes('..')) return 'the path must not hold ".."';
  return { host: host.replace(/^\[|\]$/g, ''), path, line };
}

/** `problem`: the mount will fail; `ok`: looked at and found right. */
export interface MountFinding {
  severity: 'problem' | 'warning' | 'note' | 'ok';
  message: string;
  hint?: string;
}

/** What is known of the VM that shall mount: its cc_config, as far as it was read. */
export interface MountingSite {
  name: string;
  /** `allowed_out_ports`; empty when the file has none. */
  outPorts: readonly number[];
  /** Names that `hosts_entries` gives an address to. */
  hostNames: readonly string[];
}

/** A line of `/etc/exports` that serves the mount. `CLIENTS` stands for the network the VM comes from. */
export const exportsLine = ({ path }: NfsExport): string => `${path} CLIENTS(rw,insecure,sync)`;

/** Neither an address nor a name with its domain. */
const isShortName = (host: string): boolean => !/[.:]|^\d+$/.test(host);

/** What was tried of the server, and where. */
interface Tried {
  ports: readonly { port: number; reached: boolean }[];
  from: string;
  /** The name is not known there, so no port could be tried. */
  unknownName?: boolean;
}

/**
 * What must hold for the mount to work, and what is known of it. The export itself cannot be looked at from outside of the VM:
 * what it needs is always told.
 */
export function mountFindings(
  wanted: NfsExport,
  site: MountingSite | undefined,
  tried: Tried,
): MountFinding[] {
  return [
    outPorts(site),
    {
      severity: 'warning',
      message: 'The NFS server must export with "insecure": the VM mounts from a port above 1023.',
      hint: `In /etc/exports: ${exportsLine(wanted)}`,
    },
    {
      severity: 'note',
      message: 'By default the server serves root of the VM as nobody (root_squash).',
      hint: 'Let everybody read the data, or export with no_root_squash.',
    },
    ...reaching(wanted.host, site, tried),
  ];
}

function outPorts(site: MountingSite | undefined): MountFinding {
  const needed = nfsPorts.join(' and ');
  if (site === undefined) {
    return {
      severity: 'warning',
      message: `Ports ${needed} must be in allowed_out_ports of the image; they cannot be added later.`,
    };
  }
  const missing = nfsPorts.filter((port) => !site.outPorts.includes(port));
  if (missing.length === 0)
    return { severity: 'ok', message: `allowed_out_ports of ${site.name} has ${needed}.` };
  return {
    severity: 'problem',
    message: `allowed_out_ports of ${site.name} lacks ${missing.join(' and ')}: the VM will not reach the server.`,
    hint: 'Add them to its cc_config file and build the image again.',
  };
}

function reaching(host: string, site: MountingSite | undefined, tried: Tried): MountFinding[] {
  const isNamed = site?.hostNames.includes(host) ?? false;
  if (tried.unknownName) {
    return [
      {
        severity: isNamed ? 'note' : 'warning',
        message: `The name ${host} is not known on ${tried.from}.`,
        hint: isNamed
          ? `hosts_entries of ${site?.name} gives it an address.`
          : 'Give it an address in hosts_entries of the cc_config file, or use an address.',
      },
    ];
  }
  const found = tried.ports.map(
    ({ port, reached }): MountFinding =>
      reached
        ? { severity: 'ok', message: `Port ${port} of ${host} is reached from ${tried.from}.` }
        : {
            severity: 'warning',
            message: `Port ${port} of ${host} is not reached from ${tried.from}.`,
            hint: 'The VM may see another network; what is closed to its host is most likely closed to it.',
          },
  );
  if (site && isShortName(host) && !isNamed) {
    found.push({
      severity: 'warning',
      message: `${host} is a short name: the VM may not know it.`,
      hint: 'Give it an address in hosts_entries of the cc_config file, or use the whole name.',
    });
  }
  return found;
}
