export type { CertificateAuthority, Identity, IssueRequest } from './authority.ts';
export { CertState, type CertStateOptions, type KnownIdentity } from './cert-state.ts';
export { verifyPss } from './pss.ts';
export { loadAdminSigner, type Signer } from './signer.ts';
export { loadProjectSigner } from './project-signer.ts';
export { loadTokenSigner, type TokenSigner } from './token-signer.ts';
export {
  keyFormOf,
  type KeyForm,
  unlockProjectKey,
  type UnlockedKey,
  unwrapProjectKey,
  wrapProjectKey,
} from './key-custody.ts';
