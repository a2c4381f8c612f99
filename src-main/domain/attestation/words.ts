/** What an event says, in words for a person, and whether it says anything new. Pure. */
import type { SiteEvent } from './events.ts';
import type { SiteMemory } from './memory.ts';

const serialWords = {
  attesting: 'its VM asks the key broker for its key',
  unlocked: 'its VM got its key and unlocked its disk',
  stuck: 'its VM does not get on with its boot',
} as const;

/** One phrase without a full stop. */
export function wordsOf(event: SiteEvent): string {
  switch (event.kind) {
    case 'configured':
      return `Proof by ${event.how} attester`;
    case 'built':
    case 'delivered':
    case 'host_ready':
      return event.text;
    case 'evidence':
      return event.verdict.message;
    case 'no_answer':
      return `No answer within ${event.waitedMs / 1000} s`;
    case 'rule':
      return event.present
        ? 'The policy has a rule for its measurement'
        : 'The policy has no rule for its measurement';
    case 'released':
      return 'The key broker released its key after its launch';
    case 'passed':
    case 'failed':
      return event.line;
    case 'connected':
      return `Heartbeat ${Math.max(0, Math.round((event.at - event.lastHeartbeatAt) / 1000))} s before`;
    case 'missing':
      return 'The server does not list it';
    case 'takes_part':
      return event.yes ? 'Counted among the confidential sites' : 'Not counted among the confidential sites';
    case 'process': {
      if (event.count === 0) return 'No process runs this VM';
      const lock =
        event.locked === undefined
          ? ''
          : event.locked
            ? ', its image is locked'
            : ', its image is NOT locked';
      return event.count === 1
        ? `One process runs this VM${lock}`
        : `${event.count} processes run this VM${lock}`;
    }
    case 'serial': {
      const measured =
        event.measurement === undefined
          ? ''
          : `; it printed the measurement ${event.measurement.slice(0, 16)}…`;
      return `Serial output: ${serialWords[event.stage]}${measured}`;
    }
  }
}

/** A start is dated by counting back from now: so much between two readings is the same start. */
const startToleranceMs = 10_000;

/** Whether an event of a source that is asked again and again says something else than what is remembered. */
export function isNews(memory: SiteMemory, event: SiteEvent): boolean {
  switch (event.kind) {
    case 'process': {
      const before = memory.process;
      if (before?.count !== event.count || before.locked !== event.locked) return true;
      const { startedAt: old } = before;
      const { startedAt: next } = event;
      if (old === undefined || next === undefined) return old !== next;
      return Math.abs(old - next) > startToleranceMs;
    }
    case 'serial':
      return memory.serial?.stage !== event.stage || memory.serial.measurement !== event.measurement;
    case 'rule':
      return memory.rule?.present !== event.present;
    case 'host_ready':
      return memory.hostReady?.good !== event.good || memory.hostReady.text !== event.text;
    case 'delivered':
      return memory.delivered?.good !== event.good || memory.delivered.text !== event.text;
    default:
      return true;
  }
}
