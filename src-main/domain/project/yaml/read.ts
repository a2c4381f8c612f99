/** Reads one YAML text the way PyYAML's safe loader does, keeping positions and finding every problem it can. */
import { CST, Lexer, parseDocument } from 'yaml';
import type { YAMLParseError } from 'yaml';
import type { Finding } from '../../../contract/finding.ts';
import { Converter, tooDeep, yamlFinding } from './convert.ts';
import { yamlLimits } from './limits.ts';
import { lineStartsOf, positionAt } from './node.ts';
import type { YamlNode, YamlSource } from './node.ts';
import { syntaxFinding } from './syntax-messages.ts';

export interface YamlRead {
  /** Missing when the text could not be understood; the findings say why. */
  root?: YamlNode;
  findings: Finding[];
}

/** Reads a YAML text. `file` is the path shown in findings. Never throws for any text. */
export function readYaml(written: string, file: string): YamlRead {
  // Python reads text with every kind of line end turned into one.
  const text = written.includes('\r') ? written.replace(/\r\n?/g, '\n') : written;
  const source: YamlSource = { file, lineStarts: lineStartsOf(text) };
  const refused = refuseText(text, source);
  if (refused) return { findings: [refused] };
  try {
    return compose(text, source);
  } catch (error) {
    if (error instanceof RangeError) return { findings: [tooDeep(source, 0)] };
    throw error;
  }
}

/** What YAML 1.1 forbids (§5.1), and the foreign line ends U+0085, U+2028, U+2029: PyYAML breaks lines there, no editor does. */

const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]/;

function refuseText(text: string, source: YamlSource): Finding | undefined {
  if (text.length > yamlLimits.characters) {
    return yamlFinding(
      source,
      0,
      'yaml_too_large',
      `The file has ${text.length} characters; the limit is ${yamlLimits.characters}.`,
      'A project file of 1000 sites has about 100 kB; check that this is the right file.',
    );
  }
  const control = forbidden.exec(text);
  if (control) {
    const code = text.charCodeAt(control.index).toString(16).padStart(4, '0');
    return yamlFinding(
      source,
      control.index,
      'yaml_binary',
      `The file holds the control character U+${code.toUpperCase()}: it is not a YAML text.`,
      'Check that this is the right file and that it is saved as UTF-8 text.',
    );
  }
  return text.length > yamlLimits.smallText ? refuseTokens(text, source) : undefined;
}

/** Parsing costs far more than splitting into tokens, so a large text is counted first. */
function refuseTokens(text: string, source: YamlSource): Finding | undefined {
  let offset = 0;
  let tokens = 0;
  let depth = 0;
  let marks = 0;
  for (const token of new Lexer().lex(text)) {
    const first = token.charCodeAt(0);
    // The lexer's own marks (document, flow end, scalar) are no part of the text.
    if (first === 2 || first === 24 || first === 31) continue;
    tokens += 1;
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    marks = token === '-' || token === '?' ? marks + 1 : token.startsWith(' ') ? marks : 0;
    if (depth > yamlLimits.depth || marks > yamlLimits.depth) return tooDeep(source, offset);
    if (tokens > yamlLimits.tokens) {
      return yamlFinding(
        source,
        offset,
        'yaml_too_large',
        `The file has more than ${yamlLimits.tokens} words and signs.`,
        'A project file of 1000 sites has about 80 000; check that this is the right file.',
      );
    }
    offset += token.length;
  }
  return undefined;
}

function compose(text: string, source: YamlSource): YamlRead {
  const document = parseDocument(text, {
    version: '1.1',
    schema: 'failsafe',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  if (document.errors.length > 0) return { findings: syntaxFindings(document.errors, source, text) };
  if (!document.contents) {
    return {
      findings: [
        yamlFinding(
          source,
          0,
          'yaml_empty',
          'The file is empty.',
          'Write its settings; `flaredesk project new` makes a folder of files to start from.',
        ),
      ],
    };
  }
  const stray = strayTab(text) ?? unclosedQuote(text, document.range[1]);
  if (stray)
    return { findings: [yamlFinding(source, stray.offset, 'yaml_syntax', stray.message, stray.hint)] };
  const converter = new Converter(source, text);
  const root = converter.convert(document.contents, 1);
  return converter.findings.some((one) => one.severity === 'error') && !converter.usable
    ? { findings: converter.findings }
    : { root, findings: converter.findings };
}

/** After the first few the parser only echoes the first mistake. */
function syntaxFindings(errors: YAMLParseError[], source: YamlSource, text: string): Finding[] {
  const findings: Finding[] = [];
  const lines = new Set<number>();
  for (const error of errors) {
    const position = positionAt(source, error.pos[0]);
    if (lines.has(position.line)) continue;
    lines.add(position.line);
    if (error.message.includes('call stack')) return [tooDeep(source, error.pos[0])];
    const { message, hint } = syntaxFinding(error.code, error.message, text, error.pos[0]);
    findings.push({
      severity: 'error',
      code: 'yaml_syntax',
      message,
      ...(hint ? { hint } : {}),
      ...position,
    });
    if (findings.length === 5) break;
  }
  return findings;
}

interface Stray {
  offset: number;
  message: string;
  hint: string;
}

/** YAML 1.2, which the parser knows, allows tabs between values; PyYAML allows them in quotes, comments and block text only. */
function strayTab(text: string): Stray | undefined {
  if (!text.includes('\t')) return undefined;
  let offset = 0;
  let isBlockText = false;
  let isScalarNext = false;
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token);
    if (type === 'scalar') {
      isScalarNext = true;
      continue;
    }
    if (type === 'doc-mode' || type === 'flow-error-end') continue;
    if (type === 'block-scalar-header') isBlockText = true;
    const isPlain = isScalarNext && !isBlockText;
    if ((type === 'space' || isPlain) && token.includes('\t')) {
      return {
        offset: offset + token.indexOf('\t'),
        message: 'A tab stands between the words.',
        hint: 'YAML takes blanks only; replace the tab.',
      };
    }
    if (isScalarNext) isBlockText = false;
    isScalarNext = false;
    offset += token.length;
  }
  return undefined;
}

/** The parser takes an escaped quote at the very end of the file for the closing one. */
function unclosedQuote(text: string, end: number): Stray | undefined {
  const trimmed = text.slice(0, end).trimEnd();
  const escapes = /(\\+)"$/.exec(trimmed)?.[1]?.length ?? 0;
  if (escapes % 2 === 0) return undefined;
  const at = trimmed.length - 1;
  return {
    offset: at,
    message: 'A text in double quotes is not closed.',
    hint: 'Write \\\\ for a backslash.',
  };
}
