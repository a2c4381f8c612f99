/** Fresh evidence asked for over the admin connection of a real federation, in any role. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readToken } from '../../../src-main/domain/attestation/index.ts';
import { type AdminSession, openAdminKit, openSession } from '../../../src-main/services/flare/index.ts';
import {
  type AttestingFederation,
  type SiteOrders,
  startAttestingFederation,
} from '../../lab/attestation/federation.ts';
import { testChain, testChip } from '../../lab/attestation/snp-chain.ts';
import { reportBody } from '../../lab/attestation/snp-report.ts';
import { flareVersions, newLabFolder } from '../../lab/nvflare.ts';

describe.each(flareVersions)('%s', (version) => {
  let folder: string;
  let federation: AttestingFederation;
  let session: AdminSession;
  let pass: SiteOrders;

  beforeAll(async () => {
    folder = await newLabFolder('cell');
    const chip = testChip(testChain());
    await writeFile(join(folder, 'key.pem'), chip.keyPem);
    pass = { mode: 'pass', report: reportBody(chip).toString('hex'), key: join(folder, 'key.pem') };
    federation = await startAttestingFederation({
      version,
      interval: 600,
      orders: { localhost: pass, 'site-1': pass, 'site-2': pass },
      project: { admins: [{ name: 'member@nvidia.com', role: 'member' }] },
    });
    session = await openSession(await openAdminKit(federation.adminKit()));
  });

  afterAll(async () => {
    await session?.close();
    await federation?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('the sites, for a member', async () => {
    expect(session.identity.role).toBe('member');
    const sites = await session.confidentialSites();
    expect(sites.map(({ fqcn }) => fqcn).sort()).toEqual(['server', 'site-1', 'site-2']);
  });

  test.each(['server', 'site-1', 'site-2'])('fresh evidence of %s, new each time', async (fqcn) => {
    const first = await session.freshEvidence(fqcn);
    const second = await session.freshEvidence(fqcn);
    expect([first.siteName, second.siteName]).toEqual([fqcn, fqcn]);
    const [one, other] = [first, second].map(({ tokens }) => {
      expect(tokens.map(({ namespace }) => namespace)).toEqual(['x-snp']);
      const evidence = readToken('x-snp', tokens[0]!.token);
      if (evidence.kind !== 'snp') throw new Error(evidence.kind);
      expect(evidence.bytes.length).toBe(1184);
      return Buffer.from(evidence.bytes).toString('hex');
    });
    expect(one).not.toBe(other);
  });

  test('an unknown site and a generator that fails are no answer', async () => {
    await expect(session.freshEvidence('site-9', { timeoutMs: 2000 })).rejects.toMatchObject({
      code: expect.stringMatching(/timeout|remote_failed/) as string,
    });
    await federation.order('site-2', { mode: 'raise' });
    // The generator's failure comes back as an error: no evidence, but not silence either.
    await expect(session.freshEvidence('site-2', { timeoutMs: 3000 })).rejects.toMatchObject({
      code: 'remote_failed',
    });
    await federation.order('site-2', pass);
    expect((await session.freshEvidence('site-2')).siteName).toBe('site-2');
  });
});
