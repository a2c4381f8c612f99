import type { DraftOperation } from '../../../src-main/contract/drafts.ts';
import type { Finding } from '../../../src-main/contract/finding.ts';
import type { StateValue } from '../../../src-main/contract/index.ts';
import { draftsReplica } from '../../state/replicas.ts';
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

/** Operations, or what makes them of the draft as it is when their turn comes. */
export type Change = DraftOperation[] | ((now: Draft) => DraftOperation[]);

/** A field is left and a box is ticked with one click: the second change waits for the first. */
let last: Promise<unknown> = Promise.resolve();
/** Where our own changes led, by draft and revision: what builds on an older one builds on the newest of ours. */
const moved = new Map<string, number>();
const stepOf = (draft: Draft, revision: number): string => `${draft.id} ${revision}`;

/** The draft once its replica has this revision; what is there when it does not come. */
async function draftAt(revision: number, shown: Draft): Promise<Draft> {
  const current = (): Draft => draftsReplica.use.getState().value?.draft ?? shown;
  if (current().revision >= revision) return current();
  await new Promise<void>((done) => {
    const stop = draftsReplica.use.subscribe(() => current().revision >= revision && end());
    const timer = setTimeout(() => end(), 2000);
    const end = (): void => {
      clearTimeout(timer);
      stop();
      done();
    };
  });
  return current();
}

/** Sends operations on the draft, one change after the other; they build on the revision that is shown. */
export function useEdit(draft: Draft): Action<Change, { revision: number }> {
  const client = useClient();
  return useAction((change: Change) => {
    const act = async () => {
      let revision = draft.revision;
      for (
        let next = moved.get(stepOf(draft, revision));
        next !== undefined;
        next = moved.get(stepOf(draft, revision))
      )
        revision = next;
      const operations = typeof change === 'function' ? change(await draftAt(revision, draft)) : change;
      if (operations.length === 0) return { ok: true as const, value: { revision } };
      const answer = await client.call('drafts.edit', { revision, operations });
      if (answer.ok) moved.set(stepOf(draft, revision), answer.value.revision);
      return answer;
    };
    const turn = last.then(act, act);
    last = turn.catch(() => undefined);
    return turn;
  });
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
