/** Bundles: inspected, measured, handed over, verified. */
export {
  adminRecordSigner,
  type ExpectedBundle,
  expectedMeasurements,
  type HandOverVerification,
  keepHandOver,
  rootRecordSigner,
  type RecordSigner,
  verifyHandOver,
} from './hand-over.ts';
export { inspectBundle, type InspectOptions } from './inspect.ts';
export { launchDigest, type LaunchInput } from './launch-digest.ts';
export { type HandOver, handOverPlace, readHandOver } from './record.ts';
