import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type {
  AdminSession,
  CommandReply,
  ExecuteOptions,
  ReplyItem,
} from '../../../../src-main/services/flare/index.ts';
import type { JobSigner } from '../../../../src-main/services/jobs/index.ts';
import { loadAdminSigner } from '../../../../src-main/services/pki/index.ts';

/** A folder of this test alone, removed when it is over. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flaredesk-jobs-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files (text or bytes) below a folder; a name that ends with `/` is an empty folder. */
export async function writeTree(root: string, files: Record<string, string | Uint8Array>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    await mkdir(path.endsWith('/') ? full : dirname(full), { recursive: true });
    if (!path.endsWith('/')) await writeFile(full, content);
  }
  return root;
}

/** A small job folder without a fault. */
export const sampleFiles = {
  'meta.json': JSON.stringify({ name: 'sample', deploy_map: { app: ['@ALL'] }, min_clients: 1 }),
  'app/config/config_fed_server.json': JSON.stringify({
    workflows: [{ path: 'nvflare.app_common.workflows.fedavg.FedAvg' }],
  }),
  'app/config/config_fed_client.json': JSON.stringify({
    executors: [{ tasks: ['train'], executor: { path: 'nvflare.app_common.np.np_trainer.NPTrainer' } }],
  }),
};

/** A signer with a key made for this run. The certificate is only carried along. */
export function newSigner(): JobSigner & { publicKeyPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const signer = loadAdminSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return {
    sign: (data) => signer.sign(data),
    signChunks: (chunks) => signer.signChunks(chunks),
    certificatePem: Buffer.from('the certificate\n'),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

export function reply(line: string, items: ReplyItem[], meta: Record<string, unknown> = {}): CommandReply {
  const error = items.find((item) => item.type === 'error');
  const status = typeof meta.status === 'string' ? meta.status : error ? 'error' : 'ok';
  const ok = error === undefined && status === 'ok';
  return {
    line,
    ok,
    status,
    items,
    meta,
    ...(ok ? {} : { message: error?.type === 'error' ? error.data : status }),
  };
}

type Answer = CommandReply | Error | undefined;

/** A session whose server answers as the test says; lines are recorded. */
export function fakeSession(
  answer: (line: string, options?: ExecuteOptions) => Answer | Promise<Answer>,
  more: Partial<AdminSession> = {},
): AdminSession & { lines: string[] } {
  const lines: string[] = [];
  const command = (name: string) => ({
    scope: '',
    name,
    description: '',
    usage: '',
    confirm: 'none' as const,
    visible: true,
  });
  return {
    identity: { user: 'admin@example.com', org: 'o', role: 'project_admin' },
    serverVersion: '2.8.1',
    commands: ['tail', 'show_stats', 'get_job_log', 'download_job'].map(command),
    state: 'connected',
    ended: new Promise(() => undefined),
    onState: () => () => undefined,
    async execute(line, options) {
      lines.push(line);
      const given = await answer(line, options);
      if (given instanceof Error) throw given;
      return given ?? reply(line, [{ type: 'error', data: `no answer to ${line}` }]);
    },
    upload: () => Promise.reject(new Error('no upload here')),
    probe: () => undefined,
    confidentialSites: () => Promise.reject(new Error('no sites here')),
    freshEvidence: () => Promise.reject(new Error('no evidence here')),
    download: () => {
      throw new Error('no download here');
    },
    close: () => Promise.resolve(),
    ...more,
    lines,
  };
}
