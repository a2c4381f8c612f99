/** What a page weighs before it can be shown: its scripts and styles with everything they import at once. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Plugin } from 'vite';

/** The parts of a built chunk that its weight depends on. */
export interface Chunk {
  fileName: string;
  isEntry: boolean;
  /** Module behind a page that is loaded when asked for. */
  facadeModuleId: string | null;
  bytes: number;
  imports: readonly string[];
  styles: readonly string[];
}

/**
 * Bytes per page: the first one with the shell around it, each other one with what it adds to that. Keys: `first page` and
 * the names of the pages' modules.
 */
export function weights(
  chunks: readonly Chunk[],
  styleBytes: ReadonlyMap<string, number>,
): Map<string, number> {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const filesOf = (start: Chunk, into = new Set<string>()): Set<string> => {
    if (into.has(start.fileName)) return into;
    into.add(start.fileName);
    for (const style of start.styles) into.add(style);
    for (const name of start.imports) {
      const next = byName.get(name);
      if (next) filesOf(next, into);
    }
    return into;
  };
  const bytesOf = (files: Iterable<string>): number =>
    [...files].reduce((sum, name) => sum + (byName.get(name)?.bytes ?? styleBytes.get(name) ?? 0), 0);
  const pageOf = ({ facadeModuleId }: Chunk): string | undefined =>
    /\/([a-z-]+)-page\.tsx$/.exec(facadeModuleId ?? '')?.[1];

  const entry = chunks.find(({ isEntry }) => isEntry);
  const overview = chunks.find((chunk) => pageOf(chunk) === 'overview');
  if (!entry || !overview) throw new Error('The build has no entry or no overview page.');
  const first = filesOf(overview, filesOf(entry));
  const found = new Map([['first page', bytesOf(first)]]);
  for (const chunk of chunks) {
    const page = pageOf(chunk);
    if (page === undefined || chunk === overview) continue;
    found.set(page, bytesOf([...filesOf(chunk)].filter((name) => !first.has(name))));
  }
  return found;
}

/** Ends a build whose first page is heavier than `firstPage` bytes, says what each page weighs, and writes that to a file. */
export function bundleBudget({ firstPage, report }: { firstPage: number; report: string }): Plugin {
  return {
    name: 'bundle-budget',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const chunks: Chunk[] = [];
        const styles = new Map<string, number>();
        for (const file of Object.values(bundle)) {
          if (file.type === 'asset') {
            if (file.fileName.endsWith('.css')) styles.set(file.fileName, Buffer.byteLength(file.source));
            continue;
          }
          const imported = (file as { viteMetadata?: { importedCss?: Set<string> } }).viteMetadata
            ?.importedCss;
          chunks.push({
            fileName: file.fileName,
            isEntry: file.isEntry,
            facadeModuleId: file.facadeModuleId,
            bytes: Buffer.byteLength(file.code),
            imports: file.imports,
            styles: [...(imported ?? [])],
          });
        }
        const weighed = weights(chunks, styles);
        const text = [...weighed].map(([page, bytes]) => `${page} ${Math.round(bytes / 1000)} kB`).join(', ');
        this.info(`pages: ${text}`);
        mkdirSync(dirname(report), { recursive: true });
        writeFileSync(report, JSON.stringify({ budget: firstPage, pages: Object.fromEntries(weighed) }));
        const first = weighed.get('first page') ?? Number.POSITIVE_INFINITY;
        if (first > firstPage)
          this.error(
            `The first page weighs ${first} bytes, ${first - firstPage} more than its budget (${text}).`,
          );
      },
    },
  };
}
