/** What is wrong or dangerous in a resource policy, found by asking it questions where that is possible. */
import type { Finding } from '../../contract/finding.ts';
import type { TrusteeProfile } from './profiles.ts';
import { ifIsOnlyAName } from './rego-evaluate.ts';
import { type Policy, type Term, readPolicy } from './rego-syntax.ts';
import { codeLines, measurementsIn, type WrittenMeasurement } from './written-measurements.ts';
import { type KnownCvm, answerFor, keyPath, mayBeAllowed, strangeMeasurement } from './site-request.ts';

const stranger: KnownCvm = { participant: 'a stranger', vmId: 'stranger', measurement: strangeMeasurement };

/**
 * Findings of a policy text for a release and an inventory of CVMs (docs/reference/confidential-computing.md §4.2), worst
 * first; lines count from 1. A text that is not understood gives a warning of its own: silence then proves nothing.
 */
export function lintPolicy(text: string, profile: TrusteeProfile, cvms: readonly KnownCvm[]): Finding[] {
  const policy = readPolicy(text);
  const findings = [
    ...structure(policy, profile),
    ...questions(policy, profile, cvms),
    ...literals(text, profile, cvms),
    ...policy.notUnderstood.map(
      ({ line, text: found }): Finding => ({
        severity: 'warning',
        code: 'kbs_policy_not_understood',
        message: `Line ${line} is outside the part of the language that is checked here: ${found}`,
        hint: 'What the rest of the checks say may not hold for this line. Read it yourself.',
        line,
      }),
    ),
  ];
  const weight = { error: 0, warning: 1, info: 2 };
  return findings.sort((one, other) => weight[one.severity] - weight[other.severity]);
}

function structure(policy: Policy, profile: TrusteeProfile): Finding[] {
  const findings: Finding[] = [];
  const error = (code: string, message: string, hint: string, line?: number): void => {
    findings.push({ severity: 'error', code, message, hint, ...(line === undefined ? {} : { line }) });
  };
  if (policy.package !== 'policy') {
    error(
      'kbs_policy_package',
      policy.package === undefined
        ? 'The text has no package line: the key broker refuses it.'
        : `The package is ${policy.package}, and the key broker asks for data.policy.allow: nobody gets a key.`,
      'Begin the text with: package policy',
      1,
    );
  }
  const standard = policy.defaults.get('allow');
  if (!standard) {
    error(
      'kbs_policy_default',
      'allow has no default: a request that no rule matches ends as an error of the policy engine.',
      'Add: default allow = false',
    );
  } else if (isTrue(standard.value)) {
    error(
      'kbs_policy_default',
      'allow is true by default: every attested machine gets every key.',
      'Write: default allow = false',
      standard.line,
    );
  }
  const imported = policy.imports.includes('rego.v1');
  const old = policy.rules.find((rule) => rule.withoutIf);
  if (old && (profile.regoV1 || imported)) {
    error(
      'kbs_policy_old_syntax',
      `Rule ${old.name} on line ${old.line} is written without if, which ${profile.release} refuses: nobody gets a key.`,
      `Write: ${old.name} if {`,
      old.line,
    );
  }
  const guarded = policy.rules.find((rule) => rule.body.length > 0 && !rule.withoutIf);
  if (guarded && ifIsOnlyAName(policy, profile.regoV1)) {
    error(
      'kbs_policy_if_without_import',
      `On ${profile.release} "if" is a plain name without its import, so rule ${guarded.name} on line ${guarded.line} holds for everybody.`,
      'Add below the package line: import rego.v1',
      guarded.line,
    );
  }
  findings.push(...unusedRules(policy));
  return findings;
}

function unusedRules(policy: Policy): Finding[] {
  const used = new Set(['allow']);
  const look = (term: Term): void => {
    if (term.kind === 'ref') {
      used.add(term.head);
      term.path.forEach(look);
    } else if (term.kind === 'call') term.args.forEach(look);
    else if (term.kind !== 'literal') term.items.forEach(look);
  };
  for (const rule of policy.rules) {
    if (rule.value) look(rule.value);
    for (const expression of rule.body) {
      const one = expression.kind === 'not' ? expression.of : expression;
      if (one.kind === 'compare' || one.kind === 'in') [one.left, one.right].forEach(look);
      if (one.kind === 'term') look(one.term);
      if (one.kind === 'unknown') for (const word of one.text.match(/[A-Za-z_]\w*/g) ?? []) used.add(word);
    }
  }
  for (const { text } of policy.notUnderstood)
    for (const word of text.match(/[A-Za-z_]\w*/g) ?? []) used.add(word);
  return policy.rules
    .filter((rule) => !used.has(rule.name))
    .map((rule) => ({
      severity: 'warning',
      code: 'kbs_policy_unused_rule',
      message: `Rule ${rule.name} on line ${rule.line} is used by nothing; the key broker asks for allow alone.`,
      hint: 'A misspelt allow is accepted by the key broker, and nobody gets a key.',
      line: rule.line,
    }));
}

const isTrue = (term: Term): boolean => term.kind === 'literal' && term.value === true;

function questions(policy: Policy, profile: TrusteeProfile, cvms: readonly KnownCvm[]): Finding[] {
  const findings: Finding[] = [];
  const measured = cvms.filter((cvm) => cvm.measurement !== undefined);
  const probe = measured[0] ?? stranger;
  if (mayBeAllowed(policy, { ...stranger, vmId: probe.vmId }, profile, {})) {
    findings.push({
      severity: 'error',
      code: 'kbs_policy_any_measurement',
      message: `A machine with a measurement that no image of the inventory has would get ${keyPath(probe.vmId)}.`,
      hint: 'Bind every rule to a launch measurement.',
    });
    return findings;
  }
  const debuggable = measured.filter((cvm) => mayBeAllowed(policy, cvm, profile, { debug: true }));
  if (debuggable.length > 0) {
    findings.push({
      severity: 'error',
      code: 'kbs_policy_debug',
      message: `The same image started with debugging allowed would get its key, and its host could read its memory: ${names(debuggable)}.`,
      hint: 'Demand that policy_debug_allowed is off in every rule.',
    });
  }
  const pairs = measured.flatMap((cvm) => {
    const other = measured.find((one) => one.vmId !== cvm.vmId);
    return other && mayBeAllowed(policy, cvm, profile, { path: keyPath(other.vmId) }) ? [{ cvm, other }] : [];
  });
  const [pair] = pairs;
  if (pair) {
    findings.push({
      severity: 'error',
      code: 'kbs_policy_other_key',
      message: `${pair.cvm.participant} would get the disk key of ${pair.other.participant}${pairs.length > 1 ? `, and so on for ${pairs.length} CVMs` : ''}.`,
      hint: 'Bind each measurement to its own path keys/root/<vm id>.',
    });
  }
  const locked = measured.filter((cvm) => ['deny', 'error'].includes(answerFor(policy, cvm, profile).answer));
  if (locked.length > 0) {
    findings.push({
      severity: 'warning',
      code: 'kbs_policy_locked_out',
      message: `These CVMs will not boot, as no rule gives them their key: ${names(locked)}.`,
      hint: 'Generate the rules from the inventory and compare.',
    });
  }
  return findings;
}

const names = (cvms: readonly KnownCvm[]): string => {
  const shown = cvms.slice(0, 5).map((cvm) => cvm.participant);
  return cvms.length > 5 ? `${shown.join(', ')} and ${cvms.length - 5} more` : shown.join(', ');
};

function literals(text: string, profile: TrusteeProfile, cvms: readonly KnownCvm[]): Finding[] {
  const findings: Finding[] = [];
  const known = new Set(cvms.flatMap((cvm) => (cvm.measurement ? [cvm.measurement] : [])));
  const seen = new Map<string, number>();
  for (const { line, code } of codeLines(text)) {
    if (/\["cpu"\]|submods\.cpu\b(?!0)/.test(code)) {
      findings.push({
        severity: 'error',
        code: 'kbs_policy_cpu_name',
        message: `Line ${line} reads the claims of "cpu"; they are named "cpu0", so the rule never holds.`,
        hint: 'Write cpu0.',
        line,
      });
    }
  }
  for (const written of measurementsIn(text))
    findings.push(...literalFindings(written, profile, known, seen));
  return findings;
}

function literalFindings(
  { literal, hex, line }: WrittenMeasurement,
  profile: TrusteeProfile,
  known: ReadonlySet<string>,
  seen: Map<string, number>,
): Finding[] {
  const findings: Finding[] = [];
  const form = literal.length === 96 ? 'hex' : 'base64';
  if (form !== profile.measurementForm || (form === 'hex' && literal !== hex)) {
    findings.push({
      severity: 'error',
      code: 'kbs_policy_measurement_form',
      message: `The measurement on line ${line} is written in ${form === 'hex' && literal !== hex ? 'capital hex digits' : form}; ${profile.release} compares with ${profile.measurementForm === 'hex' ? '96 lower-case hex digits' : '64 base64 characters'}.`,
      hint: 'Generate the rules for this release.',
      line,
    });
  }
  if (!known.has(hex)) {
    findings.push({
      severity: 'warning',
      code: 'kbs_policy_unknown_measurement',
      message: `The measurement on line ${line} belongs to no image of the inventory: a retired image keeps its key.`,
      hint: 'Remove the rule, or add the bundle to the inventory.',
      line,
    });
  }
  const before = seen.get(hex);
  if (before !== undefined) {
    findings.push({
      severity: 'warning',
      code: 'kbs_policy_duplicate',
      message: `The measurement on line ${line} stands on line ${before}, too.`,
      hint: 'One rule per CVM.',
      line,
    });
  }
  seen.set(hex, before ?? line);
  return findings;
}
