/** Errors about places of this machine, told by their base names: a page that asked with a token learns no folder. */
import { dirname } from 'node:path';
import { DeskError } from '../contract/errors.ts';

/** Does the work; an error of it names `places` and what lies beside them without their folders. */
export async function byName<Answer>(
  places: readonly string[],
  work: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DeskError)) throw error;
    const plain = (text: string): string =>
      places.reduce((left, place) => {
        const folder = dirname(place);
        return folder === '/' || folder === '.' ? left : left.replaceAll(`${folder}/`, '');
      }, text);
    const { code, message, hint, retryable, fields } = error;
    throw new DeskError(code, plain(message), {
      retryable,
      cause: error,
      ...(hint === undefined ? {} : { hint: plain(hint) }),
      ...(fields === undefined ? {} : { fields }),
    });
  }
}
