import { DeskError } from '../../contract/errors.ts';
import type { CallHandlers } from '../context.ts';
import { readSiteLog } from './site-log.ts';

type Names =
  | 'workspace.open'
  | 'workspace.open_recent'
  | 'workspace.forget_recent'
  | 'workspace.close'
  | 'workspace.reload'
  | 'workspace.site_log';

export const handlers: Pick<CallHandlers, Names> = {
  'workspace.open': async ({ place }, { core }) => {
    await (await core.drafts()).leave();
    return (await core.workspace()).open(place);
  },
  'workspace.open_recent': async ({ id }, { core }) => {
    await (await core.drafts()).leave();
    return (await core.workspace()).openRecent(id);
  },
  'workspace.forget_recent': async ({ id }, { core }) => {
    await (await core.workspace()).forgetRecent(id);
    return {};
  },
  'workspace.close': async (_input, { core }) => {
    await (await core.drafts()).leave();
    await (await core.workspace()).close();
    return {};
  },
  'workspace.reload': async (_input, { core }) => {
    await (await core.workspace()).refresh();
    return {};
  },
  'workspace.site_log': async ({ participant, lines }, context) => {
    const opened = (await context.core.workspace()).opened();
    if (opened?.kind !== 'project') {
      throw new DeskError('not_found', 'Hosts are known for a project with desk.yml only.');
    }
    return readSiteLog(opened.file, participant, lines ?? 1000, context);
  },
};
