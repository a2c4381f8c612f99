/** The keychain of the system behind `safeStorage`, where it really is one. */
import type { SafeStorage } from 'electron';
import type { SecretBox } from '../../ports.ts';

/** What an Electron may have: old releases know the synchronous half only, and not which backend they use. */
export type SafeStorageLike = Pick<SafeStorage, 'isEncryptionAvailable' | 'encryptString' | 'decryptString'> &
  Partial<
    Pick<
      SafeStorage,
      'isAsyncEncryptionAvailable' | 'encryptStringAsync' | 'decryptStringAsync' | 'getSelectedStorageBackend'
    >
  >;

const keyrings: ReadonlySet<string> = new Set(['gnome_libsecret', 'kwallet', 'kwallet5', 'kwallet6']);

/**
 * On Linux a backend that is no keyring (`basic_text`), or that cannot be told, encrypts by a password everybody knows: then
 * nothing is kept.
 */
export function createSecretBox(safe: SafeStorageLike, platform: NodeJS.Platform): SecretBox {
  const isKeychain = (): boolean =>
    platform !== 'linux' || keyrings.has(safe.getSelectedStorageBackend?.() ?? 'unknown');
  return {
    isAvailable: async () =>
      isKeychain() && (await (safe.isAsyncEncryptionAvailable?.() ?? safe.isEncryptionAvailable())),
    seal: async (text) => await (safe.encryptStringAsync?.(text) ?? safe.encryptString(text)),
    async open(sealed) {
      const bytes = Buffer.from(sealed);
      if (!safe.decryptStringAsync) return { text: safe.decryptString(bytes), isStale: false };
      const { result, shouldReEncrypt } = await safe.decryptStringAsync(bytes);
      return { text: result, isStale: shouldReEncrypt };
    },
  };
}
