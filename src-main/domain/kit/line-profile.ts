import type { FlareLine } from '../project/model.ts';
import { defaultClassAllowList } from '../job/class-allow-list.ts';

/** Where the kit lines differ (docs/reference/provisioning.md §10): one value each, so that a later line is one more entry. */
export interface LineProfile {
  line: FlareLine;
  /** Kits without confidential computing carry `signature.json` in `startup` and `local`. */
  signsPlainKits: boolean;
  /** How a kit tells where the server is: the overseer entry, or the client's service target. */
  endPoint: 'overseer' | 'target';
  errorLogFile: string;
  logReceiver: string;
  /** Missing where jobs are not checked by class. */
  classCheck?: { mode: string; allowList: readonly string[] };
  /** Seconds after which reserved resources fall free; missing where the manager has no such setting. */
  resourceExpiration?: number;
  /** What a client sends of its logs, and by whose leave. */
  clientLogs: 'error-sender' | 'log-streamer';
  studies: boolean;
}

const profiles: Record<FlareLine, LineProfile> = {
  '2.7.2': {
    line: '2.7.2',
    signsPlainKits: true,
    endPoint: 'overseer',
    errorLogFile: 'log_error.txt',
    logReceiver: 'nvflare.app_common.logging.log_receiver.LogReceiver',
    clientLogs: 'error-sender',
    studies: false,
  },
  '2.8.1': {
    line: '2.8.1',
    signsPlainKits: false,
    endPoint: 'target',
    errorLogFile: 'error_log.txt',
    logReceiver: 'nvflare.app_common.logging.job_log_receiver.JobLogReceiver',
    classCheck: { mode: 'enforce', allowList: defaultClassAllowList },
    resourceExpiration: 300,
    clientLogs: 'log-streamer',
    studies: true,
  },
};

/** The profile of a kit line. */
export function lineProfile(line: FlareLine): LineProfile {
  return profiles[line];
}
