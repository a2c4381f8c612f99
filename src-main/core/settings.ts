import { join } from 'node:path';
import type { StateValue } from '../contract/index.ts';
import type { CallHandlers, CoreParts } from './context.ts';
import { passphraseHandlers } from './passphrases.ts';
import { createStateCell, type StateCell } from './state-cell.ts';

type Names = Extract<keyof CallHandlers, `settings.${string}`>;

/** The replicated settings; a file that does not parse shows the defaults and is not overwritten. */
export async function createSettingsState(
  core: CoreParts,
): Promise<StateCell<StateValue<'settings.current'>>> {
  const { settingsSchema } = await import('../contract/settings.ts');
  const read = (await core.settings()).read();
  return createStateCell(
    await read.catch((error: unknown) => {
      core.logger.warn('The settings could not be read.', { error });
      return settingsSchema.parse({});
    }),
  );
}

const knownHostsFile = (core: CoreParts): string => join(core.stateFolder, 'known_hosts');

export const handlers: Pick<CallHandlers, Names> = {
  ...passphraseHandlers,
  'settings.get': async (_input, { core }) => (await core.settings()).read(),
  'settings.set': async (part, { core }) => {
    const next = await (await core.settings()).change(part);
    (await core.settingsState()).set(next);
    return next;
  },
  'settings.known_hosts': async (_input, { core }) => {
    const { listAcceptedKeys } = await import('../services/ssh/index.ts');
    const keys = await listAcceptedKeys(knownHostsFile(core));
    return {
      hosts: keys.map(({ host, keyType, fingerprint }) => ({ host, key_type: keyType, fingerprint })),
    };
  },
  'settings.forget_host': async ({ host, fingerprint }, { core }) => {
    const { forgetAcceptedKey } = await import('../services/ssh/index.ts');
    await forgetAcceptedKey(knownHostsFile(core), host, fingerprint);
    return {};
  },
};
