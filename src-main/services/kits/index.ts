export type { KitNote, KitProblem } from './findings.ts';
export { inspectKit, type KitInfo } from './inspect.ts';
export {
  type CertificateList,
  type ListCertificatesOptions,
  type ListedCertificate,
  listCertificates,
} from './list-certificates.ts';
export { type KitVerification, type VerifyOptions, verifyKit } from './verify.ts';
