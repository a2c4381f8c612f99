/** Builders and packager: known classes, their arguments and their order (docs/reference/provisioning.md §2.8, §3.1). */
import { builderPaths, builderRules, packagerRules, refusedBuilders } from './builder-rules.ts';
import type { ArgumentRule, BuilderRule } from './builder-rules.ts';
import type { BuilderSpec, FlareLine } from './model.ts';
import { nearest } from './near-miss.ts';
import { join } from './report.ts';
import type { Report } from './report.ts';
import { child, isTruthy, positionOf, shorten, textOf, toPlain } from './yaml/node.ts';
import type { YamlMapping, YamlNode } from './yaml/node.ts';

const builtInSchemes = ['grpc', 'tcp', 'http'];
const templateNames = ['master_template.yml', 'aws_template.yml', 'azure_template.yml', 'edge_template.yml'];
const standardOrder =
  'Usual order: WorkspaceBuilder, StaticFileBuilder, CertBuilder, (CCBuilder), SignatureBuilder.';

function wayOut(line: FlareLine): string {
  return `Provision this project with NVFlare's own tool: nvflare provision -p project.yml (nvflare ${line}).`;
}

export function readBuilders(root: YamlMapping, line: FlareLine, report: Report): BuilderSpec[] {
  const node = child(root, 'builders');
  if (!isTruthy(node)) {
    report.error(node ?? root, 'builders', {
      code: 'builders_missing',
      message: node ? 'builders is empty.' : 'The project has no builders.',
      hint: standardOrder,
    });
    return [];
  }
  if (node.kind !== 'sequence') {
    report.wrongType(node, 'builders', 'a list of entries with path and args');
    return [];
  }
  const builders: { spec: BuilderSpec; node: YamlNode; path: string }[] = [];
  node.items.forEach((item, index) => {
    const path = `builders[${index}]`;
    const spec = readSpec(item, path, builderRules, line, report);
    if (spec) builders.push({ spec, node: item, path });
  });
  const complete = builders.length === node.items.length;
  if (complete) checkOrder(node, builders, line, report);
  return builders.map((one) => one.spec);
}

export function readPackager(root: YamlMapping, line: FlareLine, report: Report): BuilderSpec | undefined {
  const node = child(root, 'packager');
  return isTruthy(node) ? readSpec(node, 'packager', packagerRules, line, report) : undefined;
}

function readSpec(
  node: YamlNode,
  path: string,
  known: Map<string, BuilderRule>,
  line: FlareLine,
  report: Report,
): BuilderSpec | undefined {
  if (node.kind !== 'mapping') {
    report.wrongType(node, path, 'a mapping with path and args');
    return undefined;
  }
  report.nearMisses(node, path, ['path', 'args']);
  const classNode = child(node, 'path');
  const classPath = textOf(classNode);
  if (!isTruthy(classNode) || classPath === undefined) {
    if (isTruthy(classNode)) report.wrongType(classNode, join(path, 'path'), 'a Python class path (text)');
    else
      report.error(classNode ?? node, join(path, 'path'), {
        code: 'missing_key',
        message: `${path} has no path.`,
        hint: 'path is the Python class of the builder.',
      });
    return undefined;
  }
  const rule = known.get(classPath);
  if (!rule || (rule.lines && !rule.lines.includes(line))) {
    refuseClass(classNode, classPath, join(path, 'path'), known, line, report);
    return undefined;
  }
  const args = readArguments(node, classPath, path, rule, report);
  return args && { path: classPath, args, source: positionOf(node) };
}

function refuseClass(
  node: YamlNode,
  classPath: string,
  path: string,
  known: Map<string, BuilderRule>,
  line: FlareLine,
  report: Report,
): void {
  const what = known === builderRules ? 'builder' : 'packager';
  const name = shorten(classPath, 120);
  if (known.get(classPath)) {
    report.error(node, path, {
      code: 'builder_other_line',
      message: `The ${what} ${name} exists in FLARE ${known.get(classPath)?.lines?.join(', ')} only, not in ${line}.`,
      hint: `Remove it, or choose the other FLARE line.`,
    });
    return;
  }
  const refused = refusedBuilders.get(classPath);
  if (refused !== undefined) {
    report.error(node, path, {
      code: 'builder_unsupported',
      message: `${name}: ${refused}.`,
      hint: wayOut(line),
    });
    return;
  }
  const meant = nearest(classPath, known.keys());
  report.error(node, path, {
    code: 'builder_unsupported',
    message: `${name} is not a ${what} this product knows; Python ${what}s are not run here.`,
    hint: meant ? `Did you mean "${meant}"? If not: ${wayOut(line)}` : wayOut(line),
  });
}

function readArguments(
  node: YamlMapping,
  classPath: string,
  path: string,
  rule: BuilderRule,
  report: Report,
): Record<string, unknown> | undefined {
  const argsNode = child(node, 'args');
  const className = classPath.slice(classPath.lastIndexOf('.') + 1);
  const argsPath = join(path, 'args');
  if (argsNode && isTruthy(argsNode) && argsNode.kind !== 'mapping') {
    report.wrongType(argsNode, argsPath, 'a mapping of arguments');
    return undefined;
  }
  for (const required of rule.required ?? []) {
    if (!isTruthy(child(argsNode, required))) {
      report.error(argsNode ?? node, join(argsPath, required), {
        code: 'missing_key',
        message: `${className} needs the argument ${required}.`,
      });
    }
  }
  if (argsNode?.kind !== 'mapping') return {};
  for (const entry of argsNode.entries.values()) {
    const at = join(argsPath, entry.name);
    const kind = Object.hasOwn(rule.args, entry.name) ? rule.args[entry.name] : undefined;
    if (kind) checkArgument(entry.value, at, kind, report);
    else reportUnknownArgument(entry.key, entry.name, at, className, rule, report);
  }
  if (classPath === builderPaths.staticFile) checkStaticFile(argsNode, argsPath, report);
  return toPlain(argsNode) as Record<string, unknown>;
}

function reportUnknownArgument(
  node: YamlNode,
  name: string,
  at: string,
  className: string,
  rule: BuilderRule,
  report: Report,
): void {
  const names = Object.keys(rule.args);
  const meant = nearest(name, names);
  const known = names.length === 0 ? 'It takes no arguments.' : `It takes ${names.join(', ')}.`;
  const problem = {
    code: 'unknown_argument',
    message: `${className} has no argument "${shorten(name)}".`,
    hint: meant ? `Did you mean "${meant}"?` : known,
  };
  if (!rule.takesAny) report.error(node, at, problem);
  else if (meant)
    report.warning(node, at, { ...problem, message: `${problem.message.slice(0, -1)}; it is ignored.` });
}

function checkArgument(node: YamlNode, at: string, kind: ArgumentRule, report: Report): void {
  if (kind === 'any') return;
  if (kind === 'templates') {
    if (!isTruthy(node)) return;
    const items = node.kind === 'sequence' ? node.items : [node];
    for (const item of items) {
      const text = textOf(item);
      if (text === undefined) report.wrongType(item, at, 'a template name or a list of them');
      else if (!templateNames.includes(text)) {
        report.error(item, at, {
          code: 'template_unknown',
          message: `${at}: NVFlare has no template "${shorten(text)}".`,
          hint: `Remove template_file; it is not needed. Known: ${templateNames.join(', ')}.`,
        });
      }
    }
    return;
  }
  const text = textOf(node);
  if (text === undefined) {
    report.wrongType(node, at, 'text');
  } else if (kind === 'name' && !/^[A-Za-z0-9_-]+$/.test(text)) {
    report.error(node, at, {
      code: 'name_invalid',
      message: `${at}: "${shorten(text)}" names a file; use letters, digits, hyphens and underscores.`,
    });
  }
}

function checkStaticFile(args: YamlMapping, path: string, report: Report): void {
  const scheme = child(args, 'scheme');
  const text = textOf(scheme);
  if (scheme && text !== undefined) {
    const at = join(path, 'scheme');
    const name = text.trim().toLowerCase();
    if (name === '')
      report.error(scheme, at, {
        code: 'scheme_invalid',
        message: `${at} is empty.`,
        hint: `Use ${builtInSchemes.join(', ')}, or remove it (default: http).`,
      });
    else if (!builtInSchemes.includes(name)) {
      report.warning(scheme, at, {
        code: 'scheme_unknown',
        message: `${at}: "${shorten(name)}" is not built into NVFlare; every site needs a driver for it.`,
        hint: `Built in: ${builtInSchemes.join(', ')}.`,
      });
    }
  }
  const overseer = child(args, 'overseer_agent');
  if (overseer) {
    report.warning(overseer, join(path, 'overseer_agent'), {
      code: 'overseer_removed',
      message: `${join(path, 'overseer_agent')} is ignored: NVFlare has no overseer any more.`,
      hint: 'Remove it.',
    });
  }
}

function checkOrder(
  list: YamlNode,
  builders: { spec: BuilderSpec; node: YamlNode; path: string }[],
  line: FlareLine,
  report: Report,
): void {
  const places = new Map<string, number>();
  builders.forEach(({ spec, node, path }, index) => {
    if (!places.has(spec.path)) places.set(spec.path, index);
    else
      report.error(node, path, {
        code: 'builder_repeated',
        message: `${path}: ${describeClass(spec.path)} is listed twice.`,
        hint: 'Keep one of them.',
      });
  });
  for (const needed of [builderPaths.workspace, builderPaths.staticFile, builderPaths.cert]) {
    if (!places.has(needed)) {
      report.error(list, 'builders', {
        code: 'builder_missing',
        message: `builders has no ${describeClass(needed)}; the kits would not be usable.`,
        hint: `Add "- path: ${needed}". ${standardOrder}`,
      });
    }
  }
  if (!places.has(builderPaths.signature) && (line === '2.7.2' || places.has(builderPaths.cc))) {
    report.warning(list, 'builders', {
      code: 'builder_missing',
      message: `builders has no SignatureBuilder; ${line === '2.7.2' ? 'FLARE 2.7 does not start an unsigned kit' : 'confidential-computing kits must be signed'}.`,
      hint: `Add "- path: ${builderPaths.signature}" at the end.`,
    });
  }
  const before = (first: string, second: string, why: string): void => {
    const at = places.get(first);
    const then = places.get(second);
    const place = then === undefined ? undefined : builders[then];
    if (at === undefined || place === undefined || then === undefined || at < then) return;
    report.error(place.node, place.path, {
      code: 'builder_order',
      message: `${describeClass(second)} comes before ${describeClass(first)}: ${why}.`,
      hint: standardOrder,
    });
  };
  for (const { spec } of builders) {
    if (spec.path !== builderPaths.workspace && spec.path !== builderPaths.template)
      before(builderPaths.workspace, spec.path, 'the folders are not there yet');
  }
  before(builderPaths.cert, builderPaths.signature, 'there is no key to sign with yet');
  before(builderPaths.staticFile, builderPaths.signature, 'its files would stay unsigned');
  before(builderPaths.staticFile, builderPaths.cc, 'the files it changes are not there yet');
  before(builderPaths.cc, builderPaths.signature, 'its files would stay unsigned');
}

function describeClass(classPath: string): string {
  return classPath.slice(classPath.lastIndexOf('.') + 1);
}
