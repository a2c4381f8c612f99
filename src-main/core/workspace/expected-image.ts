/** What the hand-over record beside an archive tells of its image, in words for a cell. */
import type { Stats } from 'node:fs';

/** Empty where there is no record of this very archive. */
export async function expectedOf(
  archive: string,
  { size, mtime }: Pick<Stats, 'size' | 'mtime'>,
): Promise<{ text?: string; message?: string }> {
  const { handOverPlace, readHandOver } = await import('../../services/cvm/index.ts');
  const found = await readHandOver(handOverPlace(archive)).catch(() => undefined);
  const { record } = found ?? {};
  if (!record?.archive || record.archive.size !== size || record.archive.modified !== mtime.toISOString())
    return {};
  return {
    text: record.bundle,
    message: record.measurement.computed
      ? `Expected measurement ${record.measurement.plain}${found?.signature === null ? '; its record is not signed, so attestation does not compare with it' : ''}`
      : `No expected measurement: ${record.measurement.reason}`,
  };
}
