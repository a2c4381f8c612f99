import type { DraftOperation } from '../../../src-main/contract/drafts.ts';
import type { Finding } from '../../../src-main/contract/finding.ts';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { useClient } from '../../bridge/provider.tsx';
import { type Action, useAction } from '../../state/action.ts';

export type Draft = NonNullable<StateValue<'drafts.current'>['draft']>;
export type DraftParticipant = NonNullable<Draft['model']>['participants'][number];

export const steps = ['basics', 'server', 'sites', 'admins', 'confidential', 'review'] as const;
export type Step = (typeof steps)[number];

const typesOf: Record<Step, string[]> = {
  basics: [],
  server: ['server'],
  sites: ['client', 'relay'],
  admins: ['admin'],
  confidential: [],
  review: [],
};

/** The participants a step is about. */
export const participantsOf = (draft: Draft, step: Step): DraftParticipant[] =>
  (draft.model?.participants ?? []).filter((participant) => typesOf[step].includes(participant.type));

/** The step that shows a participant of this type. */
export const stepOfType = (type: string): Step =>
  type === 'server' ? 'server' : type === 'admin' ? 'admins' : 'sites';

/** The findings of one participant: by its place in `project.yml` or its name in `desk.yml`. */
export function findingsOf(draft: Draft, name: string): Finding[] {
  const index = draft.model?.participants.findIndex((participant) => participant.name === name) ?? -1;
  return draft.findings.filter(({ path = '' }) => {
    const inProject =
      index >= 0 && (path === `participants[${index}]` || path.startsWith(`participants[${index}].`));
    return inProject || path === `hosts.${name}` || path.startsWith(`hosts.${name}.`);
  });
}

/** The findings of one participant's confidential-computing file. */
export function ccFindingsOf(draft: Draft, name: string): Finding[] {
  const file = draft.model?.participants.find((participant) => participant.name === name)?.cc?.file;
  return file === undefined ? [] : draft.findings.filter((finding) => isIn(finding, file));
}

const isIn = ({ file }: Finding, name: string): boolean =>
  file !== undefined && (file === name || file.endsWith(`/${name}`));

/** Whose file a finding is in; undefined when it is in no confidential-computing file. */
export const ccOwnerOf = (draft: Draft, finding: Finding): string | undefined =>
  draft.model?.participants.find(({ cc }) => cc && isIn(finding, cc.file))?.name;

const isConfidential = (draft: Draft, finding: Finding): boolean =>
  /^(?:packager|kbs|builders\.)/.test(finding.path ?? '') || ccOwnerOf(draft, finding) !== undefined;

/** The findings a step shows: those of its participants; the rest under Basics. */
export function findingsOfStep(draft: Draft, step: Step): Finding[] {
  if (step === 'review') return draft.findings;
  if (step === 'confidential') return draft.findings.filter((finding) => isConfidential(draft, finding));
  const own = (wanted: Step): Finding[] =>
    participantsOf(draft, wanted).flatMap((item) => findingsOf(draft, item.name));
  if (step !== 'basics') return own(step);
  const others = new Set([...own('server'), ...own('sites'), ...own('admins')]);
  return draft.findings.filter((finding) => !others.has(finding) && !isConfidential(draft, finding));
}

/** Sends operations on the draft; they build on the revision that is shown. */
export function useEdit(draft: Draft): Action<DraftOperation[], { revision: number }> {
  const client = useClient();
  return useAction((operations: DraftOperation[]) =>
    client.call('drafts.edit', { revision: draft.revision, operations }),
  );
}

/** Which lines of `text` are not in `base`, by longest common beginning and end and a set for the middle. */
export function changedLines(base: string, text: string): Set<number> {
  const before = base.split('\n');
  const after = text.split('\n');
  let start = 0;
  while (start < after.length && start < before.length && after[start] === before[start]) start += 1;
  let end = 0;
  while (
    end < after.length - start &&
    end < before.length - start &&
    after[after.length - 1 - end] === before[before.length - 1 - end]
  ) {
    end += 1;
  }
  const middle = new Set(before.slice(start, before.length - end));
  const changed = new Set<number>();
  for (let index = start; index < after.length - end; index++) {
    if (!middle.has(after[index] ?? '')) changed.add(index + 1);
  }
  return changed;
}
