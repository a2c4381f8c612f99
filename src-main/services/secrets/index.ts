/** Passphrases a person wished to be remembered on this computer. */
export { openSecretStore, type KeptSecret, type SecretStore } from './secret-store.ts';
