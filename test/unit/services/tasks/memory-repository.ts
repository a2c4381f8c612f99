import type { TaskRecord, TaskRepository } from '../../../../src-main/services/store/index.ts';

const atWork = new Set(['queued', 'running', 'waiting_for_user', 'cancelling']);

/** Records in memory; `saved` keeps each version in order. */
export function memoryRepository(): TaskRepository & { saved: TaskRecord[] } {
  const records = new Map<string, TaskRecord>();
  const saved: TaskRecord[] = [];
  return {
    saved,
    save: (record) => {
      records.set(record.id, structuredClone(record));
      saved.push(structuredClone(record));
      return Promise.resolve();
    },
    get: (id) => Promise.resolve(structuredClone(records.get(id))),
    list: ({ limit, parent }) =>
      Promise.resolve([...records.values()].filter((one) => one.parent === parent).slice(0, limit)),
    unfinished: () => Promise.resolve([...records.values()].filter(({ status }) => atWork.has(status))),
    interrupt: (id, _owner, at) => {
      const record = records.get(id);
      if (record) Object.assign(record, { status: 'interrupted', ended_at: at });
      return Promise.resolve(record !== undefined);
    },
    prune: () => Promise.resolve(),
  };
}
