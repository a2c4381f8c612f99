/** Every certificate a project lives by, and when it ends: of the project and its kits, of the chips, of the key broker. */
import { basename, dirname, join } from 'node:path';
import type { CallOutput } from '../../contract/index.ts';
import { type AlarmFacts, daysUntil, endingLevel } from '../../domain/attestation/index.ts';
import type { VcekStore } from '../../services/attestation/index.ts';
import type { KbsTarget } from '../../services/kbs/index.ts';
import type { CoreParts } from '../context.ts';
import { describeError } from '../errors.ts';

type Calendar = CallOutput<'attestation.calendar'>;

interface Sources {
  vceks: VcekStore;
  /** `<workspace>/<project>`; missing: no kits are known. */
  projectFolder?: string;
  kbs?: KbsTarget;
}

/** From the open files of a project; what cannot be read is told beside the rest. */
export async function sourcesOf(
  core: CoreParts,
  vceks: VcekStore,
  file: string | undefined,
): Promise<Sources> {
  if (file === undefined) {
    const opened = (await core.workspace()).opened();
    if (opened === undefined || opened.kind === 'project') return { vceks };
    // A kit lies in its run, a run in its project.
    const projectFolder = opened.kind === 'workspace' ? opened.folder : dirname(dirname(opened.folder));
    return { vceks, projectFolder };
  }
  const { soundProject } = await import('../sound-project.ts');
  const { project, workspace, desk } = await soundProject({ file });
  return {
    vceks,
    projectFolder: join(workspace, project.name),
    ...(desk?.kbs === undefined ? {} : { kbs: desk.kbs }),
  };
}

/** The first to end at the top. */
export async function calendarOf(
  core: CoreParts,
  { vceks, projectFolder, kbs }: Sources,
  signal: AbortSignal,
): Promise<Calendar> {
  const now = core.clock.now();
  const endings: Calendar['endings'] = [];
  const problems: Calendar['problems'] = [];
  const add = (
    kind: Calendar['endings'][number]['kind'],
    name: string,
    where: string,
    notAfter: number,
  ): void =>
    void endings.push({
      kind,
      name,
      where,
      not_after: new Date(notAfter).toISOString(),
      days_left: daysUntil(notAfter, now),
      level: endingLevel(notAfter, now),
    });
  const trying = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      problems.push({ what, message: describeError(error, core.logger).message });
    }
  };
  await Promise.all([
    trying('chip certificates', async () => {
      for (const { kind, product, chipId, notAfter } of await vceks.list())
        add(kind, `${product} ${(chipId ?? '').slice(0, 16)}`.trim(), 'chip certificates', notAfter);
    }),
    trying('kits', async () => {
      if (projectFolder === undefined) return;
      const { listCertificates } = await import('../../services/kits/index.ts');
      const found = await listCertificates(projectFolder, { now, signal });
      for (const { kind, name, where, not_after: notAfter } of found.certificates)
        add(kind, name, where[0] ?? basename(projectFolder), Date.parse(notAfter));
      problems.push(...found.problems.map(({ file, problem }) => ({ what: file, message: problem })));
    }),
    trying('key broker', async () => {
      if (kbs === undefined) return;
      const { caCertificates, shownCertificate } = await import('../../services/kbs/index.ts');
      for (const { name, notAfter } of await caCertificates(kbs)) add('kbs_ca', name, 'kbs.ca', notAfter);
      if (!kbs.address.startsWith('https:')) return;
      const { name, notAfter } = await shownCertificate(kbs, signal);
      add('kbs', name, kbs.address, notAfter);
    }),
  ]);
  endings.sort((one, other) => Date.parse(one.not_after) - Date.parse(other.not_after));
  return { endings, problems };
}

const words: Record<Calendar['endings'][number]['kind'], string> = {
  root: 'The root certificate',
  participant: 'The certificate of',
  listener: 'The listener certificate of',
  VCEK: 'The chip certificate',
  VLEK: 'The chip certificate',
  kbs: 'The key broker’s certificate',
  kbs_ca: 'The CA of the key broker,',
};

/** What the alarms are made from. */
export const endsOf = ({ endings }: Calendar): NonNullable<AlarmFacts['ends']> =>
  endings.map(({ kind, name, not_after: notAfter }) => ({
    kind: kind === 'VCEK' || kind === 'VLEK' ? 'vcek' : 'certificate',
    name: `${words[kind]} ${name}`,
    notAfter: Date.parse(notAfter),
  }));
