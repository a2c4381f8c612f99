/** Attestation as pure rules: bytes → report → verdict → state of a site. */
export * from './alarms.ts';
export * from './badges.ts';
export * from './endings.ts';
export * from './events.ts';
export * from './evidence.ts';
export * from './facts.ts';
export * from './forensics.ts';
export * from './gpu.ts';
export * from './judge-report.ts';
export * from './log-lines.ts';
export * from './memory.ts';
export * from './report-fields.ts';
export * from './report.ts';
export * from './status.ts';
export * from './tcb.ts';
export * from './verdict.ts';
export * from './words.ts';
export { hexOf } from './bytes.ts';
