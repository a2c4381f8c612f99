import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handlers } from '../../../src-main/core/console.ts';
import type { StreamContext } from '../../../src-main/core/context.ts';
import type { Caller } from '../../../src-main/ports.ts';
import { page } from './bench.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'console-unit-'));
  await mkdir(join(folder, 'transfer/inside'), { recursive: true });
  await mkdir(join(folder, 'outside'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What the console answers to one `submit_job` of such a caller; the server knows no more than that command. */
async function submits(named: string, caller: Caller) {
  const sent: { kind: string; code?: string; message?: string }[] = [];
  const session = {
    identity: { user: 'ada', org: 'o', role: 'lead' },
    serverVersion: '2.8.1',
    commands: [
      {
        scope: 'job_mgmt',
        name: 'submit_job',
        usage: 'submit_job job_folder',
        visible: true,
        confirm: 'none',
        clientCommand: 'file_transfer.push_folder',
      },
    ],
    ended: new Promise(() => undefined),
    onState: () => () => undefined,
    execute: () => Promise.resolve({ ok: true, items: [], meta: { clients: [] } }),
    close: () => Promise.resolve(),
  };
  const kit = { folder, uploadDir: join(folder, 'transfer'), projectName: 'p', serverIdentity: 's' };
  const context = {
    core: {
      sessions: { open: () => Promise.resolve({ kit, session }) },
      store: () =>
        Promise.resolve({ history: { newest: () => Promise.resolve([]), add: () => Promise.resolve() } }),
      audit: () => Promise.resolve({ append: () => Promise.resolve() }),
      clock: { now: () => 0 },
      logger: { error: () => undefined, warn: () => undefined },
    },
    caller,
    signal: new AbortController().signal,
    send: (item: { kind: string }) => Promise.resolve(void sent.push(item)),
    received: (async function* () {
      yield await Promise.resolve({ kind: 'line', line: `submit_job ${named}` });
    })(),
  } as unknown as StreamContext<'session.console'>;
  await handlers['session.console']({ kit: folder }, context);
  return sent.find(({ kind }) => kind === 'refused');
}

const command: Caller = { name: 'command', placeOf: (given) => given };

describe('submit_job in a console', () => {
  it('refuses a page the path of its choice, and every name that leads out of the transfer folder', async () => {
    expect(await submits(join(folder, 'outside'), page())).toMatchObject({ code: 'denied' });
    // Also one that lies in the transfer folder: a page names folders, not paths.
    expect(await submits(join(folder, 'transfer/inside'), page())).toMatchObject({ code: 'denied' });
    for (const named of ['../outside', 'inside/../../outside', '.', '..']) {
      expect(await submits(named, page()), named).toMatchObject({ code: 'invalid_input' });
      expect((await submits(named, page()))?.message, named).toContain('leads out of');
    }
  });

  it('does not look in the folder the program was started in', async () => {
    expect(await submits('src-main', page())).toMatchObject({ code: 'not_found' });
    expect(await submits('src-main', command)).toMatchObject({ code: 'not_found' });
  });

  it('takes a name of the transfer folder from a page and a path from the command', async () => {
    const checked = { code: 'invalid_input', message: expect.stringContaining('is not sent') as string };
    expect(await submits('inside', page())).toMatchObject(checked);
    expect(await submits(join(folder, 'outside'), command)).toMatchObject(checked);
  });
});
