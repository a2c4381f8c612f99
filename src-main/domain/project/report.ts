/** Collects findings while a project is read, each at the place it was written. */
import type { Finding } from '../../contract/finding.ts';
import { describe, positionOf } from './yaml/node.ts';
import type { YamlMapping, YamlNode } from './yaml/node.ts';
import { nearest } from './near-miss.ts';

export interface Problem {
  code: string;
  message: string;
  hint?: string;
}

export class Report {
  readonly findings: Finding[] = [];

  error(node: YamlNode, path: string, problem: Problem): void {
    this.#add('error', node, path, problem);
  }

  warning(node: YamlNode, path: string, problem: Problem): void {
    this.#add('warning', node, path, problem);
  }

  info(node: YamlNode, path: string, problem: Problem): void {
    this.#add('info', node, path, problem);
  }

  /** One message for every value of the wrong type. */
  wrongType(node: YamlNode, path: string, expected: string, hint?: string): void {
    this.error(node, path, {
      code: 'wrong_type',
      message: `${path} must be ${expected}, not ${describe(node)}.`,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  /** nvflare ignores keys it does not know; one that is near to a known key is most likely a slip. */
  nearMisses(mapping: YamlMapping, path: string, known: readonly string[]): void {
    this.#unknownKeys(mapping, path, known, undefined);
  }

  /** Keys of a mapping that takes these and no others: whatever else stands there is ignored by NVFlare. */
  strayKeys(mapping: YamlMapping, path: string, known: readonly string[]): void {
    this.#unknownKeys(mapping, path, known, `Known here: ${known.join(', ')}.`);
  }

  /** `farHint`: for a key that is near to none; undefined: such a key is no finding. */
  #unknownKeys(
    mapping: YamlMapping,
    path: string,
    known: readonly string[],
    farHint: string | undefined,
  ): void {
    for (const { name, key } of mapping.entries.values()) {
      if (known.includes(name)) continue;
      const meant = nearest(name, known);
      let hint = farHint;
      if (meant !== undefined) {
        const taken = mapping.entries.has(meant);
        hint = taken ? `"${meant}" is written here too; remove "${name}".` : `Did you mean "${meant}"?`;
      }
      if (hint === undefined) continue;
      this.warning(key, join(path, name), {
        code: 'unknown_key',
        message: `"${name}" is not a key NVFlare knows; it is ignored.`,
        hint,
      });
    }
  }

  #add(severity: Finding['severity'], node: YamlNode, path: string, problem: Problem): void {
    this.findings.push({ severity, ...problem, ...positionOf(node), ...(path === '' ? {} : { path }) });
  }
}

/** Field path: `participants[3].connect_to.port`. */
export function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
