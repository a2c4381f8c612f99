import { describe, expect, it } from 'vitest';
import { DeskError } from '../../../src-main/contract/errors.ts';
import { byName } from '../../../src-main/core/by-name.ts';

const failed = async (places: string[], error: Error): Promise<unknown> =>
  byName(places, () => Promise.reject(error)).catch((reason: unknown) => reason);

describe('an error about a place', () => {
  it('names it and what lies beside it without their folder', async () => {
    const error = await failed(
      ['/home/ada/study/prod_00/site-1/site-1.tgz'],
      new DeskError(
        'integrity',
        '/home/ada/study/prod_00/site-1/site-1.tgz is cut short, see /home/ada/study/prod_00/site-1/site-1.bundle.json.',
        { hint: 'Fetch /home/ada/study/prod_00/site-1/site-1.tgz again.', retryable: true },
      ),
    );
    expect(error).toMatchObject({
      code: 'integrity',
      message: 'site-1.tgz is cut short, see site-1.bundle.json.',
      hint: 'Fetch site-1.tgz again.',
      retryable: true,
    });
  });

  it('keeps what is no word of ours, and answers', async () => {
    const bug = new TypeError('/home/ada/x');
    expect(await failed(['/home/ada/x'], bug)).toBe(bug);
    expect(await byName(['/x'], () => Promise.resolve(1))).toBe(1);
    expect(await failed(['/x.tgz'], new DeskError('denied', '/x.tgz cannot be read.'))).toMatchObject({
      message: '/x.tgz cannot be read.',
    });
  });
});
