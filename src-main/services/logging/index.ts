/** Logging without secrets. */
export { createFileLogger, type FileLoggerOptions, type LogLevel } from './file-logger.ts';
export { redact, redactText } from './redact.ts';
