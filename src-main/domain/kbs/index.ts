export { allowedMeasurements, compareMeasurements } from './compare-measurements.ts';
export { denyAllPolicy, generatePolicy } from './generate-policy.ts';
export { lintPolicy } from './lint-policy.ts';
export { type KbsCounters, newReads, readMetrics } from './metrics.ts';
export {
  measurementHex,
  measurementText,
  type ReleaseClues,
  releaseFrom,
  type TrusteeProfile,
  trusteeProfile,
  type TrusteeRelease,
  trusteeReleases,
} from './profiles.ts';
export { type SimulatedCvm, simulatePolicy } from './simulate-policy.ts';
export { keyPath, type KnownCvm } from './site-request.ts';
