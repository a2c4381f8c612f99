/** Lines of FLARE's logs that tell of the cross-site check (docs/reference/confidential-computing.md §1.2, §1.4). */

export type CcLine =
  | { kind: 'passed' }
  /** A check failed; `site` when the line names one. */
  | { kind: 'failed'; site?: string; why: string }
  /** A site or the server gives up: the federation stops. */
  | { kind: 'stopping'; site?: string; why: string };

const patterns: readonly { pattern: RegExp; read: (found: RegExpExecArray) => CcLine }[] = [
  { pattern: /Cross-site validation passed/, read: () => ({ kind: 'passed' }) },
  {
    pattern: /CRITICAL - Shutting down site (\S+) due to: (.*)/,
    read: ([, site = '', why = '']) => ({ kind: 'stopping', site: accused(why) ?? site, why }),
  },
  {
    pattern: /CC system shutdown initiated from server! Reason: (.*)/,
    read: ([, why = '']) => ({ kind: 'stopping', ...accusedIn(why), why }),
  },
  {
    pattern: /CC validation failed on client! Shutting down\. Reason: (.*)/,
    read: ([, why = '']) => ({ kind: 'stopping', ...accusedIn(why), why }),
  },
  {
    pattern: /(?:Exception in c|C)ross-site validation(?: failed)?: (.*)/,
    read: ([, why = '']) => ({ kind: 'failed', ...accusedIn(why), why }),
  },
  {
    pattern: /CC info validation failed: (.*)/,
    read: ([, why = '']) => ({ kind: 'failed', ...accusedIn(why), why }),
  },
  {
    pattern:
      /((?:No response from site|Failed to get token from|Invalid payload from) ['"]?([\w.-]+?)['"]?(?:[:\s].*)?)$/,
    read: ([, why = '', site = '']) => ({ kind: 'failed', site, why }),
  },
  {
    pattern: /(No (?:peer|server) CC info!|No peer context!|No tokens collected for validation)/,
    read: ([, why = '']) => ({ kind: 'failed', why }),
  },
];

/** What a line of a log says about the check; undefined when it says nothing. */
export function readCcLine(line: string): CcLine | undefined {
  for (const { pattern, read } of patterns) {
    const found = pattern.exec(line);
    if (found) return read(found);
  }
  return undefined;
}

/** The site a reason accuses. */
function accused(why: string): string | undefined {
  return /Participant (\S+) namespace:/.exec(why)?.[1] ?? /from sites: \['([^']+)'/.exec(why)?.[1];
}

function accusedIn(why: string): { site: string } | Record<string, never> {
  const site = accused(why);
  return site === undefined ? {} : { site };
}
