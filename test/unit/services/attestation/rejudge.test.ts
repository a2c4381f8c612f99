/** Verdicts of this run made anew: a chip certificate came, the rules changed. Nothing that was spoilt gets well by it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { expectationsBy, readRules, writeRules } from '../../../../src-main/core/attestation/rules.ts';
import {
  emptySite,
  type Expectations,
  remember,
  type SiteMemory,
} from '../../../../src-main/domain/attestation/index.ts';
import { judgeAnswer } from '../../../../src-main/services/attestation/ask-site.ts';
import { createAnchors, openVcekStore } from '../../../../src-main/services/attestation/index.ts';
import { judgedAnew } from '../../../../src-main/services/attestation/judge-stored.ts';
import { openStore, type Store, type TimelineEntry } from '../../../../src-main/services/store/index.ts';
import { testChain, testChip } from '../../../lab/attestation/snp-chain.ts';
import { signedReport } from '../../../lab/attestation/snp-report.ts';

const chain = testChain();
const chip = testChip(chain);
const measurement = 'ab'.repeat(48);
const base: Expectations = {
  measurement: { bundle: 'cvm_1', value: { computed: true, plain: measurement, withDebugSwap: '' } },
};
let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rejudge-'));
  store = openStore(folder);
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

function bench() {
  const anchors = createAnchors({ product: 'Milan', ark: chain.ark, ask: chain.ask });
  const vceks = openVcekStore(join(folder, 'vcek'), anchors, { now: () => Date.now() });
  const parts = {
    anchors,
    store: vceks,
    timeline: store.attestation,
    signatures: new Map<string, boolean>(),
  };
  const report = signedReport(chip, { measurement });
  const ask = async (site: string, bytes = report) => {
    const at = Date.now();
    const tokens = [{ namespace: 'x-snp', token: bytes.toString('base64') }];
    const { verdict, evidence } = await judgeAnswer(site, tokens, undefined, at, {
      ...parts,
      expectations: () => base,
    });
    const event = { site, at, class: 'H', kind: 'evidence', source: 'test', verdict } as const;
    const entry = { site, at, evidence } as TimelineEntry;
    return { memory: remember(emptySite(site), event), entry };
  };
  const anew = (memory: SiteMemory, entry: TimelineEntry, expected: Expectations) =>
    judgedAnew([memory], [entry], () => expected, {
      anchors,
      store: vceks,
      now: Date.now(),
      memory: new Map(),
    });
  return { vceks, ask, anew, report };
}

test('evidence whose certificate comes later is verified then, at the time of its evidence', async () => {
  const { vceks, ask, anew } = bench();
  const { memory, entry } = await ask('site-1');
  expect(memory.evidence?.verdict.outcome).toBe('unchecked');
  expect(await anew(memory, entry, base)).toEqual([]);
  await vceks.add(chip.vcek, 'test chip');
  const [found] = await anew(memory, entry, base);
  expect(found?.event).toMatchObject({
    at: memory.evidence?.at,
    verdict: { outcome: 'verified', simulated: true },
  });
  const after = remember(memory, found!.event);
  expect(after.launches).toHaveLength(1);
});

test('the rules of a project: firmware by product, hyper-threading, migration; kept, and off by default', async () => {
  const { vceks, ask, anew } = bench();
  await vceks.add(chip.vcek, 'test chip');
  const { memory, entry } = await ask('site-1');
  expect(memory.evidence?.verdict.outcome).toBe('verified');
  const usual = await readRules(store.documents, 'study');
  expect(usual).toEqual({ minimum_tcb: {}, allow_smt: true, allow_migration: false });
  expect(await anew(memory, entry, { ...base, ...expectationsBy(usual) })).toEqual([]);

  await writeRules(store.documents, 'study', { ...usual, minimum_tcb: { Milan: { microcode: 116 } } });
  const strict = expectationsBy(await readRules(store.documents, 'study'));
  const [low] = await anew(memory, entry, { ...base, ...strict });
  expect(low?.event.verdict).toMatchObject({ outcome: 'refused', cause: 'old_tcb' });
  // Another product's levels say nothing of this chip, another project's rules nothing of this one.
  const genoa = expectationsBy({ ...usual, minimum_tcb: { Genoa: { microcode: 200 } } });
  expect(await anew(memory, entry, { ...base, ...genoa })).toEqual([]);
  expect(await readRules(store.documents, 'another')).toEqual(usual);
  const noSmt = expectationsBy({ ...usual, allow_smt: false });
  expect((await anew(memory, entry, { ...base, ...noSmt }))[0]?.event.verdict).toMatchObject({
    cause: 'smt_on',
  });
});

test('a replay stays a replay, and another report than that of the verdict is not taken', async () => {
  const { vceks, ask, anew, report } = bench();
  await vceks.add(chip.vcek, 'test chip');
  await ask('site-1', report);
  const replayed = await ask('site-2', report);
  expect(replayed.memory.evidence?.verdict.cause).toBe('replay');
  expect(await anew(replayed.memory, replayed.entry, base)).toEqual([]);
  const { memory, entry } = await ask('site-3', signedReport(chip, { measurement }));
  expect(await anew(memory, { ...entry, at: entry.at - 1 }, { ...base, allowSmt: false })).toEqual([]);
});
