/** The interpreter line of every script in a kit. */
export const shebang = '#!/usr/bin/env bash\n';

/** Sets `here` to the folder of the running script, whatever the folder is called and wherever the caller stands. */
export const findOwnFolder = `here="$(cd "$(dirname "\${BASH_SOURCE[0]}")" >/dev/null 2>&1 && pwd)"\n`;

/**
 * One shell word that stands for exactly this text. Plain words stay bare, so that tools that search a script for
 * `uid=NAME` find it.
 */
export function shellWord(text: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
