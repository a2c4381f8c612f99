import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { YamlNode } from '../../../src-main/domain/project/yaml/node.ts';
import { readYaml } from '../../../src-main/domain/project/yaml/read.ts';
import { starterProject } from '../../../src-main/domain/project/starter.ts';
import { flarePython } from '../../lab/nvflare.ts';
import { Random } from '../provision/random.ts';

const dense = `api_version: 3
name: "a b"
defaults: &d {org: nvidia, connection_security: 'tls'}
participants:
  - {name: server1, type: server, org: nvidia, host_names: [a, b], ports: 8002}
  - <<: *d
    name: site-1
    capacity: {num_of_gpus: 1}   # comment
    text: |
      line one
        line two
    fold: >-
      a
      b
  -
    name: x@y.org
    on: yes
    date: 2024-01-01
    empty:
    list:
    - a
    - b
builders: []
`;

const pieces = [
  ...' \n:-#\'"[]{},&*!|>%@`<=~.0123456789abyn\\',
  '  ',
  '\n  ',
  '\n- ',
  ': ',
  ' #',
  '- ',
  'yes',
  '0x1',
  '<<: ',
  '*d',
  '&e ',
  'null',
  '"x"',
  '1_0',
  '1:30',
  '1e3',
];

function mutated(random: Random): string {
  let text = random.pick([dense, starterProject('p').slice(0, 1500)]);
  for (let count = random.int(1, 3); count > 0; count -= 1) {
    const at = random.int(0, text.length);
    const cut = random.pick([0, 1, 1, 2, 3]);
    text = text.slice(0, at) + (random.chance(0.6) ? random.pick(pieces) : '') + text.slice(at + cut);
  }
  return text;
}

function plain(node: YamlNode): unknown {
  if (node.kind === 'sequence') return node.items.map(plain);
  if (node.kind === 'mapping')
    return { map: Array.from(node.entries.values(), ({ key, value }) => [plain(key), plain(value)]) };
  if (node.type === 'timestamp') return { other: 'date' };
  if (node.type === 'int') return { int: String(node.value) };
  if (node.type === 'float') return { float: Number(node.value) };
  return node.value;
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'map' in value;
}

/** Python writes floats otherwise, and knows dates with and without a time. */
function comparable(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => {
    if (typeof one !== 'object' || one === null) return one;
    if ('float' in one) return { float: Number(String(one.float).replace('inf', 'Infinity')) };
    return 'other' in one ? { other: 'date' } : one;
  });
}

/** Differences that stay (test/unit/domain/project/yaml/read.test.ts lists them one by one). */
function isKnown(text: string, ours: ReturnType<typeof readYaml>): boolean {
  const messages = ours.findings.map(({ code, message }) => `${code} ${message}`).join('\n');
  // Ours is stricter: duplicate keys, brackets that are not indented, comments that touch a value, empty keys.
  if (
    /^duplicate_key|indentation does not fit|starts a comment|key is missing|not closed|neither a "key/m.test(
      messages,
    )
  )
    return true;
  // PyYAML is stricter: "?" and a colon at the start of a word inside brackets and odd anchor names.
  return /[[{,][^\n]*\?|[[{,] *:|[&*][\w-]*[^\w\s,[\]{}-]/.test(text);
}

it('reads 3000 damaged texts as PyYAML does', () => {
  const random = new Random(11);
  const texts = Array.from({ length: 3000 }, () => mutated(random));
  const script = fileURLToPath(new URL('safe-load.py', import.meta.url));
  const output = execFileSync(flarePython('2.8.1'), [script], {
    input: JSON.stringify(texts),
    maxBuffer: 1e9,
    timeout: 120_000,
    encoding: 'utf8',
  });
  const answers = JSON.parse(output) as { ok: boolean; value?: unknown }[];
  const differences: unknown[] = [];
  let same = 0;
  texts.forEach((text, index) => {
    const ours = readYaml(text, 'project.yml');
    const theirs = answers[index];
    // A text that is no mapping is no project for either.
    const refused =
      ours.root?.kind !== 'mapping' || ours.findings.some(({ severity }) => severity === 'error');
    const isSame =
      theirs?.ok && isMapping(theirs.value)
        ? !refused && ours.root !== undefined && comparable(plain(ours.root)) === comparable(theirs.value)
        : refused;
    if (isSame) same += 1;
    else if (!isKnown(text, ours)) differences.push({ text, findings: ours.findings, theirs });
  });
  expect(differences).toEqual([]);
  expect(same).toBeGreaterThan(2940);
});
