/** Logging without secrets. */
export { createDeferredLogger, type DeferredLogger } from './deferred-logger.ts';
export { createFileLogger, type FileLoggerOptions, type LogLevel } from './file-logger.ts';
export { redact, redactText } from './redact.ts';
