/** A passphrase that is asked, remembered, found wrong and asked again: over a real store with a stand-in for the keychain. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askPassphrase } from '../../../src-main/core/passphrases.ts';
import { createPromptQueue } from '../../../src-main/core/prompt-queue.ts';
import type { CoreParts } from '../../../src-main/core/context.ts';
import { openSecretStore } from '../../../src-main/services/secrets/index.ts';
import { silentLogger } from '../../lab/silent-logger.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passphrases-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function desk({ keychain = true, answers }: { keychain?: boolean; answers: object[] }) {
  const box = {
    isAvailable: () => Promise.resolve(keychain),
    seal: (text: string) => Promise.resolve(Buffer.from(text).reverse()),
    open: (sealed: Uint8Array) =>
      Promise.resolve({ text: Buffer.from(sealed).reverse().toString(), isStale: false }),
  };
  const store = openSecretStore({ folder, box, clock: { now: () => 0 }, logger: silentLogger });
  const asked: unknown[] = [];
  const prompts = createPromptQueue((_name, question) => {
    asked.push(question);
    return Promise.resolve(answers.shift() ?? { passphrase: null });
  }, silentLogger);
  const core = {
    prompts,
    logger: silentLogger,
    secrets: () => Promise.resolve(store),
  } as unknown as CoreParts;
  const ask = (attempt: number, file = '/k') =>
    askPassphrase(core, {
      opens: `SSH key ${file}`,
      question: { what: file, attempt },
      signal: new AbortController().signal,
      otherwise: '',
    });
  return { ask, asked, store };
}

describe('a passphrase', () => {
  it('that is remembered is not asked again, for its key alone', async () => {
    const { ask, asked } = desk({ answers: [{ passphrase: 'right', remember: true }] });
    expect(await ask(1)).toBe('right');
    expect(await ask(1)).toBe('right');
    expect(asked).toEqual([{ what: '/k', attempt: 1, can_remember: true }]);
    expect(await ask(1, '/other')).toBeUndefined();
  });

  it('is asked each time when nobody wished it remembered', async () => {
    const { ask, asked, store } = desk({
      answers: [{ passphrase: 'right', remember: false }, { passphrase: 'right' }],
    });
    await ask(1);
    await ask(1);
    expect(asked).toHaveLength(2);
    expect(await store.list()).toEqual([]);
  });

  it('that was remembered and is wrong by now is forgotten and asked again', async () => {
    const { ask, asked, store } = desk({ answers: [{ passphrase: 'old', remember: true }] });
    await ask(1);
    expect(await ask(1)).toBe('old');
    expect(await ask(2)).toBeUndefined();
    expect(asked).toHaveLength(2);
    expect(await store.list()).toEqual([]);
  });

  it('is never kept without a keychain, whatever the page answers', async () => {
    const { ask, asked, store } = desk({
      keychain: false,
      answers: [{ passphrase: 'right', remember: true }],
    });
    expect(await ask(1)).toBe('right');
    expect(asked).toEqual([{ what: '/k', attempt: 1, can_remember: false }]);
    expect(await store.list()).toEqual([]);
  });
});
