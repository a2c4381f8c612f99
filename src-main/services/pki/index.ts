export type { CertificateAuthority, Identity, IssueRequest } from './authority.ts';
export { CertState, type CertStateOptions, type KnownIdentity } from './cert-state.ts';
export { type CertificateSummary, parseCertificate, summarizeCertificate } from './certificate-summary.ts';
export { verifyPss } from './pss.ts';
export { loadAdminSigner, type Signer } from './signer.ts';
