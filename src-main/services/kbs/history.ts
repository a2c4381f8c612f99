/** Every policy text that was seen at, or set on, a key broker from this machine. */
import { createHash, randomUUID } from 'node:crypto';
import type { DocumentRepository } from '../store/index.ts';
import { policySha256 } from './policy.ts';
import type { PolicyRecord } from './types.ts';

const keep = 200;

export interface PolicyHistory {
  /** Newest first. */
  list(): Promise<PolicyRecord[]>;
  find(id: string): Promise<PolicyRecord | undefined>;
  /** The last text that was set from here: the base of a three-way comparison. */
  lastSet(): Promise<PolicyRecord | undefined>;
  add(record: Omit<PolicyRecord, 'id' | 'sha256'>): Promise<PolicyRecord>;
}

/** The history of one key broker, kept in the store of the state folder; at most 200 texts, the oldest go first. */
export function policyHistory(documents: DocumentRepository, address: string): PolicyHistory {
  const key = `kbs-policies:${createHash('sha256').update(address).digest('hex').slice(0, 32)}`;
  const list = async (): Promise<PolicyRecord[]> => {
    const found = await documents.read(key);
    return Array.isArray(found) ? (found as PolicyRecord[]) : [];
  };
  return {
    list,
    find: async (id) => (await list()).find((record) => record.id === id),
    lastSet: async () => (await list()).find((record) => record.kind === 'set'),
    async add(record) {
      const added = { ...record, id: randomUUID(), sha256: policySha256(record.text) };
      await documents.write(key, [added, ...(await list())].slice(0, keep));
      return added;
    },
  };
}
