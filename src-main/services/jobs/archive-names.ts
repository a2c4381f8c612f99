/** Names inside an archive from elsewhere: only those that can land nowhere but in the folder they are unpacked to. */

/** Why a path must not be unpacked, or undefined when it may. The path has `/` between its parts. */
export function unsafeName(path: string, platform: NodeJS.Platform = process.platform): string | undefined {
  if (path === '') return 'it is empty';
  if (path.startsWith('/') || path.startsWith('\\')) return 'it is absolute';
  if (/^[A-Za-z]:/.test(path)) return 'it names a drive';
  if (path.includes('\\')) return 'it holds a backslash';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'it holds a control character';
  if (Buffer.byteLength(path) > 4000) return 'it is too long';
  for (const part of path.replace(/\/$/, '').split('/')) {
    if (part === '' || part === '.' || part === '..') return `it holds the part "${part}"`;
    if (Buffer.byteLength(part) > 255) return 'a part of it is too long';
    if (platform === 'win32' && (/[<>:"|?*]|[. ]$/.test(part) || windowsDevice.test(part))) {
      return `"${part}" is no name on Windows`;
    }
  }
  return undefined;
}

const windowsDevice = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

/** The form two names share when a disk that ignores case or Unicode composition takes them for one. */
export const foldedName = (path: string): string => path.normalize('NFC').toLowerCase().replace(/\/$/, '');
