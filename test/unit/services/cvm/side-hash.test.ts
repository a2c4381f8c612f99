/** SHA-256 on a thread of its own. */
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { sideHash } from '../../../../src-main/services/cvm/bundle/side-hash.ts';

test.each([
  ['in this thread', Number.POSITIVE_INFINITY],
  ['beside it', 0],
])('the hash of many chunks, %s', async (_, least) => {
  const hash = sideHash(1, least);
  const expected = createHash('sha256');
  let waited = 0;
  try {
    for (let turn = 0; turn < 60; turn += 1) {
      const chunk = randomBytes(turn * 9973);
      expected.update(chunk);
      const full = hash.update(chunk);
      // The bytes were copied: whoever owns them may go on with them.
      chunk.fill(0);
      if (full) waited += 1;
      await full;
    }
    expect(await hash.digest()).toBe(expected.digest('hex'));
  } finally {
    hash.stop();
  }
  if (least > 0) expect(waited).toBe(0);
});

test('a thread that was stopped answers with an error, not never', async () => {
  const hash = sideHash(1, 0);
  void hash.update(randomBytes(10));
  hash.stop();
  await expect(hash.digest()).rejects.toThrow('has ended');
});
