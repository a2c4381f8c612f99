/** Readers of single values, each with its check. They answer undefined after reporting what is wrong. */
import { hostNamePattern, connectionSecurities } from './names.ts';
import type { ConnectionSecurity } from './model.ts';
import type { Report } from './report.ts';
import { describe, isNull, shorten } from './yaml/node.ts';
import type { YamlNode } from './yaml/node.ts';

const hostHint = 'Use a DNS name or an IPv4 address: letters, digits, hyphens and dots.';

export function readHostName(node: YamlNode, path: string, report: Report): string | undefined {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') {
    report.wrongType(node, path, 'a host name (text)', hostHint);
    return undefined;
  }
  if (!hostNamePattern.test(node.value)) {
    report.error(node, path, {
      code: 'host_name_invalid',
      message: `${path}: "${shorten(node.value)}" is not a host name.`,
      hint:
        node.value.includes('://') || /:\d+$/.test(node.value) ? `${hostHint} No scheme, no port.` : hostHint,
    });
    return undefined;
  }
  return node.value;
}

/** Text, a list, or nothing. A mapping counts as the list of its keys, as in nvflare. */
export function readHostNames(node: YamlNode, path: string, report: Report): string[] {
  if (isNull(node)) return [];
  if (node.kind === 'scalar') {
    const name = typeof node.value === 'string' ? readHostName(node, path, report) : undefined;
    if (typeof node.value !== 'string') report.wrongType(node, path, 'a host name or a list of host names');
    return name === undefined ? [] : [name];
  }
  if (node.kind === 'mapping') {
    report.warning(node, path, {
      code: 'host_names_mapping',
      message: `${path} is a mapping; its keys are taken as host names.`,
      hint: 'Write a list: host_names: [a.example.org, b.example.org]',
    });
  }
  const items =
    node.kind === 'mapping' ? Array.from(node.entries.values(), (entry) => entry.key) : node.items;
  return items.flatMap((item, index) => readHostName(item, `${path}[${index}]`, report) ?? []);
}

export interface PortRule {
  /** nvflare takes 0 as "not set" here. */
  zeroIsUnset: boolean;
}

export function readPort(node: YamlNode, path: string, rule: PortRule, report: Report): number | undefined {
  const hint = 'A port is a whole number from 1 to 65535, without quotes.';
  if (node.kind !== 'scalar' || node.type !== 'int') {
    report.error(node, path, {
      code: 'port_invalid',
      message: `${path} must be a port, not ${describe(node)}.`,
      hint,
    });
    return undefined;
  }
  if (node.value === 0 && rule.zeroIsUnset) return undefined;
  if (typeof node.value !== 'number' || node.value < 1 || node.value > 65535) {
    report.error(node, path, {
      code: 'port_invalid',
      message: `${path}: ${String(node.value)} is not a port.`,
      hint,
    });
    return undefined;
  }
  return node.value;
}

export function readConnectionSecurity(
  node: YamlNode,
  path: string,
  report: Report,
): ConnectionSecurity | undefined {
  const hint = `Use one of ${connectionSecurities.join(', ')}.`;
  if (node.kind !== 'scalar' || typeof node.value !== 'string') {
    report.wrongType(node, path, 'text', hint);
    return undefined;
  }
  const lower = node.value.toLowerCase();
  const known = connectionSecurities.find((one) => one === lower);
  if (!known) {
    report.error(node, path, {
      code: 'connection_security_invalid',
      message: `${path}: "${shorten(node.value)}" is not a connection security.`,
      hint,
    });
  }
  return known;
}

/** nvflare takes any value's truth; only true and false say what is meant. */
export function readFlag(node: YamlNode, path: string, report: Report): boolean | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
  if (isNull(node)) return undefined;
  report.wrongType(node, path, 'true or false');
  return undefined;
}

/** A count (whole) or a size (may have a fraction) of 0 or more; missing = 0. */
export function readAmount(
  node: YamlNode | undefined,
  path: string,
  kind: 'count' | 'size',
  report: Report,
): number {
  if (!node) return 0;
  const isNumber =
    node.kind === 'scalar' && (node.type === 'int' || (kind === 'size' && node.type === 'float'));
  if (isNumber && typeof node.value === 'number' && node.value >= 0 && Number.isFinite(node.value))
    return node.value;
  report.wrongType(
    node,
    path,
    kind === 'count' ? 'a whole number of 0 or more' : 'a number of 0 or more',
    'Write it without quotes.',
  );
  return 0;
}
