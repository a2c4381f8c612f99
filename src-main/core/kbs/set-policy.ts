/** Replacing the policy at a key broker: checked, shown, confirmed by the typed name, kept, written, read back. */
import type { z } from 'zod';
import { DeskError } from '../../contract/errors.ts';
import type { Finding } from '../../contract/finding.ts';
import type { kbs } from '../../contract/kbs.ts';
import { lintPolicy, trusteeProfile } from '../../domain/kbs/index.ts';
import type { CoreParts } from '../context.ts';
import { confirmTyped } from './confirm-typed.ts';
import { type Broker, keepPolicy, readPolicyOf, releaseOf } from './broker.ts';
import { type Simulated, simulated } from './shapes.ts';

export interface Wanted {
  text: string;
  readSha256: string;
  confirm: string | undefined;
  acceptFindings: boolean;
  note?: string;
  /** Written whatever is known of release, images and project: an emergency. */
  always?: boolean;
}

type Written = z.input<typeof kbs.policySet.output>;

/**
 * Throws `conflict` when the policy there is not the one that was read (before a person is asked, too), `invalid_input` for a
 * text with errors or a wrong typed name, `needs_confirmation`, `denied`, and what the key broker refuses.
 */
export async function replacePolicy(
  core: CoreParts,
  broker: Broker,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Written> {
  const { setPolicy, policySha256 } = await import('../../services/kbs/index.ts');
  const { client, target } = broker;
  const { text, readSha256 } = wanted;
  const checked = await check(broker, wanted, signal).catch((error: unknown) => {
    if (wanted.always && !signal.aborted) return undefined;
    throw error;
  });
  const findings = checked?.findings ?? [];
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0 && !wanted.acceptFindings && !wanted.always) throw refusedText(errors);

  const before = await readPolicyOf(broker, core.clock, signal);
  if (before.sha256 !== readSha256) throw changedMeanwhile(target.address);
  const cvms = checked ? simulated(before.text, text, checked.inventory, checked.profile) : [];
  if (before.text !== text) {
    await confirmTyped(core, broker, wanted.confirm, questionOf(target.address, cvms), signal);
  }
  const at = (): string => new Date(core.clock.now()).toISOString();
  const changed = await setPolicy(client, {
    text,
    readSha256,
    signal,
    backUp: async (old) => {
      await keepPolicy(broker, { at: at(), kind: 'backup', text: old.text });
    },
  });
  if (changed || before.changedElsewhere) {
    await keepPolicy(broker, {
      at: at(),
      kind: 'set',
      text,
      ...(wanted.note === undefined ? {} : { note: wanted.note }),
    });
  }
  return { changed, sha256: policySha256(text), at: at(), findings, cvms };
}

async function check(broker: Broker, { text }: Wanted, signal: AbortSignal) {
  const profile = trusteeProfile(await releaseOf(broker, signal));
  const inventory = await broker.inventory();
  return { profile, inventory, findings: lintPolicy(text, profile, inventory.cvms) };
}

/** What the person is asked, before the typed name counts. */
function questionOf(address: string, cvms: readonly Simulated[]): string {
  const of = (change: Simulated['change']): string[] =>
    cvms.filter((one) => one.change === change).map(({ participant }) => participant);
  const [loses, gains, unknown] = [of('loses'), of('gains'), of('unknown')];
  const parts = [
    ...(loses.length > 0 ? [`${loses.join(', ')} would lose the disk key and not boot again.`] : []),
    ...(gains.length > 0 ? [`${gains.join(', ')} would gain it.`] : []),
    ...(unknown.length > 0 ? [`Not known for ${unknown.join(', ')}.`] : []),
  ];
  return `The resource policy at ${address} is replaced. ${parts.join(' ')}`.trim();
}

const changedMeanwhile = (address: string): DeskError =>
  new DeskError(
    'conflict',
    `The policy at the key broker ${address} was changed since it was read. Nothing was written.`,
    { hint: 'Look at the difference between the policy you read, yours, and the one there now.' },
  );

function refusedText(errors: readonly Finding[]): DeskError {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new DeskError(
    'invalid_input',
    `The policy has errors, and was not set: ${first?.message ?? ''}${more}`,
    {
      hint: first?.hint ?? 'Correct them, or accept them on purpose.',
      fields: errors.map(({ message, hint, line }) => ({
        message,
        ...(line === undefined ? {} : { line }),
        ...(hint === undefined ? {} : { hint }),
      })),
    },
  );
}
