/** The words of the overview for a confidential VM: never green without a reason, never more than its host said. */
import { expect, test } from 'vitest';
import { learn } from '../../../src-main/core/workspace/facts.ts';
import { vmStage } from '../../../src-main/core/workspace/vm-stage.ts';
import type { SiteResult, SiteStatus, VmStatus } from '../../../src-main/services/sites/index.ts';

const at = '2026-01-01T00:00:00.000Z';
const vm = (serial: VmStatus['serial'], lock: VmStatus['lock'] = 'held'): VmStatus => ({ lock, serial });

test.each([
  ['running', { stage: 'unlocked' }, 'ok', 'VM runs'],
  ['running', { stage: 'unlocked', expected: 'equal' }, 'ok', 'VM runs'],
  ['running', { stage: 'unlocked', expected: 'differs' }, 'bad', 'other measurement'],
  ['running', { stage: 'attesting' }, 'warn', 'asks for its key'],
  ['running', { stage: 'booting' }, 'unknown', 'boots'],
  ['running', { stage: 'silent' }, 'unknown', 'boots'],
  ['running', { stage: 'failed', reason: 'Kernel panic' }, 'bad', 'boot failed'],
  ['stopped', { stage: 'unlocked' }, 'unknown', 'stopped'],
  ['stopped', { stage: 'failed', reason: 'Kernel panic' }, 'bad', 'boot failed'],
  ['stale', { stage: 'silent' }, 'warn', 'drives held'],
] as const)('%s, %o', (process, serial, state, text) => {
  expect(vmStage({ process, since: at, vm: vm(serial) }, at)).toMatchObject({ state, text, at });
});

test('what a step told of a VM is kept, and forgotten when it was stopped', () => {
  const status: SiteStatus = { process: 'running', folder: '/x', since: at, vm: vm({ stage: 'unlocked' }) };
  const result: SiteResult = { name: 'site-1', state: 'running', steps: [], status };
  const after = learn({}, 'status', result, at);
  expect(after.launch).toMatchObject({ at, process: 'running', since: at });
  expect(after.running).toMatchObject({ text: 'VM runs' });
  const error = { code: 'needs_confirmation', message: 'could not leave', retryable: false } as const;
  const refused = learn(after, 'stop', { name: 'site-1', state: 'failed', steps: [], error }, at);
  expect(refused.running).toMatchObject({ state: 'warn', text: 'VM runs', message: 'could not leave' });
  const stopped = learn(after, 'stop', { name: 'site-1', state: 'stopped', steps: [] }, at);
  expect(stopped.launch).toBeUndefined();
  expect(stopped.running).toMatchObject({ state: 'unknown', text: 'stopped' });
});
