import { DeskError } from '../contract/errors.ts';
import { issuerClasses } from '../domain/cc/issuers.ts';
import type { CallHandlers, CoreParts } from './context.ts';
import { soundProject } from './sound-project.ts';

type Names =
  | 'drafts.begin_new'
  | 'drafts.begin'
  | 'drafts.edit'
  | 'drafts.set_text'
  | 'drafts.set_step'
  | 'drafts.undo'
  | 'drafts.import_csv'
  | 'drafts.export_csv'
  | 'drafts.issuers'
  | 'drafts.save'
  | 'drafts.discard'
  | 'drafts.plan';

async function openProjectFile(core: CoreParts): Promise<string> {
  const opened = (await core.workspace()).opened();
  if (opened?.kind === 'project') return opened.file;
  throw new DeskError('not_found', 'No project file is open.', {
    hint: 'Open a project, or set up a new one.',
  });
}

export const handlers: Pick<CallHandlers, Names> = {
  'drafts.begin_new': async ({ directory, name, flare }, { core }) =>
    (await core.drafts()).beginNew(directory, name, flare),
  'drafts.begin': async (_input, { core }) => (await core.drafts()).begin(await openProjectFile(core)),
  'drafts.edit': async ({ revision, operations }, { core }) =>
    (await core.drafts()).edit(revision, operations),
  'drafts.set_text': async ({ revision, file, text }, { core }) =>
    (await core.drafts()).setText(revision, file, text),
  'drafts.set_step': async ({ step }, { core }) => {
    await (await core.drafts()).setStep(step);
    return {};
  },
  'drafts.undo': async ({ direction }, { core }) => (await core.drafts()).undo(direction),
  'drafts.import_csv': async ({ revision, text, apply }, { core }) =>
    (await core.drafts()).importCsv(revision, text, apply),
  'drafts.export_csv': async (_input, { core }) => ({ text: await (await core.drafts()).exportCsv() }),
  'drafts.issuers': () =>
    Promise.resolve({
      issuers: issuerClasses.map(({ usualId, args, environments, packages, ...one }) => ({
        path: one.path,
        usual_id: usualId,
        title: one.title,
        proves: one.proves,
        environments: [...environments],
        packages: [...packages],
        ...(one.remark === undefined ? {} : { remark: one.remark }),
        args: Object.entries(args).map(([name, { kind, required, fallback, choices, about }]) => ({
          name,
          kind,
          required: required ?? false,
          about,
          ...(fallback === undefined ? {} : { fallback }),
          ...(choices === undefined ? {} : { choices: [...choices] }),
        })),
      })),
    }),
  'drafts.save': async ({ keep }, { core }) => {
    const { file } = await (await core.drafts()).save(keep);
    const workspace = await core.workspace();
    const opened = workspace.opened();
    if (opened?.kind === 'project' && opened.file === file) await workspace.refresh();
    else await workspace.open(file);
    return { file: { token: core.places.tokenOf(file), label: file } };
  },
  'drafts.discard': async (_input, { core }) => {
    await (await core.drafts()).discard();
    return {};
  },
  'drafts.plan': async (_input, { core }) => {
    const { file, overlay } = await (await core.drafts()).overlay();
    const { project, workspace } = await soundProject({ file, overlay });
    const { planProvision } = await import('../services/provision/index.ts');
    return planProvision(project, { workspace, clock: core.clock });
  },
};
