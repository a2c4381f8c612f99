/**
 * What a policy answers to one request, in three values: a text outside the narrow subset is "unknown", never guessed.
 * The language's two generations were measured on the engines that Trustee carries (docs/reference/confidential-computing.md §4.2).
 */
import type { Expression, Policy, PolicyRule, Term } from './rego-syntax.ts';
import {
  callBuiltin,
  Failure,
  isMember,
  isSame,
  memberOf,
  Members,
  type Told,
  Unknown,
  untold,
  type Value,
} from './rego-values.ts';

export interface PolicyRequest {
  input: { [key: string]: Told };
  data: { [key: string]: Told };
}

export type PolicyAnswer =
  | { answer: 'allow'; line: number }
  | { answer: 'deny' }
  /** The engine stops with an error: nothing is released. */
  | { answer: 'error'; reason: string; line: number }
  | { answer: 'unknown'; reason: string; line: number };

const ifImports = ['rego.v1', 'future.keywords', 'future.keywords.if'];

/** True when the engine of this generation takes `if` for a plain name: the body then no longer guards the rule. */
export function ifIsOnlyAName(policy: Policy, regoV1: boolean): boolean {
  return !regoV1 && !policy.imports.some((one) => ifImports.includes(one));
}

/**
 * Evaluates `data.policy.allow`. `regoV1`: the engine of Trustee v0.17 and later; before, a rule `allow if { … }` without
 * `import rego.v1` holds for everybody.
 */
export function evaluatePolicy(policy: Policy, request: PolicyRequest, regoV1: boolean): PolicyAnswer {
  try {
    return new Evaluation(policy, request, regoV1).allow();
  } catch (error) {
    if (error instanceof Unknown) return { answer: 'unknown', reason: error.message, line: error.line };
    if (error instanceof Failure) return { answer: 'error', reason: error.message, line: error.line };
    throw error;
  }
}

class Evaluation {
  private readonly policy: Policy;
  private readonly request: PolicyRequest;
  private readonly regoV1: boolean;
  private readonly open = new Set<string>();

  constructor(policy: Policy, request: PolicyRequest, regoV1: boolean) {
    this.policy = policy;
    this.request = request;
    this.regoV1 = regoV1;
  }

  allow(): PolicyAnswer {
    const { policy, regoV1 } = this;
    if (policy.package === undefined) throw new Failure('the text has no package line', 1);
    if (policy.package !== 'policy') throw new Failure('the package is not named policy', 1);
    const old = policy.rules.find((rule) => rule.withoutIf);
    const strict = regoV1 || policy.imports.includes('rego.v1');
    if (old && strict) throw new Failure(`rule ${old.name} has a body without if`, old.line);
    const inline = policy.rules.find((rule) => rule.inline);
    if (inline && ifIsOnlyAName(policy, regoV1)) {
      throw new Failure(`rule ${inline.name} uses if without its import`, inline.line);
    }
    const known = this.known();
    const missed = policy.notUnderstood[0];
    if (known.answer === 'deny' && missed) {
      throw new Unknown(`line ${missed.line} is not understood: ${missed.text}`, missed.line);
    }
    return known;
  }

  /** The answer of the rules that were understood. A rule that holds does not hide another one's error. */
  private known(): PolicyAnswer {
    const rules = this.policy.rules.filter((rule) => rule.name === 'allow');
    let held: PolicyRule | undefined;
    let unsure: Unknown | undefined;
    for (const rule of rules) {
      try {
        const value = this.ruleValue(rule);
        if (value === true) held ??= rule;
        else if (value !== undefined && value !== false)
          throw new Unknown('allow has another value than true', rule.line);
      } catch (error) {
        if (!(error instanceof Unknown)) throw error;
        unsure ??= error;
      }
    }
    if (held && !unsure) return { answer: 'allow', line: held.line };
    if (unsure) throw unsure;
    const standard = this.policy.defaults.get('allow');
    if (!standard) throw new Failure('no rule holds and allow has no default', 1);
    const value = this.termValue(standard.value, new Map(), standard.line);
    return value === true ? { answer: 'allow', line: standard.line } : { answer: 'deny' };
  }

  private ruleValue(rule: PolicyRule): Value {
    const guarded = !(usesIf(rule) && ifIsOnlyAName(this.policy, this.regoV1));
    const scope = new Map<string, Value>();
    if (guarded && !this.bodyHolds(rule.body, scope)) return undefined;
    return rule.value === undefined ? true : this.termValue(rule.value, scope, rule.line);
  }

  /** Every line is looked at before an unknown one decides: a line that fails makes the rule fail for certain. */
  private bodyHolds(body: Expression[], scope: Map<string, Value>): boolean {
    let unsure: Unknown | undefined;
    for (const expression of body) {
      try {
        if (!this.holds(expression, scope)) return false;
      } catch (error) {
        if (!(error instanceof Unknown)) throw error;
        unsure ??= error;
      }
    }
    if (unsure) throw unsure;
    return true;
  }

  private holds(expression: Expression, scope: Map<string, Value>): boolean {
    const { line } = expression;
    switch (expression.kind) {
      case 'unknown':
        throw new Unknown(`line ${line} is not understood: ${expression.text}`, line);
      case 'not':
        return !this.holds(expression.of, scope);
      case 'term': {
        const value = this.termValue(expression.term, scope, line);
        if (value === untold) throw new Unknown(`line ${line} asks for something not known here`, line);
        return value !== undefined && value !== false;
      }
      case 'in': {
        const left = this.termValue(expression.left, scope, line);
        const right = this.termValue(expression.right, scope, line);
        if (left === undefined || right === undefined) return false;
        return isMember(left, right, line);
      }
      case 'compare':
        return this.compare(expression, scope);
    }
  }

  private compare(expression: Extract<Expression, { kind: 'compare' }>, scope: Map<string, Value>): boolean {
    const { left, right, operator, line } = expression;
    const name = left.kind === 'ref' && left.path.length === 0 ? left.head : undefined;
    if (name !== undefined && (operator === ':=' || (operator === '=' && this.isFree(name, scope)))) {
      const value = this.termValue(right, scope, line);
      if (value === undefined) return false;
      scope.set(name, value);
      return true;
    }
    if (operator === ':=') throw new Unknown(`line ${line} assigns to something that is not a name`, line);
    const one = this.termValue(left, scope, line);
    const other = this.termValue(right, scope, line);
    if (one === undefined || other === undefined) return false;
    const same = isSame(one, other, line);
    return operator === '!=' ? !same : same;
  }

  private isFree(name: string, scope: Map<string, Value>): boolean {
    return (
      name !== 'input' &&
      name !== 'data' &&
      !scope.has(name) &&
      !this.policy.rules.some((rule) => rule.name === name) &&
      !this.policy.defaults.has(name)
    );
  }

  private termValue(term: Term, scope: Map<string, Value>, line: number): Value {
    switch (term.kind) {
      case 'literal':
        return term.value;
      case 'set':
        return term.items.length === 0 ? {} : new Members(this.values(term.items, scope, line));
      case 'array':
        return this.values(term.items, scope, line) as Told[];
      case 'call':
        return callBuiltin(term.name, this.values(term.args, scope, line), line);
      case 'ref':
        return this.refValue(term, scope, line);
    }
  }

  private values(terms: Term[], scope: Map<string, Value>, line: number): Value[] {
    return terms.map((term) => this.termValue(term, scope, line));
  }

  private refValue(ref: Extract<Term, { kind: 'ref' }>, scope: Map<string, Value>, line: number): Value {
    let value = this.headValue(ref.head, ref.path, scope, line);
    for (const part of ref.path) {
      const key = this.termValue(part, scope, line);
      if (key === undefined || value === undefined) return undefined;
      if (value === untold || key === untold)
        throw new Unknown(`line ${line} looks into a claim not known here`, line);
      value = memberOf(value, key, line);
    }
    return value;
  }

  private headValue(head: string, path: Term[], scope: Map<string, Value>, line: number): Value {
    if (head === 'input') return this.request.input;
    if (head === 'data') {
      const first = path[0];
      if (first?.kind === 'literal' && first.value === 'policy') {
        throw new Unknown(`line ${line} refers to a rule by data.policy`, line);
      }
      return this.request.data;
    }
    if (scope.has(head)) return scope.get(head);
    return this.namedValue(head, line);
  }

  private namedValue(name: string, line: number): Value {
    const rules = this.policy.rules.filter((rule) => rule.name === name);
    const standard = this.policy.defaults.get(name);
    if (rules.length === 0 && !standard)
      throw new Unknown(`line ${line} uses ${name}, which is not understood`, line);
    if (this.open.has(name)) throw new Failure(`${name} refers to itself`, line);
    this.open.add(name);
    try {
      for (const rule of rules) {
        const value = this.ruleValue(rule);
        if (value !== undefined) return value;
      }
      if (this.policy.notUnderstood.length > 0) {
        throw new Unknown(`line ${this.policy.notUnderstood[0]?.line ?? line} is not understood`, line);
      }
      return standard ? this.termValue(standard.value, new Map(), standard.line) : undefined;
    } finally {
      this.open.delete(name);
    }
  }
}

/** Rules of old form have a body without `if`; constants have no body at all. */
const usesIf = (rule: PolicyRule): boolean => rule.body.length > 0 && !rule.withoutIf;
