/** Issuers and how often the sites check each other. */
import { nearest } from '../project/near-miss.ts';
import { child, describe, isNull, shorten, textOf } from '../project/yaml/node.ts';
import type { YamlMapping, YamlNode } from '../project/yaml/node.ts';
import { defaultCheckFrequency } from './cc-config.ts';
import { type CcCheck, isImaged } from './cc-file.ts';
import { type IssuerArgument, type IssuerClass, issuerClasses, issuerClassOf } from './issuers.ts';

/** Below this, every site asks every other one all the time. */
const oftenBelow = 30;

const itemKeys = ['id', 'path', 'args', 'token_expiration'];
const sectionKeys = ['check_frequency', 'failure_action'];

export function checkAttestation(check: CcCheck): void {
  const frequency = checkSection(check);
  const node = child(check.root, 'cc_issuers');
  const items = node?.kind === 'sequence' ? node.items : [];
  const classes: (IssuerClass | undefined)[] = [];
  const ids = new Map<string, number>();
  items.forEach((item, index) => {
    if (item.kind !== 'mapping') return;
    const at = `cc_issuers[${index}]`;
    check.report.strayKeys(item, at, itemKeys);
    const id = textOf(child(item, 'id'));
    const earlier = id === undefined ? undefined : ids.get(id);
    if (earlier !== undefined && id !== undefined) {
      check.report.error(child(item, 'id') ?? item, `${at}.id`, {
        code: 'cc_issuer_repeated',
        message: `${at}.id: "${shorten(id)}" is also the id of cc_issuers[${earlier}]; only the last one would be used.`,
        hint: 'Give each issuer an id of its own.',
      });
    } else if (id !== undefined) ids.set(id, index);
    classes.push(checkClass(check, item, at));
    checkExpiration(check, item, at, frequency);
  });
  if (node === undefined || node.kind === 'sequence') checkSubjects(check, node, classes);
}

/** The seconds between two checks that apply. */
function checkSection(check: CcCheck): number {
  const { root, report } = check;
  const section = child(root, 'cc_attestation');
  if (section?.kind !== 'mapping') return defaultCheckFrequency;
  report.strayKeys(section, 'cc_attestation', sectionKeys);
  const action = section.entries.get('failure_action');
  if (action) {
    report.info(action.key, 'cc_attestation.failure_action', {
      code: 'cc_failure_action',
      message: 'failure_action is not read since FLARE 2.7.1: any failed check stops the whole federation.',
      hint: 'Remove it.',
    });
  }
  const node = child(section, 'check_frequency');
  const seconds = node?.kind === 'scalar' && typeof node.value === 'number' ? node.value : undefined;
  if (node && seconds !== undefined && seconds > 0 && seconds < oftenBelow) {
    report.warning(node, 'cc_attestation.check_frequency', {
      code: 'cc_check_often',
      message: `check_frequency: every ${seconds} s each site asks all others for fresh evidence and gives them 10 s; one slow answer stops the federation.`,
      hint: "NVFlare's examples use 120.",
    });
  }
  return seconds ?? defaultCheckFrequency;
}

function checkExpiration(check: CcCheck, item: YamlMapping, at: string, frequency: number): void {
  const node = child(item, 'token_expiration');
  if (node?.kind !== 'scalar' || typeof node.value !== 'number' || node.value < frequency) return;
  check.report.error(node, `${at}.token_expiration`, {
    code: 'cc_token_expiration',
    message: `${at}.token_expiration (${node.value} s) must be smaller than check_frequency (${frequency} s).`,
    hint: `Write ${Math.max(1, Math.floor((frequency * 5) / 6))} or less, or raise cc_attestation.check_frequency.`,
  });
}

function checkClass(check: CcCheck, item: YamlMapping, at: string): IssuerClass | undefined {
  const { report } = check;
  const node = child(item, 'path');
  const written = textOf(node);
  if (!node || !written) return undefined;
  const found = issuerClassOf(written);
  if (!found) {
    const meant = nearest(
      written,
      issuerClasses.map(({ path }) => path),
    );
    const problem = {
      code: 'cc_issuer_unknown',
      message: `${at}.path: NVFlare has no issuer ${shorten(written, 120)}.`,
      hint: meant
        ? `Did you mean "${meant}"?`
        : `Known: ${issuerClasses.map(({ path }) => path).join(', ')}.`,
    };
    if (meant !== undefined || written.startsWith('nvflare.')) report.error(node, `${at}.path`, problem);
    else
      report.warning(node, `${at}.path`, {
        ...problem,
        message: `${at}.path: ${shorten(written, 120)} is not an issuer of NVFlare; every site's image must contain it.`,
      });
    return undefined;
  }
  const { environment } = check;
  if (environment && !found.environments.includes(environment)) {
    report.warning(node, `${at}.path`, {
      code: found.proves === 'nothing' ? 'cc_issuer_mock' : 'cc_issuer_environment',
      message:
        found.proves === 'nothing'
          ? `${at}.path: the mock issuer proves nothing; its token is the same everywhere and always accepted.`
          : `${at}.path: the ${found.title} issuer does not work in ${environment}.`,
      hint: `Issuers for ${environment}: ${issuerClasses
        .filter(({ environments }) => environments.includes(environment))
        .map(({ path }) => path.slice(path.lastIndexOf('.') + 1))
        .join(', ')}.`,
    });
  }
  checkArguments(check, item, found, at);
  return found;
}

function checkArguments(check: CcCheck, item: YamlMapping, known: IssuerClass, at: string): void {
  const { report } = check;
  const node = child(item, 'args');
  const args = node?.kind === 'mapping' ? node : undefined;
  const className = known.path.slice(known.path.lastIndexOf('.') + 1);
  const names = Object.keys(known.args);
  for (const entry of args?.entries.values() ?? []) {
    const path = `${at}.args.${entry.name}`;
    const rule = Object.hasOwn(known.args, entry.name) ? known.args[entry.name] : undefined;
    if (rule) {
      checkArgument(check, entry.value, path, rule);
      continue;
    }
    const meant = nearest(entry.name, names);
    report.error(entry.key, path, {
      code: 'cc_issuer_argument',
      message: `${className} has no argument "${shorten(entry.name)}"; no site could load it.`,
      hint: meant
        ? `Did you mean "${meant}"?`
        : names.length > 0
          ? `It takes ${names.join(', ')}.`
          : 'It takes no arguments.',
    });
  }
  for (const [name, rule] of Object.entries(known.args)) {
    if (!rule.required || (args && !isNull(child(args, name)) && args.entries.has(name))) continue;
    report.error(node ?? item, `${at}.args.${name}`, {
      code: 'cc_issuer_argument',
      message: `${className} needs the argument ${name} (${rule.about}).`,
      hint: `Write it under args: { ${name}: … }`,
    });
  }
}

function checkArgument(check: CcCheck, node: YamlNode, at: string, rule: IssuerArgument): void {
  const { report } = check;
  if (isNull(node) && !rule.required) return;
  if (rule.kind === 'text') {
    const text = textOf(node);
    if (text === undefined) {
      report.error(node, at, {
        code: 'cc_issuer_argument',
        message: `${at} must be text, not ${describe(node)}.`,
      });
    } else if (rule.choices && !rule.choices.includes(text)) {
      const meant = nearest(text, rule.choices);
      report.error(node, at, {
        code: 'cc_issuer_argument',
        message: `${at}: "${shorten(text)}" is not known.`,
        hint: meant ? `Did you mean "${meant}"?` : `Use one of ${rule.choices.join(', ')}.`,
      });
    }
    return;
  }
  const value = node.kind === 'scalar' && typeof node.value === 'number' ? node.value : undefined;
  const isWhole = node.kind === 'scalar' && node.type === 'int';
  if (value === undefined || value < 0 || (rule.kind === 'count' && !isWhole)) {
    report.error(node, at, {
      code: 'cc_issuer_argument',
      message: `${at} must be ${rule.kind === 'count' ? 'a whole number' : 'a number of seconds'} of 0 or more, not ${describe(node)}.`,
      hint: 'Write it without quotes.',
    });
  }
}

/** What all issuers together prove, against what the file says it is. */
function checkSubjects(
  check: CcCheck,
  node: YamlNode | undefined,
  classes: readonly (IssuerClass | undefined)[],
): void {
  const { root, report, environment } = check;
  if (environment === undefined) return;
  const at = 'cc_issuers';
  if (classes.length === 0) {
    const problem = {
      code: 'cc_issuers_empty',
      message: `${at} is empty: the site has nothing to prove itself with, and the others stop the federation over it.`,
      hint: 'Add the issuer of its platform, for example nvflare.app_opt.confidential_computing.snp_authorizer.SNPAuthorizer.',
    };
    if (environment === 'mock') report.warning(node ?? root, at, problem);
    else report.error(node ?? root, at, problem);
    return;
  }
  // An unknown class may prove anything.
  if (classes.includes(undefined)) return;
  const proved = new Set(classes.map((one) => one?.proves));
  const cpu = textOf(child(root, 'cc_cpu_mechanism'));
  if (
    isImaged(check) &&
    cpu !== undefined &&
    (cpu === 'amd_sev_snp' || cpu === 'intel_tdx') &&
    !proved.has(cpu)
  ) {
    report.warning(node ?? root, at, {
      code: 'cc_issuer_cpu',
      message: `${at}: no issuer proves the processor (cc_cpu_mechanism is ${cpu}).`,
      hint: `Add ${issuerClasses.find(({ proves }) => proves === cpu)?.path ?? ''}.`,
    });
  }
  const gpu = child(root, 'cc_gpu_mechanism');
  if (textOf(gpu) === 'nvidia_cc' && !proved.has('nvidia_gpu')) {
    report.warning(gpu ?? root, 'cc_gpu_mechanism', {
      code: 'cc_issuer_gpu',
      message: `cc_gpu_mechanism alone has no effect: no issuer proves the GPU.`,
      hint: `Add ${issuerClasses.find(({ proves }) => proves === 'nvidia_gpu')?.path ?? ''} to cc_issuers.`,
    });
  }
}
