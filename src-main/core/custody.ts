/** The signing key of the open project: its form, and the short time it is unlocked. */
import { dirname, join } from 'node:path';
import { DeskError } from '../contract/errors.ts';
import type { StateValue } from '../contract/index.ts';
import type { UnlockedKey } from '../services/pki/index.ts';
import type { CallHandlers, CoreParts } from './context.ts';
import type { Custody } from './parts.ts';
import { createStateCell } from './state-cell.ts';

type Value = StateValue<'custody.current'>;

/** Idle time after which an unlocked key locks itself. */
const idleMs = 5 * 60_000;
const attempts = 3;

/** `<workspace>/<project>/state` of the open project; undefined when it is not known. */
async function stateFolderOf(core: CoreParts): Promise<string | undefined> {
  const opened = (await core.workspace()).opened();
  if (!opened || opened.kind === 'kit') return undefined;
  if (opened.kind === 'workspace') return join(opened.folder, 'state');
  const { defaultWorkspace, loadProject } = await import('../services/projects/index.ts');
  const { project, desk } = await loadProject({ file: opened.file, currentFolder: dirname(opened.file) });
  return project ? join(desk?.workspace ?? defaultWorkspace(opened.file), project.name, 'state') : undefined;
}

export function createCustody(core: CoreParts): Custody {
  let unlocked: { key: UnlockedKey; folder: string; until: number; timer: NodeJS.Timeout } | undefined;
  let following: Promise<() => void> | undefined;
  const state = createStateCell<Value>({ form: 'none' }, (count) => {
    if (count > 0) following ??= followWorkspace();
    else {
      void following?.then((stop) => stop());
      following = undefined;
    }
  });

  /** Another project, or new kits of this one: its key may be another, or the first. */
  const followWorkspace = async (): Promise<() => void> => {
    let seen: string | undefined;
    const workspace = await core.workspace();
    return workspace.state.subscribe(({ value: { open } }) => {
      const now = JSON.stringify([open?.label, open?.prod]);
      if (now !== seen) void refresh();
      seen = now;
    });
  };

  const lock = (): void => {
    if (!unlocked) return;
    clearTimeout(unlocked.timer);
    unlocked.key.lock();
    unlocked = undefined;
    void refresh();
  };

  const refresh = async (): Promise<Value> => {
    const { keyFormOf } = await import('../services/pki/index.ts');
    let value: Value = { form: 'none' };
    try {
      const folder = await stateFolderOf(core);
      if (folder !== undefined) {
        const { form, rootFingerprint } = await keyFormOf(folder);
        value = { form, ...(rootFingerprint === undefined ? {} : { root_fingerprint: rootFingerprint }) };
        if (unlocked?.folder === folder) value.unlocked_until = new Date(unlocked.until).toISOString();
      }
    } catch (error) {
      value = {
        form: 'none',
        message: error instanceof DeskError ? error.message : 'The state cannot be read.',
      };
    }
    state.set(value);
    return value;
  };

  const hold = (key: UnlockedKey, folder: string): void => {
    clearTimeout(unlocked?.timer);
    const until = core.clock.now() + idleMs;
    unlocked = { key, folder, until, timer: setTimeout(lock, idleMs).unref() };
  };

  const askFor = async (folder: string, signal: AbortSignal): Promise<UnlockedKey> => {
    const { unlockProjectKey } = await import('../services/pki/index.ts');
    for (let attempt = 1; ; attempt += 1) {
      const { passphrase } = await core.prompts.ask(
        'prompts.passphrase',
        { what: 'the signing key of this project', attempt },
        { signal, otherwise: 'Give the passphrase by --passphrase-fd.' },
      );
      if (passphrase === null) throw new DeskError('denied', 'The signing key was not unlocked.');
      try {
        return await unlockProjectKey(folder, passphrase);
      } catch (error) {
        if (!(error instanceof DeskError) || error.code !== 'denied' || attempt >= attempts) throw error;
      }
    }
  };

  return {
    state,
    refresh,
    lock,
    async keyFor(folder, signal) {
      const { keyFormOf } = await import('../services/pki/index.ts');
      if ((await keyFormOf(folder)).form !== 'wrapped') return undefined;
      // The timer stands still while the computer sleeps; the clock does not.
      if (unlocked && unlocked.until <= core.clock.now()) lock();
      const key = unlocked?.folder === folder ? unlocked.key : await askFor(folder, signal);
      hold(key, folder);
      void refresh();
      return key;
    },
  };
}

type Names = 'custody.state' | 'custody.wrap' | 'custody.unwrap' | 'custody.unlock' | 'custody.lock';

async function openFolder(core: CoreParts): Promise<string> {
  const folder = await stateFolderOf(core);
  if (folder !== undefined) return folder;
  throw new DeskError('not_found', 'No project with a signing key is open.');
}

export const handlers: Pick<CallHandlers, Names> = {
  'custody.state': async (_input, { core }) => (await core.custody()).refresh(),
  'custody.wrap': async (_input, { core, signal }) => {
    const folder = await openFolder(core);
    const { passphrase } = await core.prompts.ask(
      'prompts.new_passphrase',
      { what: 'the signing key of this project' },
      { signal, otherwise: 'Wrap it in a window.' },
    );
    if (passphrase === null) throw new DeskError('denied', 'The signing key was left as it is.');
    const { wrapProjectKey } = await import('../services/pki/index.ts');
    await wrapProjectKey(folder, passphrase);
    return (await core.custody()).refresh();
  },
  'custody.unwrap': async (_input, { core, signal }) => {
    const folder = await openFolder(core);
    const { passphrase } = await core.prompts.ask(
      'prompts.passphrase',
      { what: 'the signing key of this project', attempt: 1 },
      { signal, otherwise: 'Unwrap it in a window.' },
    );
    if (passphrase === null) throw new DeskError('denied', 'The signing key was left as it is.');
    const { unwrapProjectKey } = await import('../services/pki/index.ts');
    const custody = await core.custody();
    await unwrapProjectKey(folder, passphrase);
    custody.lock();
    return custody.refresh();
  },
  'custody.unlock': async (_input, { core, signal }) => {
    const custody = await core.custody();
    await custody.keyFor(await openFolder(core), signal);
    return custody.refresh();
  },
  'custody.lock': async (_input, { core }) => {
    const custody = await core.custody();
    custody.lock();
    return custody.refresh();
  },
};
