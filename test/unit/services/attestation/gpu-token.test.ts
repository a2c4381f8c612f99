/** Tokens of a GPU attester beside a report, signed by keys nobody pinned: shown, compared, and never better than the report. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gpuSignature, verdictWithout, withGpu } from '../../../../src-main/domain/attestation/index.ts';
import { judgeAnswer } from '../../../../src-main/services/attestation/ask-site.ts';
import { createAnchors, openVcekStore } from '../../../../src-main/services/attestation/index.ts';
import { openStore, type Store } from '../../../../src-main/services/store/index.ts';
import { testChain, testChip } from '../../../lab/attestation/snp-chain.ts';
import { signedReport } from '../../../lab/attestation/snp-report.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
function jwt(claims: object): string {
  const text = `${part({ alg: 'ES384', kid: 'nv-eat-kid-test' })}.${part(claims)}`;
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' as const };
  return `${text}.${sign('sha384', Buffer.from(text), key).toString('base64url')}`;
}
/** The form of docs/reference/confidential-computing.md §1.3. */
function gpuToken(nonce: string, overall = true): string {
  const outer = jwt({
    iss: 'https://nras.attestation.nvidia.com',
    'x-nvidia-overall-att-result': overall,
    eat_nonce: nonce,
  });
  const gpu = jwt({ hwmodel: 'GH100', 'x-nvidia-gpu-driver-version': '550.90', measres: 'success' });
  return JSON.stringify([
    ['JWT', jwt({ sub: 'NVIDIA' })],
    { REMOTE_GPU_CLAIMS: [['JWT', outer], { 'GPU-0': gpu }] },
  ]);
}

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gpu-token-'));
  store = openStore(folder);
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

const chain = testChain();
const chip = testChip(chain);
const measurement = 'ab'.repeat(48);
async function judged(site: string, ...gpu: string[]) {
  const anchors = createAnchors({ product: 'Milan', ark: chain.ark, ask: chain.ask });
  const clock = { now: () => Date.now() };
  const vceks = openVcekStore(join(folder, 'vcek'), anchors, clock);
  await vceks.add(chip.vcek, 'test chip');
  const tokens = [
    { namespace: 'x-snp', token: signedReport(chip, { measurement }).toString('base64') },
    ...gpu.map((token) => ({ namespace: 'x-nv-gpu', token })),
  ];
  const { verdict } = await judgeAnswer(site, tokens, undefined, Date.now(), {
    expectations: () => ({
      measurement: { bundle: 'cvm_1', value: { computed: true, plain: measurement, withDebugSwap: '' } },
    }),
    anchors,
    store: vceks,
    timeline: store.attestation,
    signatures: new Map(),
  });
  return verdict;
}
const checkOf = (verdict: Awaited<ReturnType<typeof judged>>, name: string) =>
  verdict.checks.find((one) => one.name === name);

test('claims are shown as they stand, and their signature is said to be unverified', async () => {
  const nonce = randomBytes(32).toString('hex');
  const verdict = await judged('site-1', gpuToken(nonce));
  expect(verdict.outcome).toBe('verified');
  expect(checkOf(verdict, 'gpu_token')).toMatchObject({
    state: 'not_checked',
    message: expect.stringContaining(gpuSignature) as string,
  });
  expect(checkOf(verdict, 'gpu_nonce')?.state).toBe('passed');
  expect(verdict.tokens).toEqual([
    {
      namespace: 'x-nv-gpu',
      signature: gpuSignature,
      nonce,
      claims: [
        { name: 'header alg', value: 'ES384' },
        { name: 'header kid', value: 'nv-eat-kid-test' },
        { name: 'overall result', value: 'true' },
        { name: 'GPU 0 hwmodel', value: 'GH100' },
        { name: 'GPU 0 x-nvidia-gpu-driver-version', value: '550.90' },
        { name: 'GPU 0 measres', value: 'success' },
      ],
    },
  ]);
});

test('a nonce that came before is a replay, also from another site and after a restart', async () => {
  const nonce = randomBytes(32).toString('hex');
  expect((await judged('site-1', gpuToken(nonce))).outcome).toBe('verified');
  store.close();
  store = openStore(folder);
  const again = await judged('site-2', gpuToken(nonce));
  expect(again).toMatchObject({ outcome: 'refused', cause: 'gpu_replay' });
  expect(again.message).toContain('sent before by site-1');
});

test('a token that says of itself that it failed is believed; one that could not be made makes nothing better or worse', async () => {
  expect(await judged('site-1', gpuToken(randomBytes(32).toString('hex'), false))).toMatchObject({
    outcome: 'refused',
    cause: 'gpu_failed',
  });
  for (const broken of ['[[],{}]', 'not json', '[["JWT","x"],{}]', '{}']) {
    const verdict = await judged('site-1', broken);
    expect(verdict.outcome).toBe('verified');
    expect(checkOf(verdict, 'gpu_token')?.state).toBe('not_checked');
  }
  const bare = JSON.stringify([['JWT', 'x'], { REMOTE_GPU_CLAIMS: [['JWT', 'nojwt'], {}] }]);
  expect(checkOf(await judged('site-1', bare), 'gpu_nonce')?.state).toBe('not_checked');
});

test('a token that failed brings its own advice or none, never that about a lesser doubt', () => {
  const doubt = verdictWithout('genuine', 'no_expectation', 'A genuine AMD guest.', 'Inspect the bundle.');
  const failed = withGpu(doubt, { claims: { overall: false, gpus: [] } }, undefined);
  expect(failed).toMatchObject({ outcome: 'refused', cause: 'gpu_failed' });
  expect(failed.hint).toBeUndefined();
  const replayed = withGpu(doubt, { claims: { nonce: 'n', gpus: [] } }, { site: 'site-1', at: 0 });
  expect(replayed.hint).toContain('Ask again.');
});

test('a good GPU token makes no wrong report better', async () => {
  const nonce = randomBytes(32).toString('hex');
  const wrong = [{ namespace: 'x-snp', token: Buffer.alloc(10).toString('base64') }];
  const anchors = createAnchors();
  const vceks = openVcekStore(join(folder, 'none'), anchors, { now: () => Date.now() });
  const parts = {
    expectations: () => ({}),
    anchors,
    store: vceks,
    timeline: store.attestation,
    signatures: new Map(),
  };
  const { verdict } = await judgeAnswer(
    'site-1',
    [...wrong, { namespace: 'x-nv-gpu', token: gpuToken(nonce) }],
    undefined,
    Date.now(),
    parts,
  );
  expect(verdict).toMatchObject({ outcome: 'refused', cause: 'not_a_report' });
  const alone = await judgeAnswer(
    'site-1',
    [{ namespace: 'x-nv-gpu', token: gpuToken('n') }],
    undefined,
    Date.now(),
    parts,
  );
  expect(alone.verdict.outcome).toBe('unchecked');
  expect(alone.verdict.tokens).toHaveLength(1);
});
