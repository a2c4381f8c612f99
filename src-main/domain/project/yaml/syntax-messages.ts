/** The YAML parser's error codes in the words of someone who edits a project file. */
import type { ErrorCode } from 'yaml';

interface SyntaxMessage {
  message: string;
  hint?: string;
}

export function syntaxFinding(
  code: ErrorCode,
  original: string,
  text: string,
  offset: number,
): SyntaxMessage {
  const lineStart = text.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
  const lineEnd = text.indexOf('\n', offset);
  const line = text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd);
  if (code === 'TAB_AS_INDENT' || /^ *\t/.test(line)) {
    return { message: 'A tab is used as indentation.', hint: 'YAML is indented with spaces only.' };
  }
  switch (code) {
    case 'BAD_INDENT':
      return {
        message: 'The indentation does not fit the lines above.',
        hint: 'Entries of one mapping or list start in the same column.',
      };
    case 'MISSING_CHAR':
      return missingCharacter(original);
    case 'MULTILINE_IMPLICIT_KEY':
      return {
        message: 'This line is neither a "key: value" nor a list item.',
        hint: 'Check for a missing colon or a missing blank after the colon.',
      };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return {
        message: 'A second "key:" stands where a single value is expected.',
        hint: 'Put a value that contains ": " in quotes, or move the second key to its own line.',
      };
    case 'MULTIPLE_DOCS':
      return {
        message: 'The file holds more than one YAML document.',
        hint: 'Keep one document: remove the line "---" and what follows it.',
      };
    case 'BAD_ALIAS':
    case 'BAD_SCALAR_START':
      return {
        message: `A value cannot start with this character: ${firstSentence(original)}`,
        hint: 'Put the value in quotes.',
      };
    default:
      return { message: `The file is not valid YAML here: ${firstSentence(original)}` };
  }
}

function missingCharacter(original: string): SyntaxMessage {
  if (original.includes('quote')) {
    return {
      message: 'A text in quotes is not closed.',
      hint: 'Check the quotes on this line and the one before.',
    };
  }
  if (original.startsWith('Comments must')) {
    return { message: 'A "#" that starts a comment needs a blank before it.' };
  }
  if (original.includes('followed by map values')) {
    return {
      message: 'This line is neither a "key: value" nor a list item.',
      hint: 'Check for a missing colon or a missing blank after the colon.',
    };
  }
  return {
    message: `A character is missing here: ${firstSentence(original)}`,
    hint: 'Check for an unclosed bracket or a missing comma on this line or the one before.',
  };
}

function firstSentence(original: string): string {
  const line = (original.split('\n', 1)[0] ?? '').replace(/ at line \d+, column \d+:?$/, '').trim();
  return /[.!?]$/.test(line) ? line : `${line}.`;
}
