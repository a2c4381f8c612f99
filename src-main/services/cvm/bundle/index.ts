/** Bundles: inspected, measured, handed over, verified. */
export { type ExpectedBundle, expectedMeasurements } from './expected.ts';
export { keepHandOver } from './hand-over.ts';
export { inspectBundle, type InspectOptions } from './inspect.ts';
export { launchDigest, type LaunchInput } from './launch-digest.ts';
export { type HandOver, handOverPlace, readHandOver } from './record.ts';
export { adminRecordSigner, rootRecordSigner, type RecordSigner } from './record-signature.ts';
export { type HandOverVerification, verifyHandOver } from './verify-hand-over.ts';
