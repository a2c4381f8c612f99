/** The diagnostics bundle: what one hands over when asking for help. Redacted; no database, no kits, no keys. */
import { createWriteStream } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { redact, redactText } from '../logging/index.ts';

export interface BundleFile {
  name: string;
  about: string;
  text: string;
}

export interface BundleFacts {
  stateFolder: string;
  /** Versions and settings, as JSON. */
  about: Record<string, unknown>;
  /** Task records without results. */
  tasks: readonly unknown[];
}

/** Newest part of a log that is taken along, characters. */
const mostLog = 1_000_000;

/** Everything the bundle would hold, as text, for a look before it is saved. */
export async function collectBundle({ stateFolder, about, tasks }: BundleFacts): Promise<BundleFile[]> {
  const names = (await readdir(stateFolder).catch(() => [] as string[])).filter((name) =>
    /\.log(\.\d+)?$/.test(name),
  );
  const logs = await Promise.all(
    names.sort().map(async (name): Promise<BundleFile> => {
      const text = await readFile(join(stateFolder, name), 'utf8').catch(() => '');
      return { name: `log/${name}`, about: 'Log of this program', text: redactText(text).slice(-mostLog) };
    }),
  );
  return [
    { name: 'about.json', about: 'Versions and settings', text: JSON.stringify(redact(about), null, 2) },
    {
      name: 'tasks.json',
      about: 'The newest tasks, without their results',
      text: JSON.stringify(redact([...tasks]), null, 2),
    },
    ...logs,
  ];
}

/** Writes the files as a zip archive, mode 600, through a temporary name. Answers the number of bytes. */
export async function writeBundle(path: string, files: readonly BundleFile[]): Promise<number> {
  const zip = new ZipFile();
  for (const { name, text } of files) zip.addBuffer(Buffer.from(text), name, { mode: 0o600 });
  zip.end();
  const temporary = `${path}.part`;
  try {
    const out = createWriteStream(temporary, { mode: 0o600, flush: true });
    await pipeline(zip.outputStream, out);
    await rename(temporary, path);
    return out.bytesWritten;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
