import type { KitFile } from './kit-file.ts';
import { jsonFile } from './kit-json.ts';
import type { LineProfile } from './line-profile.ts';

const logUtils = 'nvflare.fuel.utils.log_utils';
const plainFormat = '%(asctime)s - %(name)s - %(levelname)s - %(fl_ctx)s - %(message)s';

/**
 * `local/log_config.json.default`: a Python logging configuration with a console and four rotating files
 * (docs/reference/provisioning.md §4.6). A confidential VM on premises keeps its logs on a drive of their own, so
 * there every file name gets `logFolder` in front (§8.2).
 */
export function renderLogConfig(profile: LineProfile, logFolder = ''): KitFile {
  const rotating = (level: string, formatter: string, filename: string, filters?: string[]) => ({
    class: 'logging.handlers.RotatingFileHandler',
    level,
    formatter,
    ...(filters === undefined ? {} : { filters }),
    filename: `${logFolder}${filename}`,
    mode: 'a',
    maxBytes: 20_971_520,
    backupCount: 10,
    ...(filters === undefined ? {} : { delay: true }),
  });
  return jsonFile('local/log_config.json.default', {
    version: 1,
    disable_existing_loggers: false,
    formatters: {
      baseFormatter: { '()': `${logUtils}.BaseFormatter`, fmt: plainFormat },
      consoleFormatter: { '()': `${logUtils}.ColorFormatter`, fmt: plainFormat },
      jsonFormatter: {
        '()': `${logUtils}.JsonFormatter`,
        fmt: '%(asctime)s - %(name)s - %(fullName)s - %(levelname)s - %(fl_ctx)s - %(message)s',
      },
    },
    filters: {
      FLFilter: {
        '()': `${logUtils}.LoggerNameFilter`,
        logger_names: ['custom', 'nvflare.app_common', 'nvflare.app_opt'],
      },
    },
    handlers: {
      consoleHandler: {
        class: 'logging.StreamHandler',
        level: 'DEBUG',
        formatter: 'consoleFormatter',
        filters: [],
        stream: 'ext://sys.stdout',
      },
      logFileHandler: rotating('DEBUG', 'baseFormatter', 'log.txt'),
      errorFileHandler: rotating('ERROR', 'baseFormatter', profile.errorLogFile),
      jsonFileHandler: rotating('DEBUG', 'jsonFormatter', 'log.json'),
      FLFileHandler: rotating('DEBUG', 'baseFormatter', 'log_fl.txt', ['FLFilter']),
    },
    loggers: {
      root: {
        level: 'INFO',
        handlers: [
          'consoleHandler',
          'logFileHandler',
          'errorFileHandler',
          'jsonFileHandler',
          'FLFileHandler',
        ],
      },
    },
  });
}
