import type { EntryKind, JobFolder } from '../../../../src-main/domain/job/job-folder.ts';

const server = {
  format_version: 2,
  components: [
    { id: 'persistor', path: 'nvflare.app_common.np.np_model_persistor.NPModelPersistor', args: {} },
  ],
  workflows: [{ id: 'w', path: 'nvflare.app_common.workflows.fedavg.FedAvg', args: {} }],
};
const client = {
  format_version: 2,
  executors: [{ tasks: ['train'], executor: { path: 'nvflare.app_common.np.np_trainer.NPTrainer' } }],
};

export interface SampleChanges {
  name?: string;
  meta?: unknown;
  /** Text instead of the value of `meta`; null = bytes that are no UTF-8. */
  metaText?: string | null;
  server?: unknown;
  client?: unknown;
  /** More entries, or others of the same path; undefined removes one. */
  entries?: Record<string, EntryKind | undefined>;
  texts?: Record<string, string | null>;
}

/** A job folder without a fault, with the changes a test asks for. */
export function sampleJob(changes: SampleChanges = {}): JobFolder {
  const meta = changes.meta ?? {
    name: 'sample',
    deploy_map: { app: ['@ALL'] },
    min_clients: 1,
    resource_spec: {},
  };
  const texts = new Map<string, string | null>([
    ['meta.json', changes.metaText === undefined ? JSON.stringify(meta, null, 2) : changes.metaText],
    ['app/config/config_fed_server.json', JSON.stringify(changes.server ?? server, null, 2)],
    ['app/config/config_fed_client.json', JSON.stringify(changes.client ?? client, null, 2)],
    ...Object.entries(changes.texts ?? {}),
  ]);
  const kinds: Record<string, EntryKind | undefined> = {
    app: 'folder',
    'app/config': 'folder',
    ...Object.fromEntries([...texts.keys()].map((path) => [path, 'file' as const])),
    ...changes.entries,
  };
  return {
    name: changes.name ?? 'sample',
    entries: Object.entries(kinds).flatMap(([path, kind]) => (kind ? [{ path, kind, size: 1 }] : [])),
    texts,
  };
}
