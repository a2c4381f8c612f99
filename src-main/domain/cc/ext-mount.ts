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

const isAddress = (host: string): boolean => host.includes(':') || /^[0-9.]+$/.test(host);

/**
 * What must hold for the mount to work, and what is known of it. The export itself cannot be looked at from outside of the VM:
 * what it needs is always told.
 */
export function mountFindings(
  wanted: NfsExport,
  site: MountingSite | undefined,
  tried: { ports: readonly { port: number; reached: boolean }[]; from: string; unknownName?: boolean },
): MountFinding[] {
  const found: MountFinding[] = [];
  const missing = site && nfsPorts.filter((port) => !site.outPorts.includes(port));
  if (missing === undefined) {
    found.push({
      severity: 'warning',
      message: `Ports ${nfsPorts.join(' and ')} must be in allowed_out_ports of the image; they cannot be added later.`,
    });
  } else if (missing.length > 0) {
    found.push({
      severity: 'problem',
      message: `allowed_out_ports of ${site?.name} lacks ${missing.join(' and ')}: the VM will not reach the server.`,
      hint: 'Add them to its cc_config file and build the image again.',
    });
  } else {
    found.push({
      severity: 'ok',
      message: `allowed_out_ports of ${site?.name} has ${nfsPorts.join(' and ')}.`,
    });
  }
  found.push({
    severity: 'warning',
    message: 'The NFS server must export with "insecure": the VM mounts from a port above 1023.',
    hint: `In /etc/exports: ${exportsLine(wanted)}`,
  });
  found.push({
    severity: 'note',
    message: 'By default the server serves root of the VM as nobody (root_squash).',
    hint: 'Let everybody read the data, or export with no_root_squash.',
  });
  if (tried.unknownName) {
    const isNamed = site?.hostNames.includes(wanted.host) ?? false;
    found.push({
      severity: isNamed ? 'note' : 'warning',
      message: `The name ${wanted.host} is not known on ${tried.from}.`,
      hint: isNamed
        ? `hosts_entries of ${site?.name} gives it an address.`
        : 'Give it an address in hosts_entries of the cc_config file, or use an address.',
    });
  }
  for (const { port, reached } of tried.unknownName ? [] : tried.ports) {
    found.push(
      reached
        ? {
            severity: 'ok',
            message: `Port ${port} of ${wanted.host} is reached from ${tried.from}.`,
          }
        : {
            severity: 'warning',
            message: `Port ${port} of ${wanted.host} is not reached from ${tried.from}.`,
            hint: 'The VM may see another network; what is closed to its host is most likely closed to it.',
          },
    );
  }
  if (
    !tried.unknownName &&
    !isAddress(wanted.host) &&
    !wanted.host.includes('.') &&
    site &&
    !site.hostNames.includes(wanted.host)
  ) {
    found.push({
      severity: 'warning',
      message: `${wanted.host} is a short name: the VM may not know it.`,
      hint: 'Give it an address in hosts_entries of the cc_config file, or use the whole name.',
    });
  }
  return found;
}
