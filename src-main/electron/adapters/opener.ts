/** The only user of `shell`: shows a folder in the file manager, opens https pages of a short list. */
import { shell } from 'electron';

/** Hosts whose pages the help menu links to. */
const allowedHosts = new Set(['nvflare.readthedocs.io', 'github.com']);

/** Whether an address may be handed to the system's browser. */
export function mayOpen(address: string): boolean {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return false;
  }
  const plain = url.username === '' && url.password === '' && url.port === '';
  return url.protocol === 'https:' && plain && allowedHosts.has(url.hostname);
}

export async function openPage(address: string): Promise<boolean> {
  if (!mayOpen(address)) return false;
  await shell.openExternal(address);
  return true;
}

export function reveal(path: string): void {
  shell.showItemInFolder(path);
}
