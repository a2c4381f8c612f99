import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { yamlLimits } from '../../../../../src-main/domain/project/yaml/limits.ts';
import { child, positionOf, toPlain } from '../../../../../src-main/domain/project/yaml/node.ts';
import type { YamlNode } from '../../../../../src-main/domain/project/yaml/node.ts';
import { readYaml } from '../../../../../src-main/domain/project/yaml/read.ts';
import answers from '../../../../fixtures/yaml/pyyaml-answers.json' with { type: 'json' };

interface Answer {
  text: string;
  value?: unknown;
  error?: string;
}

function errorsOf(text: string) {
  return readYaml(text, 'project.yml').findings.filter((finding) => finding.severity === 'error');
}

/** The form of the fixture: [type, value]. */
function encode(node: YamlNode): unknown {
  if (node.kind === 'sequence') return ['list', node.items.map(encode)];
  if (node.kind === 'mapping') {
    return ['map', Array.from(node.entries.values(), ({ key, value }) => [encode(key), encode(value)])];
  }
  if (node.type === 'null') return ['null'];
  if (node.type === 'bool') return ['bool', node.value];
  if (node.type === 'float') return ['float', node.value];
  if (node.value instanceof Date) return ['timestamp', node.value.toISOString()];
  if (node.value instanceof Uint8Array) return ['binary', Buffer.from(node.value).toString('hex')];
  return [node.type, String(node.value)];
}

const pythonFloats: Record<string, number> = { inf: Infinity, '-inf': -Infinity, nan: NaN };

function normalise(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  if (value[0] === 'float') return ['float', pythonFloats[String(value[1])] ?? Number(value[1])];
  return value.map(normalise);
}

/** Texts where we decide otherwise than PyYAML, and why. */
const deviations: Record<string, string> = {
  '!!omap [a: 1, b: 2]': 'a type no project uses',
  '!!pairs [a: 1, a: 2]': 'a type no project uses',
  '{a: 1, a: 2}': 'duplicate keys are refused',
  'a: 1\na: 2\n': 'duplicate keys are refused',
  'a: 1\n"a": 2\n': 'duplicate keys are refused',
  '': 'an empty file is no project',
  '# c': 'an empty file is no project',
  '\n\n': 'an empty file is no project',
  '...': 'read as nothing, which is no project either',
  '?': 'a key without text',
  '? ': 'a key without text',
  '%YAML 2.0\n---\na: 1': 'the version is only a comment to us',
  'a: "1"# c': 'unclear comment',
  'a: [b,#x\n c]': 'unclear comment',
  'a: x\u0085b: 2': 'foreign line ends are refused',
  'a: [\nb,\nc]': 'brackets must be indented',
  'a: {\nb: c}': 'brackets must be indented',
  'key: >+1\n  a': 'order of the two block indicators',
  'a: "b\n\tc"': 'tab as indentation',
  '[::a]': 'nobody writes it',
};

describe('reads YAML as PyYAML does', () => {
  const all: Answer[] = [...answers.scalars, ...answers.documents];
  it.each(all.map((one) => [JSON.stringify(one.text).slice(0, 70), one] as const))('%s', (_, one) => {
    const { root } = readYaml(one.text, 'project.yml');
    const refused = errorsOf(one.text).length > 0;
    const same = one.error === undefined ? !refused && root !== undefined : refused;
    const ours = root && !refused ? encode(root) : 'refused';
    const theirs = one.error === undefined ? normalise(one.value) : 'refused';
    if (one.text in deviations) {
      expect({ same, ours }).not.toEqual({ same: true, ours: theirs });
      return;
    }
    expect(ours).toEqual(theirs);
  });
});

describe('bad texts', () => {
  it.each([
    ['a control character', 'a: 1\nb: \u0007', 'yaml_binary', 2, 4],
    ['a zero byte', 'a\u0000', 'yaml_binary', 1, 2],
    ['nothing', '', 'yaml_empty', 1, 1],
    ['comments only', '# a\n# b\n', 'yaml_empty', 1, 1],
    ['a tab as indentation', 'a:\n\tb: 1', 'yaml_syntax', 2, 1],
    ['a tab between words', 'a: 1\nb:\t2', 'yaml_syntax', 2, 3],
    ['an unclosed quote', 'a: "b', 'yaml_syntax', 1, 6],
    ['an unclosed bracket', 'a: [1', 'yaml_syntax', 1, 6],
    ['a duplicate key', 'a: 1\nb: 2\na: 3', 'duplicate_key', 3, 1],
    ['an unknown alias', 'a: *b', 'yaml_alias', 1, 4],
    ['an alias of itself', 'a: &b [*b]', 'yaml_cycle', 1, 8],
    ['an anchor set twice', 'a: &x 1\nb: &x 2', 'yaml_alias', 2, 7],
    ['a Python tag', 'a: !!python/object:os.system x', 'yaml_tag', 1, 30],
    ['an unknown tag', 'a: !mine 1', 'yaml_tag', 1, 10],
    ['two documents', 'a: 1\n---\nb: 2', 'yaml_syntax', 2, 1],
    ['a date that is none', 'a: 2024-02-31', 'yaml_value', 1, 4],
    ['a list as key', '[a]: 1', 'yaml_key', 1, 1],
    ['a merge of text', '<<: abc', 'yaml_merge', 1, 5],
    ['bad indentation', 'a: 1\n  b: 2', 'yaml_syntax', 1, 4],
  ])('%s', (_, text, code, line, column) => {
    const [first] = errorsOf(text);
    expect(first).toMatchObject({ file: 'project.yml', code, line, column });
    expect(first?.message).toMatch(/\.$/);
  });

  it('reports every duplicate key', () => {
    expect(errorsOf('a: 1\na: 2\nb: {c: 1, c: 2}\na: 3').map(({ line }) => line)).toEqual([2, 3, 4]);
  });

  it('refuses nested aliases before writing them out', () => {
    const levels = Array.from(
      { length: 30 },
      (_, i) => `l${i}: &l${i} [${i === 0 ? 'x, x' : `*l${i - 1}, *l${i - 1}`}]`,
    );
    const before = performance.now();
    expect(errorsOf(levels.join('\n'))[0]).toMatchObject({ code: 'yaml_too_large' });
    expect(performance.now() - before).toBeLessThan(500);
  });

  it.each([
    ['brackets', '['.repeat(100_000)],
    ['closed brackets', `a: ${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['indentation', Array.from({ length: 3000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['dashes', `${'- '.repeat(20_000)}a`],
  ])('refuses deep nesting by %s', (_, text) => {
    const before = performance.now();
    const codes = errorsOf(text).map(({ code }) => code);
    expect(codes.length).toBeGreaterThan(0);
    expect(performance.now() - before).toBeLessThan(3000);
  });

  it('refuses a text above the limit without reading it', () => {
    const text = 'a: 1\n'.repeat(yamlLimits.characters / 5 + 1);
    expect(errorsOf(text)[0]).toMatchObject({ code: 'yaml_too_large', line: 1 });
  });
});

describe('positions', () => {
  it('survive merge keys', () => {
    const { root } = readYaml('base: &b\n  org: x\nsite:\n  <<: *b\n  name: y\n', 'f.yml');
    const site = child(root, 'site');
    expect(toPlain(site as YamlNode)).toEqual({ org: 'x', name: 'y' });
    expect(positionOf(child(site, 'org') as YamlNode)).toEqual({ file: 'f.yml', line: 2, column: 8 });
    expect(positionOf(child(site, 'name') as YamlNode)).toEqual({ file: 'f.yml', line: 5, column: 9 });
  });

  it('count with Windows line ends', () => {
    expect(errorsOf('a: 1\r\nb: 2\r\na: 3\r\n')[0]).toMatchObject({ line: 3, column: 1 });
  });
});

it('does not take a key for the prototype', () => {
  const { root } = readYaml('__proto__: {polluted: true}\nconstructor: 1\n', 'f.yml');
  const plain = toPlain(root as YamlNode) as Record<string, unknown>;
  expect(Object.keys(plain)).toEqual(['__proto__', 'constructor']);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

const yamlish = fc.array(
  fc.constantFrom(
    'a',
    'b: ',
    '- ',
    '\n',
    '  ',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '&x ',
    '*x',
    '<<: ',
    '|',
    '>',
    '#',
    '\t',
    '!',
    '!!int ',
    ':',
    ',',
    '~',
    '0x',
    '1:2',
    '\r',
    '%',
    '---\n',
    '? ',
  ),
  { maxLength: 60 },
);

it('never throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 200 }),
        yamlish.map((parts) => parts.join('')),
      ),
      (text) => {
        const { root, findings } = readYaml(text, 'f.yml');
        if (!root) expect(findings.length).toBeGreaterThan(0);
        for (const finding of findings) {
          expect(finding.line).toBeGreaterThan(0);
          expect(finding.column).toBeGreaterThan(0);
        }
      },
    ),
    { numRuns: 3000 },
  );
});
