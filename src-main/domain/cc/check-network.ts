/** What the VM's firewall lets through, and the names it must know. Everything not listed is blocked (§8.1). */
import { hostNamePattern } from '../project/names.ts';
import { nearest } from '../project/near-miss.ts';
import { child, describe, isNull, shorten, textOf } from '../project/yaml/node.ts';
import type { YamlNode } from '../project/yaml/node.ts';
import { type CcCheck, isImaged } from './cc-file.ts';
import { hostsKey, httpsPort, misspeltHostsKey, nfsPorts } from './keys.ts';

export function checkNetwork(check: CcCheck): void {
  const inside = readPorts(check, 'allowed_ports');
  const outside = readPorts(check, 'allowed_out_ports');
  const hosts = readHosts(check);
  if (!isImaged(check)) return;
  checkInside(check, inside);
  checkOutside(check, outside);
  checkNames(check, hosts);
}

/** Undefined = not written; a list that is wrong counts as what could be read. */
function readPorts(check: CcCheck, key: string): Set<number> | undefined {
  const { root, report } = check;
  const node = child(root, key);
  if (!node || isNull(node)) return undefined;
  if (node.kind !== 'sequence') {
    report.error(node, key, {
      code: 'cc_port_invalid',
      message: `${key} must be a list of ports, not ${describe(node)}.`,
      hint: `Example: ${key}: [${key === 'allowed_ports' ? '8002' : '443, 8002, 8999'}]`,
    });
    return new Set();
  }
  const ports = new Set<number>();
  node.items.forEach((item, index) => {
    const at = `${key}[${index}]`;
    const port = item.kind === 'scalar' && item.type === 'int' ? item.value : undefined;
    if (typeof port !== 'number' || port < 1 || port > 65535) {
      report.error(item, at, {
        code: 'cc_port_invalid',
        message: `${at} must be a port, not ${describe(item)}.`,
        hint: 'A port is a whole number from 1 to 65535, without quotes.',
      });
    } else ports.add(port);
  });
  return ports;
}

function checkInside(check: CcCheck, ports: Set<number> | undefined): void {
  const { root, report, context } = check;
  const key = 'allowed_ports';
  const node = child(root, key) ?? root;
  for (const user of context.users) {
    const missing = user.listens.filter((port) => !ports?.has(port));
    if (missing.length === 0) continue;
    report.warning(node, key, {
      code: 'cc_port_missing',
      message: `${key} does not let in ${missing.join(' and ')}, ${missing.length === 1 ? 'the port' : 'the ports'} "${user.name}" listens on; nobody could connect to it.`,
      hint: `Write "${key}: [${[...(ports ?? []), ...missing].join(', ')}]".`,
    });
  }
}

function checkOutside(check: CcCheck, ports: Set<number> | undefined): void {
  const { root, report, context } = check;
  const key = 'allowed_out_ports';
  const node = child(root, key) ?? root;
  const needed = new Map<number, string>([
    [httpsPort, 'AMD and NVIDIA key services'],
    [context.kbsPort, 'the key broker'],
  ]);
  for (const { reaches, name } of context.users) {
    if (reaches) needed.set(reaches.port, `the port "${name}" connects to`);
  }
  const all = [...needed.keys()].toSorted((a, b) => a - b);
  if (ports === undefined) {
    report.warning(root, key, {
      code: 'cc_out_ports_missing',
      message: `${key} is not written, so the VM may connect to nothing: it gets no disk key and reaches no server.`,
      hint: `Write "${key}: [${all.join(', ')}]".`,
    });
    return;
  }
  for (const port of all) {
    if (ports.has(port)) continue;
    report.warning(node, key, {
      code: 'cc_out_port_missing',
      message: `${key} lacks ${port} (${needed.get(port) ?? ''}).`,
      hint: `Write "${key}: [${[...new Set([...ports, ...all])].toSorted((a, b) => a - b).join(', ')}]".`,
    });
  }
  const nfs = nfsPorts.filter((port) => ports.has(port));
  const lacking = nfsPorts.find((port) => !ports.has(port));
  if (nfs.length === 1 && lacking !== undefined) {
    report.warning(node, key, {
      code: 'cc_nfs_port_missing',
      message: `${key} has ${nfs[0]} but not ${lacking}; mounting a remote folder (NFS) needs both.`,
      hint: `Add ${lacking}, or remove ${nfs[0]}.`,
    });
  }
}

const v4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$/;
const v6 = /^(?=.*:)[0-9A-Fa-f:]{2,39}(?:(?:\d{1,3}\.){3}\d{1,3})?$/;

export function isAddress(text: string): boolean {
  return v4.test(text) || v6.test(text);
}

/** Names of the VM's hosts file; of both spellings. */
function readHosts(check: CcCheck): Map<string, string> {
  const hosts = new Map<string, string>();
  for (const key of [hostsKey, misspeltHostsKey]) {
    const node = child(check.root, key);
    if (node && !isNull(node)) readHostsOf(check, node, key, hosts);
  }
  return hosts;
}

function readHostsOf(check: CcCheck, node: YamlNode, key: string, hosts: Map<string, string>): void {
  const { report } = check;
  if (node.kind !== 'mapping') {
    report.error(node, key, {
      code: 'cc_hosts_invalid',
      message: `${key} must be a mapping of host name and address, not ${describe(node)}.`,
      hint: `Example: ${hostsKey}: { server1: 10.0.0.5 }`,
    });
    return;
  }
  for (const { name, key: nameNode, value } of node.entries.values()) {
    const at = `${key}.${name}`;
    if (!hostNamePattern.test(name)) {
      report.error(nameNode, at, {
        code: 'cc_hosts_invalid',
        message: `${at}: "${shorten(name)}" is not a host name.`,
        hint: 'The name comes first, then the address: { server1: 10.0.0.5 }',
      });
    }
    const address = textOf(value);
    if (address === undefined || !isAddress(address)) {
      report.error(value, at, {
        code: 'cc_hosts_invalid',
        message: `${at} must be an IP address, not ${describe(value)}; a hosts file knows no names there.`,
        hint: 'Example: 10.0.0.5',
      });
      continue;
    }
    hosts.set(name, address);
  }
}

/** Names this file's VMs connect to that no hosts entry answers for, so that the caller can look them up. */
export function namesToLookUp(root: YamlNode, reached: readonly string[]): string[] {
  const known = new Set(
    [hostsKey, misspeltHostsKey].flatMap((key) => {
      const node = child(root, key);
      return node?.kind === 'mapping' ? Array.from(node.entries.values(), ({ name }) => name) : [];
    }),
  );
  return reached.filter((name) => !known.has(name) && !isAddress(name));
}

function checkNames(check: CcCheck, hosts: Map<string, string>): void {
  const { root, report, context } = check;
  const reached = new Set(context.users.flatMap(({ reaches }) => reaches?.host ?? []));
  for (const host of namesToLookUp(root, [...reached])) {
    if (context.names?.get(host) !== 'missing') continue;
    const meant = nearest(host, hosts.keys());
    const node = child(root, hostsKey) ?? child(root, misspeltHostsKey) ?? root;
    report.warning(node, hostsKey, {
      code: 'cc_host_unresolved',
      message: `"${shorten(host)}", which this site connects to, cannot be looked up and has no entry in ${hostsKey}.`,
      hint: meant
        ? `${hostsKey} has "${meant}"; was that meant to be "${shorten(host)}"?`
        : `Add "${hostsKey}: { ${shorten(host)}: 10.0.0.5 }" with its address, unless the site's own network knows the name.`,
    });
  }
}
