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

/** What a site must hold for the mount to work; empty = nothing is known to be wrong. */
export function mountWarnings(allowedOutPorts: readonly number[] | undefined): string[] {
  const warnings = ['The NFS server must export with "insecure": the VM mounts from a port above 1023.'];
  if (allowedOutPorts === undefined) {
    warnings.push(
      `Ports ${nfsPorts.join(' and ')} must be in allowed_out_ports of the image; they cannot be added later.`,
    );
    return warnings;
  }
  const missing = nfsPorts.filter((port) => !allowedOutPorts.includes(port));
  if (missing.length > 0) {
    warnings.push(
      `allowed_out_ports lacks ${missing.join(' and ')}: the VM will not reach the server. Add them and build the image again.`,
    );
  }
  return warnings;
}
