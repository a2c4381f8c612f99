import { open, readFile, stat } from 'node:fs/promises';
import { DeskError } from '../../contract/errors.ts';
import {
  badges,
  type Expectations,
  hexOf,
  parseReport,
  readReportFile,
  reportFields,
  type Verdict,
} from '../../domain/attestation/index.ts';
import type { TimelineEntry } from '../../services/store/index.ts';
import type { CallHandlers, TaskHandlers } from '../context.ts';
import { calendarOf, sourcesOf } from './calendar.ts';
import { checksOf, entryOf, verdictOf } from './shapes.ts';

type Calls = Pick<CallHandlers, Extract<keyof CallHandlers, `attestation.${string}`>>;

/** A report is 1184 bytes; as hex with spaces about 4 KiB. */
const longestFile = 64 * 1024;
const defaultSampleSeconds = 60;

async function readSmall(file: string): Promise<Uint8Array> {
  const facts = await stat(file).catch(() => undefined);
  if (!facts?.isFile()) throw new DeskError('not_found', `${file} is no file.`);
  if (facts.size > longestFile)
    throw new DeskError('too_large', `${file} is too large for a report or certificate.`);
  return readFile(file);
}

const calls: Calls = {
  'attestation.look': async ({ kit }, { core, signal }) => ({
    sites: await (await core.attestation()).look(kit, signal),
  }),

  'attestation.check': async ({ sites }, { core, signal }) => (await core.attestation()).check(sites, signal),

  'attestation.rules': async (_input, { core }) => (await core.attestation()).rules(),

  'attestation.set_rules': async ({ rules }, { core }) => (await core.attestation()).setRules(rules),

  'attestation.badges': () =>
    Promise.resolve({
      badges: badges.map(({ id, label, colour, class: kind, condition, proof, limit }) => ({
        id,
        label,
        colour,
        class: kind,
        condition,
        proof,
        limit,
      })),
    }),

  'attestation.verify_file': async ({ file, certificate, measurement }, { core }) => {
    const desk = await core.attestation();
    const { chipRequestFor, judgeEvidence, readChipCertificate, vcekAddress } = await import(
      '../../services/attestation/index.ts'
    );
    const given =
      certificate === undefined ? undefined : readChipCertificate(await readSmall(certificate), certificate);
    const plain = measurement?.toLowerCase();
    const expected: Expectations =
      plain === undefined
        ? {}
        : {
            measurement: {
              bundle: 'the given measurement',
              value: { computed: true, plain, withDebugSwap: '' },
            },
          };
    const { verdict, report } = await judgeEvidence(
      readReportFile(await readSmall(file)),
      expected,
      {},
      {
        anchors: desk.keys.anchors,
        store: desk.keys.vceks,
        now: core.clock.now(),
        ...(given === undefined ? {} : { certificate: given }),
      },
    );
    const request = report && chipRequestFor(report);
    const product = verdict.product ?? report?.product;
    return {
      verdict: verdictOf(verdict),
      fields: report === undefined ? [] : reportFields(report, product),
      ...(request === undefined ? {} : { vcek_address: vcekAddress(request) }),
    };
  },

  'attestation.timeline': async ({ site, before, limit = 100 }, { core }) => {
    const project = (await core.attestation()).project();
    if (project === undefined) return { entries: [] };
    const { attestation } = await core.store();
    const entries = await attestation.newest({
      project,
      limit,
      ...(site === undefined ? {} : { site }),
      ...(before === undefined ? {} : { before }),
    });
    return { entries: entries.map(entryOf) };
  },

  'attestation.evidence': async ({ id }, { core }) => {
    const entry = await (await core.store()).attestation.get(id);
    if (entry === undefined || entry.project !== (await core.attestation()).project()) {
      throw new DeskError('not_found', `There is no evidence ${id} of this project.`);
    }
    const parsed = entry.evidence && parseReport(entry.evidence);
    const verdict = entry.detail as Partial<Verdict> | undefined;
    return {
      entry: entryOf(entry),
      checks: checksOf(verdict?.checks ?? []),
      tokens: verdict?.tokens ?? [],
      fields:
        parsed?.ok === true ? reportFields(parsed.report, verdict?.product ?? parsed.report.product) : [],
      ...(entry.evidence === undefined ? {} : { raw: hexOf(entry.evidence) }),
    };
  },

  'attestation.export': async ({ file, kit, mask_chips: mask = false }, { core, signal }) => {
    const project =
      kit === undefined
        ? (await core.attestation()).project()
        : (await (await import('../../services/flare/index.ts')).openAdminKit(kit, { clock: core.clock }))
            .projectName;
    if (project === undefined) {
      throw new DeskError('not_found', 'No federation is watched.', {
        hint: 'Name an admin kit of the project.',
      });
    }
    const { attestation } = await core.store();
    const output = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      throw new DeskError(
        error.code === 'EEXIST' ? 'conflict' : 'denied',
        `${file} cannot be made: ${error.message}.`,
        {
          hint: 'Name a file that is not there yet.',
        },
      );
    });
    let entries = 0;
    try {
      for (let after = 0; ; ) {
        signal.throwIfAborted();
        const page = await attestation.page(project, after, 500);
        if (page.length === 0) break;
        await output.write(page.map((entry) => `${JSON.stringify(exported(entry, mask))}\n`).join(''));
        entries += page.length;
        after = page.at(-1)?.id ?? after;
      }
      await output.sync();
    } finally {
      await output.close();
    }
    return { entries, file };
  },

  'attestation.calendar': async ({ file }, { core, signal }) =>
    calendarOf(core, await sourcesOf(core, (await core.attestation()).keys.vceks, file), signal),
};

/** One line of the export. A masked one leaves the raw report out: the chip id is in it. */
function exported(entry: TimelineEntry, mask: boolean): object {
  const { evidence, chip, detail, at, ...rest } = entry;
  const text = JSON.stringify(detail ?? null);
  const shown: unknown = JSON.parse(mask && chip !== undefined ? text.replaceAll(chip, 'masked') : text);
  return {
    ...rest,
    at: new Date(at).toISOString(),
    ...(chip === undefined ? {} : { chip: mask ? 'masked' : chip }),
    detail: shown,
    ...(evidence === undefined || mask ? {} : { evidence: hexOf(evidence) }),
  };
}

const tasks: Pick<TaskHandlers, 'attestation.sample_logs'> = {
  'attestation.sample_logs': {
    title: () => 'sample the log of the server',
    target: () => 'server',
    steps: () => ['sample'],
    idempotent: true,
    isPartly: ({ restored }) => !restored,
    async run({ seconds = defaultSampleSeconds }, { core, signal, task }) {
      const desk = await core.attestation();
      const { sampleLogs } = await import('../../services/attestation/index.ts');
      const { lines, restored } = await sampleLogs(desk.session(), { seconds, signal, report: task.report });
      const known = desk.state.get().sites.map(({ site }) => site);
      for (const { line, read } of lines) {
        const event = { at: core.clock.now(), source: 'log of the server', line };
        if (read.kind === 'stopping') {
          desk.tellFederation({
            ...event,
            class: 'F',
            kind: 'stopping',
            ...(read.site === undefined ? {} : { site: read.site }),
          });
          continue;
        }
        // A pass is one of all sites; a failure accuses one, or is nobody's.
        const accused = read.kind === 'failed' ? known.filter((name) => name === read.site) : known;
        for (const site of accused) desk.tell({ ...event, class: 'F', kind: read.kind, site });
      }
      return { lines: lines.length, restored };
    },
  },
};

export const handlers = { ...calls, ...tasks };
