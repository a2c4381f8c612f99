export { verifyPss } from './pss.ts';
export { loadAdminSigner, type Signer } from './signer.ts';
