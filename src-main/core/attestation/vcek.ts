import { readFile } from 'node:fs/promises';
import { DeskError } from '../../contract/errors.ts';
import { parseReport, readReportFile, tcbText } from '../../domain/attestation/index.ts';
import type { ChipRequest } from '../../services/attestation/index.ts';
import type { CallHandlers, CoreParts, TaskHandlers } from '../context.ts';

const dayMs = 86_400_000;

type Calls = Pick<CallHandlers, 'vcek.list' | 'vcek.import' | 'vcek.export'>;

const calls: Calls = {
  'vcek.list': async (_input, { core }) => {
    const certificates = await (await core.attestation()).keys.vceks.list();
    return {
      certificates: certificates.map(({ kind, product, chipId, tcb, notAfter, fingerprint }) => ({
        kind,
        product,
        ...(chipId === undefined ? {} : { chip_id: chipId }),
        tcb: tcbText(tcb),
        not_after: new Date(notAfter).toISOString(),
        days_left: Math.floor((notAfter - core.clock.now()) / dayMs),
        fingerprint,
      })),
    };
  },
  'vcek.import': async ({ from }, { core, signal }) => {
    const desk = await core.attestation();
    const files = await desk.keys.vceks.importFrom(from, { signal });
    await desk.rejudge();
    return { files };
  },
  'vcek.export': async ({ folder }, { core, signal }) =>
    (await core.attestation()).keys.vceks.exportTo(folder, { signal }),
};

const tasks: Pick<TaskHandlers, 'vcek.fetch'> = {
  'vcek.fetch': {
    title: () => 'fetch chip certificates from AMD',
    target: ({ addresses, sites }) => `${(addresses ?? sites ?? ['a report']).length} chips`,
    steps: () => ['fetch'],
    idempotent: true,
    isPartly: ({ chips }) => chips.some(({ state }) => state === 'failed'),
    async run(input, { core, signal, task }) {
      const desk = await core.attestation();
      const { fetchVceks } = await import('../../services/attestation/index.ts');
      const requests = await requestsOf(input, core);
      const chips = await fetchVceks(requests, desk.keys.vceks, {
        fetch: globalThis.fetch,
        clock: core.clock,
        signal,
        report: task.report,
      });
      await desk.rejudge();
      return { chips: chips.map(({ chipId, ...rest }) => ({ chip_id: chipId, ...rest })) };
    },
  },
};

async function requestsOf(
  input: { addresses?: string[] | undefined; report?: string | undefined; sites?: string[] | undefined },
  core: CoreParts,
): Promise<ChipRequest[]> {
  const { chipRequestFor, chipRequestOf } = await import('../../services/attestation/index.ts');
  const requests = (input.addresses ?? []).map(chipRequestOf);
  const add = (bytes: Uint8Array, whose: string): void => {
    const parsed = parseReport(bytes);
    const request = parsed.ok ? chipRequestFor(parsed.report) : undefined;
    if (request === undefined) {
      throw new DeskError(
        'unsupported',
        `${whose} does not name its chip: the report is broken, masked, or of version 2.`,
        {
          hint: 'Take the address from the host: sudo snphost show vcek-url.',
        },
      );
    }
    requests.push(request);
  };
  if (input.report !== undefined) {
    const evidence = readReportFile(await readFile(input.report));
    add(evidence.kind === 'snp' ? evidence.bytes : new Uint8Array(), input.report);
  }
  if (input.sites !== undefined) {
    const project = (await core.attestation()).project() ?? '';
    const latest = await (await core.store()).attestation.latestEvidence(project);
    for (const { site, evidence } of latest) {
      if (evidence !== undefined && input.sites.includes(site)) add(evidence, site);
    }
  }
  return requests;
}

export const handlers = { ...calls, ...tasks };
