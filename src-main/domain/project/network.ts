/** `connect_to` and `listening_host` of a participant (docs/reference/provisioning.md §2.4, §2.5). */
import { connectToKeys, listeningHostKeys } from './keys.ts';
import type { ConnectTo, ListeningHost } from './model.ts';
import { connectionSecurities } from './names.ts';
import { join } from './report.ts';
import type { Report } from './report.ts';
import { readHostName, readHostNames, readPort } from './values.ts';
import { child, describe, isTruthy, shorten } from './yaml/node.ts';
import type { YamlMapping, YamlNode } from './yaml/node.ts';

export function readConnectTo(node: YamlNode, path: string, report: Report): ConnectTo | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    if (node.value === '') return undefined;
    const host = readHostName(node, path, report);
    return host === undefined ? undefined : { host };
  }
  if (node.kind !== 'mapping') {
    report.wrongType(
      node,
      path,
      'a host name or a mapping with name, host, port',
      'Example: connect_to: { name: relay-1 }',
    );
    return undefined;
  }
  report.nearMisses(node, path, connectToKeys);
  if (node.entries.size === 0) return undefined;
  return {
    name: optionalText(node, 'name', path, report),
    host: optionalHost(node, 'host', path, report),
    port: optionalPort(node, path, report),
    connectionSecurity: looseSecurity(node, path, report),
  };
}

/** `ownHost` is what others use when the listener names no host. */
export function readListeningHost(
  node: YamlNode,
  path: string,
  ownHost: string,
  report: Report,
): ListeningHost | undefined {
  const listener = { scheme: 'tcp', hostNames: [], defaultHost: ownHost, connectionSecurity: 'clear' };
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    if (node.value === '') return undefined;
    const host = readHostName(node, path, report);
    return host === undefined ? undefined : { ...listener, defaultHost: host };
  }
  if (node.kind !== 'mapping') {
    report.wrongType(
      node,
      path,
      'a host name or a mapping with default_host, port',
      'Example: listening_host: { default_host: localhost, port: 9001 }',
    );
    return undefined;
  }
  report.nearMisses(node, path, listeningHostKeys);
  if (node.entries.size === 0) return undefined;
  const hostNames = child(node, 'host_names');
  return {
    scheme: optionalText(node, 'scheme', path, report) ?? listener.scheme,
    hostNames: isTruthy(hostNames) ? readHostNames(hostNames, join(path, 'host_names'), report) : [],
    defaultHost: optionalHost(node, 'default_host', path, report) ?? ownHost,
    port: optionalPort(node, path, report),
    connectionSecurity: looseSecurity(node, path, report) ?? listener.connectionSecurity,
  };
}

function optionalText(node: YamlMapping, key: string, path: string, report: Report): string | undefined {
  const value = child(node, key);
  if (!isTruthy(value)) return undefined;
  if (value.kind === 'scalar' && typeof value.value === 'string') return value.value;
  report.wrongType(value, join(path, key), 'text');
  return undefined;
}

function optionalHost(node: YamlMapping, key: string, path: string, report: Report): string | undefined {
  const value = child(node, key);
  return isTruthy(value) ? readHostName(value, join(path, key), report) : undefined;
}

function optionalPort(node: YamlMapping, path: string, report: Report): number | undefined {
  const value = child(node, 'port');
  if (!value || (value.kind === 'scalar' && value.type === 'null')) return undefined;
  return readPort(value, join(path, 'port'), { zeroIsUnset: true }, report);
}

/** nvflare writes this value into the kit as it stands, so an unknown one is only warned about. */
function looseSecurity(node: YamlMapping, path: string, report: Report): string | undefined {
  const value = child(node, 'connection_security');
  if (!isTruthy(value)) return undefined;
  const at = join(path, 'connection_security');
  const text = optionalText(node, 'connection_security', path, report);
  if (text === undefined) return undefined;
  if (!connectionSecurities.some((known) => known === text)) {
    report.warning(value, at, {
      code: 'connection_security_unknown',
      message: `${at}: "${shorten(text)}" is not a connection security NVFlare knows (${describe(value)} is written into the kit as it is).`,
      hint: `Use one of ${connectionSecurities.join(', ')}.`,
    });
  }
  return text;
}
