import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { DeskError } from '../../contract/errors.ts';
import type { DraftOperation } from '../../contract/drafts.ts';
import type { Finding } from '../../contract/finding.ts';
import type { FlareLine } from '../../domain/project/model.ts';
import { starterDesk, starterProject } from '../../domain/project/starter.ts';
import type { LookUpName } from '../projects/index.ts';
import { ccFileName } from '../../domain/cc/enable.ts';
import type { DocumentRepository } from '../store/index.ts';
import { type DraftModel, findingsOf, modelOf } from './analyse.ts';
import { type CsvRow, planCsv, toCsv } from './csv.ts';
import { ccNamesIn, ccOverlay, takeCcFilesIn } from './cc-texts.ts';
import { conflictOf, type DraftConflict, fileOf, refuseNewer, textOnDisk, writeDraft } from './disk.ts';
import { applyOperation, type DraftFile, type DraftTexts, fileIn, withFile } from './operations.ts';
import { createShelf, type DraftRecord, mostUndo } from './record.ts';

/** A draft as the window shows it. */
export interface Draft {
  id: string;
  revision: number;
  kind: 'new' | 'edit';
  label: string;
  step: string;
  files: Record<'project' | 'desk', { text: string; base: string }> & {
    cc: { name: string; text: string; base: string }[];
  };
  model?: DraftModel;
  findings: Finding[];
  can_undo: boolean;
  can_redo: boolean;
  conflict?: DraftConflict;
}

export interface DraftContext {
  documents: DocumentRepository;
  /** Told after each change; null when nothing is edited. */
  onChange: (draft: Draft | null) => void;
  /** Looks up the names confidential sites connect to; missing = they are not looked up. */
  lookUpName?: LookUpName;
}

export interface Drafts {
  /** The draft that is being edited, read from the store; null when there is none. */
  current(): Promise<Draft | null>;
  /** Begins a project in `folder`. Throws `conflict` when a project is there, `denied` when it cannot be written. */
  beginNew(folder: string, name: string, flare: FlareLine): Promise<{ id: string }>;
  /** Edits the project in `file`'s folder, taking up an unfinished draft of it. Throws `not_found`, `unsupported` (newer desk.yml). */
  begin(file: string): Promise<{ id: string; resumed: boolean }>;
  /** Throws `conflict` when `revision` is not the newest, and what the operations throw. */
  edit(revision: number, operations: readonly DraftOperation[]): Promise<{ revision: number }>;
  setText(revision: number, file: DraftFile, text: string): Promise<{ revision: number }>;
  setStep(step: string): Promise<void>;
  undo(direction: 'undo' | 'redo'): Promise<{ revision: number }>;
  importCsv(revision: number, text: string, apply: boolean): Promise<{ rows: CsvRow[]; revision: number }>;
  exportCsv(): Promise<string>;
  /** Writes both files atomically and ends the draft. Throws `conflict` when the disk changed and `keep` is missing. */
  save(keep?: 'mine' | 'disk'): Promise<{ file: string }>;
  discard(): Promise<void>;
  /** The draft's texts as an overlay over the files on disk, and the project file they stand for. */
  overlay(): Promise<{ file: string; overlay: ReadonlyMap<string, string> }>;
  /** Leaves the draft in the store and shows none (another project was opened). */
  leave(): Promise<void>;
}

/** Whether a draft has anything that is not on disk, or was not when it began. */
const hasOwn = ({ kind, base, texts }: DraftRecord): boolean =>
  kind === 'new' ||
  texts.project !== base.project ||
  texts.desk !== base.desk ||
  Object.entries(texts.cc).some(([name, text]) => text !== (base.cc[name] ?? ''));

/** Keeps the drafts of this machine; every change is in the store before it is told. */
export function createDrafts({ documents, onChange, lookUpName }: DraftContext): Drafts {
  const shelf = createShelf(documents);
  let last: Promise<unknown> = Promise.resolve();

  /** One change after the other. */
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };

  const record = async (): Promise<DraftRecord> => {
    const folder = await shelf.current();
    const found = folder === undefined ? undefined : await shelf.read(folder);
    if (found) return found;
    throw new DeskError('not_found', 'Nothing is being edited.', { hint: 'Begin with "Edit project".' });
  };

  const view = async (draft: DraftRecord): Promise<Draft> => {
    const model = modelOf(draft.texts);
    const conflict = await conflictOf(draft).catch(() => undefined);
    return {
      id: draft.id,
      revision: draft.revision,
      kind: draft.kind,
      label: draft.folder,
      step: draft.step,
      files: {
        project: { text: draft.texts.project, base: draft.base.project },
        desk: { text: draft.texts.desk, base: draft.base.desk },
        cc: ccNamesIn(draft.texts.project).flatMap((name) => {
          const text = draft.texts.cc[name];
          return text === undefined ? [] : [{ name, text, base: draft.base.cc[name] ?? '' }];
        }),
      },
      ...(model ? { model } : {}),
      findings: await findingsOf(draft.folder, draft.texts, lookUpName),
      can_undo: draft.undo.length > 0,
      can_redo: draft.redo.length > 0,
      ...(conflict ? { conflict } : {}),
    };
  };

  const keep = async (draft: DraftRecord): Promise<void> => {
    await shelf.write(draft);
    onChange(await view(draft));
  };

  const takeIn = (draft: DraftRecord, more: readonly string[] = []): Promise<DraftRecord> =>
    takeCcFilesIn(draft, textOnDisk, more);

  /** Takes new texts in, with the old ones on the undo stack. */
  const change = async (draft: DraftRecord, texts: DraftTexts): Promise<{ revision: number }> => {
    const next = await takeIn({
      ...draft,
      revision: draft.revision + 1,
      texts,
      undo: [...draft.undo, draft.texts].slice(-mostUndo),
      redo: [],
    });
    await keep(next);
    return { revision: next.revision };
  };

  const expect = (draft: DraftRecord, revision: number): void => {
    if (draft.revision === revision) return;
    throw new DeskError('conflict', 'The draft was changed meanwhile.', {
      hint: 'Look at it and try again.',
      retryable: true,
    });
  };

  const start = async (begun: DraftRecord): Promise<void> => {
    const draft = await takeIn(begun);
    await shelf.write(draft);
    await shelf.setCurrent(draft.folder);
    onChange(await view(draft));
  };

  const end = async (draft: DraftRecord): Promise<void> => {
    await shelf.remove(draft.folder);
    await shelf.setCurrent(undefined);
    onChange(null);
  };

  return {
    async current() {
      const folder = await shelf.current();
      const found = folder === undefined ? undefined : await shelf.read(folder);
      return found ? view(found) : null;
    },
    beginNew: (folder, name, flare) =>
      inTurn(async () => {
        for (const which of ['project', 'desk'] as const) {
          if ((await textOnDisk(fileOf(folder, which))) === undefined) continue;
          throw new DeskError('conflict', `${fileOf(folder, which)} is there already.`, {
            hint: 'Open that project, or choose another folder.',
          });
        }
        const project = starterProject(name, 'none');
        const id = randomUUID();
        await start({
          id,
          revision: 1,
          kind: 'new',
          folder,
          step: 'server',
          base: { project: '', desk: '', cc: {} },
          texts: { project, desk: starterDesk(flare, []), cc: {} },
          undo: [],
          redo: [],
        });
        return { id };
      }),
    begin: (file) =>
      inTurn(async () => {
        const folder = dirname(file);
        const unfinished = await shelf.read(folder);
        // A draft with nothing of its own follows the disk.
        if (unfinished && (hasOwn(unfinished) || (await conflictOf(unfinished)) === undefined)) {
          await start(unfinished);
          return { id: unfinished.id, resumed: true };
        }
        const project = await textOnDisk(file);
        if (project === undefined) throw new DeskError('not_found', `${file} does not exist.`);
        const desk = (await textOnDisk(fileOf(folder, 'desk'))) ?? '';
        await refuseNewer(file);
        const id = randomUUID();
        const texts = { project, desk, cc: {} };
        await start({
          id,
          revision: 1,
          kind: 'edit',
          folder,
          step: unfinished?.step ?? 'basics',
          base: texts,
          texts,
          undo: [],
          redo: [],
        });
        return { id, resumed: false };
      }),
    edit: (revision, operations) =>
      inTurn(async () => {
        const written = await record();
        expect(written, revision);
        // A settings file that is on disk already is taken up, never written over.
        const draft = await takeIn(
          written,
          operations.flatMap((one) => (one.op === 'enable_cc' ? [ccFileName(one.name)] : [])),
        );
        return change(draft, operations.reduce(applyOperation, withDesk(draft.texts)));
      }),
    setText: (revision, file, text) =>
      inTurn(async () => {
        const draft = await record();
        expect(draft, revision);
        fileIn(draft.texts, file);
        return change(draft, withFile(draft.texts, file, text));
      }),
    setStep: (step) =>
      inTurn(async () => {
        const draft = await record();
        if (draft.step !== step) await keep({ ...draft, step });
      }),
    undo: (direction) =>
      inTurn(async () => {
        const draft = await record();
        const from = [...draft[direction]];
        const texts = from.pop();
        if (!texts) throw new DeskError('conflict', `There is nothing to ${direction}.`);
        const other = direction === 'undo' ? 'redo' : 'undo';
        const next = await takeIn({
          ...draft,
          revision: draft.revision + 1,
          texts,
          [direction]: from,
          [other]: [...draft[other], draft.texts].slice(-mostUndo),
        });
        await keep(next);
        return { revision: next.revision };
      }),
    importCsv: (revision, text, apply) =>
      inTurn(async () => {
        const draft = await record();
        expect(draft, revision);
        const { rows, operations } = planCsv(text, modelOf(draft.texts)?.participants ?? []);
        if (!apply || operations.length === 0) return { rows, revision };
        const changed = await change(draft, operations.reduce(applyOperation, withDesk(draft.texts)));
        return { rows, revision: changed.revision };
      }),
    async exportCsv() {
      const { texts } = await record();
      const sites = modelOf(texts)?.participants.filter(
        (item) => item.type === 'client' || item.type === 'relay',
      );
      return toCsv(sites ?? []);
    },
    save: (which) =>
      inTurn(async () => {
        const draft = await record();
        const conflict = await conflictOf(draft);
        if (conflict && which === undefined) {
          onChange({ ...(await view(draft)), conflict });
          throw new DeskError('conflict', 'Another program changed the files since this draft began.', {
            hint: 'Look at both and choose which one to keep.',
          });
        }
        if (which !== 'disk') await writeDraft(draft);
        await end(draft);
        return { file: fileOf(draft.folder, 'project') };
      }),
    discard: () => inTurn(async () => end(await record())),
    async overlay() {
      const { folder, texts } = await record();
      const overlay = new Map([[fileOf(folder, 'project'), texts.project], ...ccOverlay(folder, texts)]);
      if (texts.desk !== '') overlay.set(fileOf(folder, 'desk'), texts.desk);
      return { file: fileOf(folder, 'project'), overlay };
    },
    leave: () =>
      inTurn(async () => {
        await shelf.setCurrent(undefined);
        onChange(null);
      }),
  };
}

/** A first operation on a missing desk.yml needs a version to hang on. */
const withDesk = (texts: DraftTexts): DraftTexts =>
  texts.desk.trim() === '' ? { ...texts, desk: 'version: 1\n' } : texts;
