/** Whether a builder's result is the bundle of the kit it was given; the hand-over record is written beside it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import type { BundleFacts } from '../../domain/cc/bundle-facts.ts';

/**
 * Throws `integrity` for an archive that is damaged, lacks files, has changed on its way, or holds another kit. What could not be
 * checked here is told in the notes.
 */
export async function verifyBundle(
  archive: string,
  context: { site: string; kit: string; sha256: string; signal: AbortSignal; now: number },
): Promise<{ notes: string[]; facts: BundleFacts }> {
  const { site, kit, sha256, signal, now } = context;
  const { inspectBundle, keepHandOver } = await import('../../services/cvm/index.ts');
  const facts = await inspectBundle(archive, { signal, now });
  const bad = (what: string): DeskError =>
    new DeskError('integrity', `The image of ${site} is not what it should be: ${what}`, {
      hint: 'Retry. If it stays: see the log of the builder; the kit is kept.',
      retryable: true,
    });
  if (facts.archive && facts.archive.sha256 !== sha256)
    throw bad(`it arrived changed (SHA-256 ${facts.archive.sha256} here, ${sha256} on the builder host).`);
  const problems = facts.findings.filter(({ severity }) => severity === 'problem');
  const [first] = problems;
  if (first) throw bad(`${first.file}: ${first.message}`);
  const own = createHash('sha256')
    .update(await readFile(join(kit, 'signature.json')))
    .digest('hex');
  if (facts.kit && facts.kit.signature !== own)
    throw bad('the kit inside is another one than the one that was sent.');
  await keepHandOver(archive, facts, { participant: site, now });
  const notes = facts.findings
    .filter(({ severity }) => severity !== 'note')
    .map(({ file, message }) => `${file}: ${message}`);
  return { notes, facts };
}
