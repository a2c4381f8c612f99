import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { DeskError } from '../../contract/errors.ts';
import type { Clock, Logger, SecretBox } from '../../ports.ts';

/** What may be told of a kept secret: never itself. */
export interface KeptSecret {
  id: string;
  /** What it opens, for a person. */
  label: string;
  /** ISO 8601. */
  keptAt: string;
}

export interface SecretStore {
  /** Whether this host can keep secrets so that only this person can read them. */
  canKeep(): Promise<boolean>;
  /** The secret; undefined when none is kept or nothing can be opened now. One that cannot be opened any more is forgotten. */
  get(id: string): Promise<string | undefined>;
  /** Keeps a secret in place of one of the same id. Throws `unsupported` where the host cannot. */
  keep(id: string, label: string, secret: string): Promise<void>;
  /** Does nothing when none is kept. */
  forget(id: string): Promise<void>;
  list(): Promise<KeptSecret[]>;
}

export interface SecretStoreOptions {
  /** Holds `secrets.json`, mode 600: sealed bytes with what they open. */
  folder: string;
  /** Missing: nothing is ever kept beyond this process. */
  box: SecretBox | undefined;
  clock: Clock;
  logger: Logger;
}

const fileSchema = z.strictObject({
  version: z.literal(1),
  secrets: z.record(
    z.string(),
    z.strictObject({ label: z.string(), kept_at: z.string(), sealed: z.base64().min(1) }),
  ),
});
type Secrets = z.output<typeof fileSchema>['secrets'];

/** Opens the store. The file is read at each use, one use after the other; a broken one holds nothing. */
export function openSecretStore({ folder, box, clock, logger }: SecretStoreOptions): SecretStore {
  const file = join(folder, 'secrets.json');
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };

  const read = async (): Promise<Secrets> => {
    try {
      return fileSchema.parse(JSON.parse(await readFile(file, 'utf8'))).secrets;
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      // The parser quotes what it read.
      if (!isMissing) logger.warn(`${file} cannot be read: the passphrases in it are asked again.`);
      return {};
    }
  };
  const write = (secrets: Secrets): Promise<void> =>
    writeFileAtomic(file, `${JSON.stringify({ version: 1, secrets })}\n`, { mode: 0o600, fsync: true });

  const canKeep = async (): Promise<boolean> => {
    try {
      return (await box?.isAvailable()) === true;
    } catch (error) {
      logger.warn('The keychain of this computer does not answer.', { error });
      return false;
    }
  };
  const seal = async (id: string, label: string, secret: string): Promise<void> => {
    if (!box || !(await canKeep())) {
      throw new DeskError('unsupported', 'This computer has no keychain that keeps passphrases safe.', {
        hint: 'The passphrase is asked each time.',
      });
    }
    const sealed = Buffer.from(await box.seal(secret)).toString('base64');
    const secrets = { ...(await read()) };
    secrets[id] = { label, kept_at: new Date(clock.now()).toISOString(), sealed };
    await write(secrets);
  };
  const drop = async (id: string): Promise<void> => {
    const { [id]: dropped, ...rest } = await read();
    if (dropped) await write(rest);
  };

  return {
    canKeep,
    get: (id) =>
      inTurn(async () => {
        const kept = (await read())[id];
        // A keychain that is away may be back later: what it sealed stays.
        if (!kept || !box || !(await canKeep())) return undefined;
        try {
          const { text, isStale } = await box.open(Buffer.from(kept.sealed, 'base64'));
          if (isStale) await seal(id, kept.label, text);
          return text;
        } catch {
          logger.warn('A remembered passphrase cannot be opened any more and is forgotten.', { id });
          await drop(id);
          return undefined;
        }
      }),
    keep: (id, label, secret) => inTurn(() => seal(id, label, secret)),
    forget: (id) => inTurn(() => drop(id)),
    list: () =>
      inTurn(async () =>
        Object.entries(await read()).map(([id, { label, kept_at: keptAt }]) => ({ id, label, keptAt })),
      ),
  };
}
