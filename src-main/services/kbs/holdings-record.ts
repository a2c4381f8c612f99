/** What was put into a key broker from this machine: names, times and sizes. Never a content, and no digest of one. */
import { createHash } from 'node:crypto';
import type { DocumentRepository } from '../store/index.ts';

interface Done {
  /** ISO 8601, UTC. */
  at: string;
  actor: string;
}
export interface ResourceDone extends Done {
  what: 'put' | 'deleted';
  /** Bytes; missing for a deleted one. */
  size?: number;
}
interface Held {
  references: Record<string, Done>;
  resources: Record<string, ResourceDone>;
}

export interface HoldingsRecord {
  read(): Promise<Held>;
  reference(name: string, done: Done): Promise<void>;
  resource(path: string, done: ResourceDone): Promise<void>;
}

/** The record of one key broker, kept in the store of the state folder. */
export function holdingsRecord(documents: DocumentRepository, address: string): HoldingsRecord {
  const key = `kbs-holdings:${createHash('sha256').update(address).digest('hex').slice(0, 32)}`;
  const read = async (): Promise<Held> => {
    const found = (await documents.read(key)) as Partial<Held> | undefined;
    return { references: found?.references ?? {}, resources: found?.resources ?? {} };
  };
  return {
    read,
    async reference(name, done) {
      const held = await read();
      await documents.write(key, { ...held, references: { ...held.references, [name]: done } });
    },
    async resource(path, done) {
      const held = await read();
      await documents.write(key, { ...held, resources: { ...held.resources, [path]: done } });
    },
  };
}
