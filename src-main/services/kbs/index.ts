/** The Trustee key broker: look; read, compare, set, roll back its resource policy; reference values and resources. */
export { caCertificates, type KbsCertificate, shownCertificate } from './certificate.ts';
export { kbsClient, type KbsClient } from './client.ts';
export { compareThree, type DiffLine, type ThreeWay } from './compare.ts';
export { type HoldingsRecord, holdingsRecord } from './holdings-record.ts';
export { type PolicyHistory, policyHistory } from './history.ts';
export { policySha256, type ReadPolicy, readPolicy, setPolicy } from './policy.ts';
export { readReferenceValues, registerReferenceValues } from './reference-values.ts';
export { deleteResource, putResource } from './resources.ts';
export { kbsStatus, readCounters } from './status.ts';
export type { KbsStatus, KbsTarget, PolicyRecord, VaultHealth } from './types.ts';
export { vaultHealth } from './vault.ts';
