import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  chipRequestOf,
  createAnchors,
  type Fetch,
  fetchVceks,
  openVcekStore,
  readChipCertificate,
  vcekAddress,
} from '../../../../src-main/services/attestation/index.ts';
import { pemOf, testChain, testChip } from '../../../lab/attestation/snp-chain.ts';

const vectors = new URL('../../../fixtures/vectors/snp/', import.meta.url);
const chain = testChain();
const anchors = () => createAnchors({ product: 'Milan', ark: chain.ark, ask: chain.ask });
const clock = { now: () => Date.parse('2026-06-01T00:00:00Z') };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vcek-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('import and export', () => {
  test('a folder of AMD’s own certificates, known for ever after', async () => {
    const store = openVcekStore(join(folder, 'store'), createAnchors(), clock);
    const results = await store.importFrom(vectors.pathname);
    const states = (name: string) =>
      results.filter(({ file }) => file.endsWith(name)).map(({ state }) => state);
    expect(states('vcek_milan.der')).toEqual(['added']);
    expect(states('vcek_turin.der')).toEqual(['added']);
    expect(states('cert_chain_milan')).toEqual(['intermediate', 'known']);
    expect(states('report_milan.hex')).toEqual(['refused']);
    const again = openVcekStore(join(folder, 'store'), createAnchors(), clock);
    expect((await again.list()).map(({ product }) => product).sort()).toEqual(['Milan', 'Turin']);
    expect(await again.add(await readFile(new URL('vcek_milan.der', vectors)), 'file')).toBe(false);
  });

  test('what AMD did not sign is refused, and not used when it lies in the store', async () => {
    const chip = testChip(chain);
    const store = openVcekStore(join(folder, 'store'), createAnchors(), clock);
    await expect(store.add(chip.vcek, 'theirs')).rejects.toMatchObject({ code: 'cert_untrusted' });
    const simulated = openVcekStore(join(folder, 'store'), anchors(), clock);
    expect(await simulated.add(Buffer.from(pemOf(chip.vcek)), 'theirs')).toBe(true);
    expect(await openVcekStore(join(folder, 'store'), createAnchors(), clock).list()).toEqual([]);
    const foreignRoot = join(folder, 'ark.pem');
    await writeFile(foreignRoot, pemOf(chain.ark));
    expect((await store.importFrom(foreignRoot))[0]).toMatchObject({ state: 'refused' });
  });

  test('the layout of Trustee’s offline store', async () => {
    const store = openVcekStore(join(folder, 'store'), anchors(), clock);
    const old = testChip(chain);
    const fresh = testChip(chain, { tcb: { bootLoader: 4, tee: 0, snp: 20, microcode: 219 } });
    await store.add(old.vcek, 'old');
    await store.add(fresh.vcek, 'new');
    expect(await store.exportTo(join(folder, 'out'))).toMatchObject({ chips: 1, certificates: 2 });
    const chip = join(folder, 'out', 'vcek', 'c1'.repeat(64));
    expect((await readdir(chip)).sort()).toEqual([
      'bl03_tee00_snp08_ucode115_vcek.der',
      'bl04_tee00_snp20_ucode219_vcek.der',
      'vcek.der',
    ]);
    expect((await readFile(join(chip, 'vcek.der'))).equals(fresh.vcek)).toBe(true);
  });
});

describe('the key service', () => {
  const address =
    'https://kdsintf.amd.com/vcek/v1/Milan/' + 'c1'.repeat(64) + '?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115';

  test('addresses, both ways', async () => {
    expect(vcekAddress(chipRequestOf(address))).toBe(address);
    const { product, chipId, tcb } = readChipCertificate(
      await readFile(new URL('vcek_turin.der', vectors)),
      'turin',
    );
    expect(vcekAddress({ product, chipId: chipId ?? '', tcb })).toMatch(
      /Turin\/[0-9a-f]{16}\?fmcSPL=\d\d&blSPL=/,
    );
    for (const wrong of [
      '',
      'https://evil.example/vcek/v1/Milan/00',
      address.replace('kdsintf', 'evil'),
      address.slice(0, -20),
    ]) {
      expect(() => chipRequestOf(wrong)).toThrow(/not the address of a VCEK/);
    }
  });

  test('is asked once, at its pace, and patiently when busy', async () => {
    const chip = testChip(chain);
    const asked: string[] = [];
    const waits: number[] = [];
    let now = clock.now();
    const fetch: Fetch = (where) => {
      asked.push(where);
      const busy = asked.length === 1;
      return Promise.resolve({
        status: where.includes('c2c2') ? 404 : busy ? 429 : 200,
        headers: { get: () => (busy ? '30' : null) },
        arrayBuffer: () => Promise.resolve(Uint8Array.from(chip.vcek).buffer),
      });
    };
    const store = openVcekStore(join(folder, 'store'), anchors(), clock);
    const options = {
      fetch,
      clock: { now: () => now },
      sleep: (ms: number) => {
        waits.push(ms);
        now += ms;
        return Promise.resolve();
      },
    };
    const other = { ...chipRequestOf(address), chipId: 'c2'.repeat(64) };
    const results = await fetchVceks([chipRequestOf(address), other], store, options);
    expect(results.map(({ state }) => state)).toEqual(['added', 'failed']);
    expect(asked).toHaveLength(3);
    expect(waits).toEqual([30_000, 10_000]);
    expect((await fetchVceks([chipRequestOf(address)], store, options))[0]?.state).toBe('known');
    expect(asked).toHaveLength(3);
  });
});
