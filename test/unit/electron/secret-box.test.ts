/** The box over stand-ins for `safeStorage`, new and old, on each system and backend. */
import { expect, it, vi } from 'vitest';
import { createSecretBox, type SafeStorageLike } from '../../../src-main/electron/adapters/secret-box.ts';

const sealed = (text: string): Buffer => Buffer.from(`sealed ${text}`);
const opened = (bytes: Buffer): string => bytes.toString().replace('sealed ', '');
type Backend = ReturnType<NonNullable<SafeStorageLike['getSelectedStorageBackend']>>;

function modern(backend: Backend, available = true, shouldReEncrypt = false) {
  const never = vi.fn(() => {
    throw new Error('The synchronous half is not for this Electron.');
  });
  return {
    isEncryptionAvailable: never,
    encryptString: never,
    decryptString: never,
    isAsyncEncryptionAvailable: () => Promise.resolve(available),
    encryptStringAsync: (text: string) => Promise.resolve(sealed(text)),
    decryptStringAsync: (bytes: Buffer) => Promise.resolve({ result: opened(bytes), shouldReEncrypt }),
    getSelectedStorageBackend: () => backend,
  };
}
const old = (available: boolean): SafeStorageLike => ({
  isEncryptionAvailable: () => available,
  encryptString: sealed,
  decryptString: opened,
});

it.each<[NodeJS.Platform, Backend, boolean, boolean]>([
  ['linux', 'gnome_libsecret', true, true],
  ['linux', 'kwallet', true, true],
  ['linux', 'kwallet5', true, true],
  ['linux', 'kwallet6', true, true],
  ['linux', 'gnome_libsecret', false, false],
  ['linux', 'basic_text', true, false],
  ['linux', 'unknown', true, false],
  ['darwin', 'unknown', true, true],
  ['darwin', 'unknown', false, false],
  ['win32', 'unknown', true, true],
])('%s with %s, encryption %s: available %s', async (platform, backend, available, expected) => {
  expect(await createSecretBox(modern(backend, available), platform).isAvailable()).toBe(expected);
});

it.each<[NodeJS.Platform, boolean, boolean]>([
  // It cannot say which backend it uses, which may be a password everybody knows.
  ['linux', true, false],
  ['darwin', true, true],
  ['win32', false, false],
])('an old Electron on %s, encryption %s: available %s', async (platform, available, expected) => {
  expect(await createSecretBox(old(available), platform).isAvailable()).toBe(expected);
});

it('seals and opens by the asynchronous half, and says what is to be sealed anew', async () => {
  const box = createSecretBox(modern('gnome_libsecret', true, true), 'linux');
  const bytes = await box.seal('grün');
  expect(await box.open(bytes)).toEqual({ text: 'grün', isStale: true });
});

it('seals and opens by the synchronous half of an old Electron', async () => {
  const box = createSecretBox(old(true), 'darwin');
  expect(await box.open(await box.seal('grün'))).toEqual({ text: 'grün', isStale: false });
});
