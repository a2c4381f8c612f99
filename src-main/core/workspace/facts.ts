/** What was last known of each participant's host, kept between runs with its time. */
import { z } from 'zod';
import { stageSchema } from '../../contract/workspace.ts';
import type { DocumentRepository } from '../../services/store/index.ts';
import type { SiteResult, SiteStep, VmStatus } from '../../services/sites/index.ts';
import { vmStage } from './vm-stage.ts';

type Stage = z.infer<typeof stageSchema>;

const siteFactsSchema = z.object({
  reachable: stageSchema.optional(),
  delivered: stageSchema.optional(),
  running: stageSchema.optional(),
  /** Log of the participant on its host, as the last start or status told it. */
  log: z.string().optional(),
  /** The VM of a confidential site, as its host told it last. */
  launch: z
    .object({
      at: z.string(),
      process: z.enum(['running', 'stopped', 'stale']),
      since: z.string().optional(),
      vm: z.custom<VmStatus>((value) => typeof value === 'object' && value !== null),
    })
    .optional(),
});
export type SeenVm = NonNullable<z.infer<typeof siteFactsSchema>['launch']>;
export type SiteFacts = z.infer<typeof siteFactsSchema>;
export type Facts = Record<string, SiteFacts>;

const factsSchema = z.record(z.string(), siteFactsSchema);
const keyOf = (file: string): string => `facts:${file}`;

export async function readFacts(documents: DocumentRepository, file: string): Promise<Facts> {
  return factsSchema.safeParse(await documents.read(keyOf(file))).data ?? {};
}

export async function writeFacts(documents: DocumentRepository, file: string, facts: Facts): Promise<void> {
  await documents.write(keyOf(file), facts);
}

const failed = (result: SiteResult, text: string, at: string): Stage => ({
  state: 'bad',
  text,
  at,
  ...(result.error ? { message: result.error.message } : {}),
  ...(result.error?.hint ? { hint: result.error.hint } : {}),
});

const unreachableCodes = new Set([
  'unreachable',
  'timeout',
  'auth_failed',
  'host_key_unknown',
  'host_key_changed',
  'host_key_revoked',
]);

/** What one site's step says about its stages. A host that could not be reached leaves the others as they were. */
export function learn(before: SiteFacts, step: SiteStep, result: SiteResult, at: string): SiteFacts {
  const after: SiteFacts = { ...before };
  const code = result.error?.code;
  if (code !== undefined && unreachableCodes.has(code)) {
    after.reachable = failed(
      result,
      code === 'unreachable' || code === 'timeout' ? 'unreachable' : code.replaceAll('_', ' '),
      at,
    );
    // What runs there is not known any more.
    if (before.running) after.running = { ...before.running, state: 'unknown' };
    return after;
  }
  if (result.state === 'cancelled') return before;
  const warning = result.steps.find((item) => item.state === 'warning');
  if (step === 'check' && result.state === 'failed') after.reachable = failed(result, 'not ready', at);
  else {
    after.reachable = {
      state: step === 'check' && warning ? 'warn' : 'ok',
      text: 'reachable',
      at,
      ...(step === 'check' && warning
        ? { message: warning.message, ...(warning.hint === undefined ? {} : { hint: warning.hint }) }
        : {}),
    };
  }
  if (step === 'distribute') {
    after.delivered =
      result.state === 'failed' ? failed(result, 'failed', at) : { state: 'ok', text: 'delivered', at };
  }
  if (step === 'start' || step === 'stop' || step === 'status') {
    const process = result.status?.process;
    const since = result.status?.since;
    const { vm } = result.status ?? {};
    if (process && vm) after.launch = { at, process, ...(since === undefined ? {} : { since }), vm };
    else if (result.state === 'stopped') after.launch = undefined;
    // Refused until a person says so: what ran before runs on.
    if (code === 'needs_confirmation' && before.running) {
      after.running = { ...failed(result, before.running.text, at), state: 'warn' };
    } else if (result.state === 'failed' && process === undefined)
      after.running = failed(result, `${step} failed`, at);
    else if (process && vm) after.running = vmStage({ process, since, vm }, at);
    else if (process === 'running') {
      after.running = { state: 'ok', text: 'running', at, ...(since === undefined ? {} : { since }) };
    } else if (process === 'stopped' || result.state === 'stopped' || result.state === 'already_stopped') {
      after.running = { state: 'unknown', text: 'stopped', at };
    } else if (process === 'stale') after.running = { state: 'warn', text: 'left-overs', at };
    else if (result.state === 'running' || result.state === 'already_running') {
      after.running = { state: 'ok', text: 'running', at };
    }
    if (result.status?.log !== undefined) after.log = result.status.log;
    if (result.status?.currentKit !== undefined) {
      after.delivered = { ...(after.delivered ?? { state: 'ok', text: 'delivered', at }) };
    } else if (step === 'status') after.delivered = undefined;
  }
  return after;
}
