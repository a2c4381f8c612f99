import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { defaultClassAllowList } from '../../../../src-main/domain/job/class-allow-list.ts';
import { coversClass } from '../../../../src-main/domain/job/class-policy.ts';
import { firstErrorLine, roundsInLog, roundsInStats } from '../../../../src-main/domain/job/job-log.ts';
import { deploymentOf, scheduleWords } from '../../../../src-main/domain/job/job-meta.ts';
import {
  isExpectedChange,
  isFinished,
  jobPhaseOf,
  knownJobStatuses,
} from '../../../../src-main/domain/job/status.ts';

const vector = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/vectors/${path}`, import.meta.url), 'utf8'));

interface Replies {
  replies: { command: string; reply?: { data?: { type: string; data: unknown }[] } | null }[];
}

describe('the class list', () => {
  const lists = vector('provision/class-allow-list.json') as Record<string, string[]>;

  test('is the one 2.8 kits carry', () => {
    expect(defaultClassAllowList).toEqual(lists['2.8.0_and_2.8.1']);
    expect(lists['2.7']).toEqual([]);
  });

  test.each([
    ['a.b.C', 'a.b.C', true],
    ['a.b.C', 'a.b.C.D', true],
    ['a.b.C', 'a.b.Cd', false],
    ['a.b.', 'a.b.C', true],
    ['a.b.', 'a.bc.D', false],
    ['*', 'os.system', true],
  ])('entry %s over %s: %s', (entry, classPath, covered) => {
    expect(coversClass(entry, classPath)).toBe(covered);
  });
});

describe('a status', () => {
  test.each(knownJobStatuses)('%s has a phase', (status) => {
    expect(jobPhaseOf(status)).not.toBe('unknown');
    expect(isFinished(status)).toBe(status.startsWith('FINISHED:'));
  });

  test('that is not known stays unknown, or a failure once it is an end', () => {
    expect(jobPhaseOf('PAUSED')).toBe('unknown');
    expect(isFinished('PAUSED')).toBe(false);
    expect(jobPhaseOf('FINISHED:SOMEHOW')).toBe('failed');
  });

  test('goes forward only', () => {
    expect(isExpectedChange('SUBMITTED', 'RUNNING')).toBe(true);
    expect(isExpectedChange('SUBMITTED', 'FINISHED:CAN_NOT_SCHEDULE')).toBe(true);
    expect(isExpectedChange('RUNNING', 'SUBMITTED')).toBe(false);
    expect(isExpectedChange('FINISHED:ABORTED', 'RUNNING')).toBe(false);
    expect(isExpectedChange('RUNNING', 'PAUSED')).toBe(true);
  });
});

describe('rounds', () => {
  test.each(['2.7.2', '2.8.1'])('are read from the statistics a %s server sends', (version) => {
    const { replies } = vector(`admin/replies-${version}.json`) as Replies;
    const stats = replies.find(
      ({ command, reply }) => /^show_stats \S+ server$/.test(command) && reply?.data?.[0]?.type === 'dict',
    );
    const { server } = stats?.reply?.data?.[0]?.data as Record<string, unknown>;
    expect(roundsInStats(server)).toEqual({ finished: 1, current: 2, total: 3 });
  });

  test('are over when the current one is beyond the last', () => {
    expect(roundsInStats({ W: { current_round: 3, num_rounds: 3 } })).toEqual({ finished: 3, total: 3 });
    expect(roundsInStats({ W: { phase: 'init' } })).toBeUndefined();
    expect(roundsInStats('nothing')).toBeUndefined();
  });

  test('are read from a log', () => {
    const line = (text: string) => `2026-11-24 10:55:26,204 - ScatterAndGather - INFO - [run=1] - ${text}\n`;
    expect(roundsInLog(line('Round 0 started.'))).toEqual({ finished: 0, current: 1 });
    expect(roundsInLog(line('Round 1 started.') + line('Round 1 finished.'))).toEqual({ finished: 2 });
    expect(roundsInLog(line('Around 5 started'))).toBeUndefined();
  });
});

describe('the first error line', () => {
  const head = '2026-11-24 11:13:12,283 - ';

  test('is the line of level ERROR', () => {
    const log = `${head}A - INFO - fine\n${head}B - ERROR - broke\n${head}C - ERROR - and more\n`;
    expect(firstErrorLine(log)).toBe('B - ERROR - broke');
    expect(firstErrorLine(`${head}A - INFO - ERROR is a word`)).toBeUndefined();
    expect(firstErrorLine('')).toBeUndefined();
  });

  test('of a traceback is its exception', () => {
    const trace =
      'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    g()\nValueError: min_clients must be > 0\n';
    expect(firstErrorLine(`${head}JsonScanner - ERROR - ${trace}${head}X - INFO - later\n`)).toBe(
      'ValueError: min_clients must be > 0',
    );
    expect(firstErrorLine(`${head}B - ERROR - cannot start\n${trace}`)).toBe(
      'B - ERROR - cannot start | ValueError: min_clients must be > 0',
    );
    expect(firstErrorLine(trace)).toBe('ValueError: min_clients must be > 0');
  });

  test('loses its colours', () => {
    expect(firstErrorLine(`\u001b[31m${head}B - ERROR - broke\u001b[0m`)).toBe('B - ERROR - broke');
  });
});

test('deployment and schedule are read from the meta', () => {
  expect(
    deploymentOf({ job_deploy_detail: ['server: OK', 'site-1: no space: disk full', 'deploy failure'] }),
  ).toEqual([
    { site: 'server', ok: true, detail: 'OK' },
    { site: 'site-1', ok: false, detail: 'no space: disk full' },
    { site: '', ok: false, detail: 'deploy failure' },
  ]);
  expect(deploymentOf({})).toEqual([]);
  expect(scheduleWords({ schedule_history: ['2026-11-23 14:03:18: scheduled', 'odd'] })).toEqual([
    'scheduled',
    'odd',
  ]);
});
