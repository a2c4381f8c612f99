/** The counters of a Trustee key broker (docs/reference/confidential-computing.md §4.3): Prometheus text in, numbers out. */

export interface KbsCounters {
  /** `version` of the build information, from v0.15. */
  version?: string;
  /** Metric names carry the prefix `kbs_`. */
  prefixed: boolean;
  /** Reads by resource path, counted after the policy said yes. */
  reads: Record<string, number>;
  writes: Record<string, number>;
  policyApprovals: number;
  policyViolations: number;
  policyErrors: number;
  attestationSuccesses: number;
  attestationFailures: number;
}

/** Reads the text of /metrics; undefined when it holds no counter of a key broker. */
export function readMetrics(text: string): KbsCounters | undefined {
  const counters: KbsCounters = {
    prefixed: false,
    reads: {},
    writes: {},
    policyApprovals: 0,
    policyViolations: 0,
    policyErrors: 0,
    attestationSuccesses: 0,
    attestationFailures: 0,
  };
  let known = 0;
  for (const line of text.split('\n')) {
    const found =
      /^(?<name>[A-Za-z_:][\w:]*)(?:\{(?<labels>.*)\})?\s+(?<value>[0-9.eE+-]+)(?:\s+\d+)?\s*$/.exec(line);
    if (!found?.groups) continue;
    const { name = '', labels = '', value = '' } = found.groups;
    if (addSample(counters, name, labelsOf(labels), Number(value))) known += 1;
  }
  return known > 0 ? counters : undefined;
}

function addSample(counters: KbsCounters, name: string, labels: Map<string, string>, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  if (name === 'kbs_build_info') {
    const version = labels.get('version');
    if (version !== undefined) counters.version = version;
    counters.prefixed = true;
    return true;
  }
  // Policy counters carried the prefix before the others did.
  const bare = name.startsWith('kbs_') && !name.startsWith('kbs_policy_') ? name.slice(4) : name;
  switch (bare) {
    case 'resource_reads_total':
    case 'resource_writes_total': {
      const path = labels.get('resource_path') ?? '';
      const table = bare === 'resource_reads_total' ? counters.reads : counters.writes;
      table[path] = (table[path] ?? 0) + value;
      break;
    }
    case 'kbs_policy_approvals_total':
      counters.policyApprovals += value;
      break;
    case 'kbs_policy_violations_total':
      counters.policyViolations += value;
      break;
    case 'kbs_policy_errors_total':
      counters.policyErrors += value;
      break;
    case 'attestation_successes_total':
      counters.attestationSuccesses += value;
      break;
    case 'attestation_failures_total':
      counters.attestationFailures += value;
      break;
    case 'attestation_requests_total':
    case 'http_requests_total':
      break;
    default:
      return false;
  }
  if (bare !== name) counters.prefixed = true;
  return true;
}

function labelsOf(text: string): Map<string, string> {
  const labels = new Map<string, string>();
  for (const [, name = '', value = ''] of text.matchAll(/([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    labels.set(
      name,
      value.replaceAll(/\\(["\\n])/g, (_, sign: string) => (sign === 'n' ? '\n' : sign)),
    );
  }
  return labels;
}

/** How often each path was read since an earlier look. A counter that went down was set back: it counts from zero again. */
export function newReads(before: KbsCounters, now: KbsCounters): Record<string, number> {
  const grown: Record<string, number> = {};
  for (const [path, count] of Object.entries(now.reads)) {
    const earlier = before.reads[path] ?? 0;
    const more = count >= earlier ? count - earlier : count;
    if (more > 0) grown[path] = more;
  }
  return grown;
}
