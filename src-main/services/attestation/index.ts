/** Attestation: evidence verified, chip certificates kept, every site watched, what was seen kept. */
export { createAnchors, type Anchors, type TestRoot } from './anchors.ts';
export { type ChipCertificate, readChipCertificate } from './chip-certificate.ts';
export { judgeEvidence, type Judged } from './judge.ts';
export { judgeStored, type StoredEvidence } from './judge-stored.ts';
export {
  type ChipRequest,
  chipRequestFor,
  chipRequestOf,
  type Fetch,
  fetchVceks,
  vcekAddress,
} from './key-service.ts';
export { type ImportedFile, openVcekStore, type VcekStore } from './vcek-store.ts';
export { verifyReport } from './verify-report.ts';
export {
  paceOf,
  type WatchedSite,
  type Watcher,
  watchFederation,
  type WatchPace,
  type WatcherOptions,
} from './watcher.ts';
export { type SampledLine, sampleLogs } from './sample-logs.ts';
export { createWebhook, type Webhook } from './webhook.ts';
