/** How a confidential VM stands, in the words of the overview. All of it is what the host says: evidence of class S. */
import type { z } from 'zod';
import type { stageSchema } from '../../contract/workspace.ts';
import type { SiteStatus } from '../../services/sites/index.ts';

type Stage = z.infer<typeof stageSchema>;
type Running = Pick<SiteStatus, 'process' | 'since' | 'vm'> & { vm: NonNullable<SiteStatus['vm']> };

const notProven = 'As the host says; what runs inside is proved by attestation only.';

/** The cell "running" of a site whose host told of its VM. */
export function vmStage({ process, since, vm }: Running, at: string): Stage {
  const base = { at, ...(since === undefined ? {} : { since }) };
  const { stage, expected, reason } = vm.serial;
  const hint = 'Read its console: Show log.';
  if (process === 'stale')
    return {
      state: 'warn',
      text: 'drives held',
      at,
      message: 'No VM is seen, but a program holds its drives.',
    };
  if (process !== 'running') {
    if (stage === 'failed')
      return { state: 'bad', text: 'boot failed', at, message: reason ?? 'It did not boot.', hint };
    return { state: 'unknown', text: 'stopped', at };
  }
  if (expected === 'differs')
    return {
      state: 'bad',
      text: 'other measurement',
      ...base,
      message: 'The VM says it measured something else than the image that was built.',
      hint: 'Deliver the image again, and compare the host’s firmware and C-bit (Hosts).',
    };
  if (stage === 'failed')
    return { state: 'bad', text: 'boot failed', ...base, message: reason ?? 'It did not boot.', hint };
  if (stage === 'unlocked') return { state: 'ok', text: 'VM runs', ...base, message: notProven };
  if (stage === 'attesting')
    return {
      state: 'warn',
      text: 'asks for its key',
      ...base,
      message: 'The key broker has not answered yet.',
      hint,
    };
  return { state: 'unknown', text: 'boots', ...base, message: notProven };
}
