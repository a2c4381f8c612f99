/**
 * Text of the server as a terminal may see it: no escape sequence (titles, clipboard, links, colours), no control character but
 * newline and tab. What is taken out is shown as a visible mark, so that nothing is hidden.
 */
export function confine(text: string): string {
  let confined = '';
  for (const char of text.replaceAll('\r\n', '\n')) {
    const code = char.codePointAt(0) ?? 0;
    if (char === '\n' || char === '\t') confined += char;
    else if (code < 0x20) confined += String.fromCodePoint(0x2400 + code);
    else if (code === 0x7f) confined += '␡';
    else if (code >= 0x80 && code < 0xa0) confined += '�';
    // Characters that turn the reading direction could make one command look like another.
    else if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)) confined += '�';
    else confined += char;
  }
  return confined;
}
