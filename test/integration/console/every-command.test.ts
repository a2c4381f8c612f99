/**
 * Every command a real server lists, run once through the console as a window runs it: asked for confirmation where the server
 * wants one, files moved where it wants them moved. What ends something comes last.
 */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Core, createCore } from '../../../src-main/core.ts';
import { knowsArguments } from '../../../src-main/core/command-arguments.ts';
import type { OpenStream, StreamItem } from '../../../src-main/contract/index.ts';
import type { Caller } from '../../../src-main/ports.ts';
import { flareVersions, type LabFederation, newLabFolder, startFederation } from '../../lab/nvflare.ts';
import { silentLogger } from '../../lab/silent-logger.ts';

type Item = StreamItem<'session.console'>;
type Reply = Extract<Item, { kind: 'reply' }>['reply'];

const template = join(import.meta.dirname, '../../../resources/job-templates/hello-numpy');
const admin = 'admin@nvidia.com';
/** A console as a window has one: lines up, replies down, its places are tokens. */
class Console {
  readonly #stream: OpenStream<'session.console'>;
  readonly #items: AsyncIterator<Item>;
  /** How each line that wanted a confirmation was confirmed. */
  readonly confirmed = new Map<string, string>();

  constructor(stream: OpenStream<'session.console'>) {
    this.#stream = stream;
    this.#items = stream.items[Symbol.asyncIterator]();
  }

  async next(): Promise<Exclude<Item, { kind: 'progress' | 'state' }>> {
    for (;;) {
      const result = await this.#items.next();
      if (result.done) throw new Error('the console ended');
      const { value } = result;
      if (value.kind !== 'progress' && value.kind !== 'state') return value;
    }
  }

  async ask(line: string): Promise<Reply> {
    this.#stream.send({ kind: 'line', line });
    let item = await this.next();
    if (item.kind === 'confirm') {
      this.confirmed.set(line.split(' ')[0] ?? '', item.how);
      this.#stream.send({ kind: 'line', line: item.line, confirmed: true });
      item = await this.next();
    }
    if (item.kind === 'reply') return item.reply;
    return { line, ok: false, status: 'refused', items: [], meta: {}, message: JSON.stringify(item) };
  }
}

/** All that a reply shows. */
const shown = (reply: Reply): string =>
  [reply.message ?? '', ...reply.items.map((item) => JSON.stringify(item['data'] ?? item['rows']))].join(
    '\n',
  );

/** A job that runs until it is aborted, with a command of its own that gives back what it was sent. */
async function echoJob(folder: string): Promise<void> {
  await cp(template, folder, { recursive: true });
  const change = async (file: string, edit: (config: Record<string, never>) => void): Promise<void> => {
    const path = join(folder, file);
    const content = JSON.parse(await readFile(path, 'utf8')) as Record<string, never>;
    edit(content);
    await writeFile(path, JSON.stringify(content));
  };
  const client = join(folder, 'app/config/config_fed_client.json');
  await writeFile(client, (await readFile(client, 'utf8')).replace('"sleep_time": 0', '"sleep_time": 60'));
  await change('meta.json', (meta) => Object.assign(meta, { name: 'echo' }));
  await change('app/config/config_fed_server.json', (config: Record<string, unknown>) => {
    config['components'] = [
      ...(config['components'] as unknown[]),
      { id: 'echo', path: 'echo.Echo', args: {} },
    ];
  });
  await mkdir(join(folder, 'app/custom'), { recursive: true });
  await writeFile(
    join(folder, 'app/custom/echo.py'),
    `from nvflare.apis.event_type import EventType
from nvflare.apis.fl_component import FLComponent


class Echo(FLComponent):
    def handle_event(self, event_type, fl_ctx):
        if event_type == EventType.START_RUN:
            fl_ctx.get_engine().register_app_command("echo", self.echo)

    def echo(self, topic, data, fl_ctx):
        return {"topic": topic, "data": data}
`,
  );
}

/** Where a server keeps a job. */
async function storeOf(home: string, job: string): Promise<string> {
  const found = (await readdir(home, { recursive: true })).find((path) => path.endsWith(`/${job}`));
  if (found === undefined) throw new Error(`${home} keeps no job ${job}`);
  return join(home, found);
}

describe.each(flareVersions)('%s', (version) => {
  let folder: string;
  let federation: LabFederation;
  let core: Core;

  beforeAll(async () => {
    folder = await newLabFolder('every-command');
    federation = await startFederation({ version, clients: version === '2.8.1' ? 3 : 2 });
    await echoJob(join(federation.adminKit(), 'transfer', 'echo'));
    core = createCore({
      stateFolder: join(folder, 'state'),
      version: '0.0.0-test',
      environment: { home: folder, user: 'tester' },
      checkOutputs: true,
      logger: silentLogger,
    });
  });
  afterAll(async () => {
    await core?.dispose();
    await federation?.stop();
    if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test('each command answers as it should, and none is missing', async () => {
    const kit = 'token of the kit';
    const page: Caller = {
      name: 'window',
      placeOf: (given) => (given === kit ? federation.adminKit() : undefined),
    };
    const client = core.clientFor(page);
    const stream = await client.open('session.console', { kit });
    if (!stream.ok) throw new Error(stream.error.message);
    const line = new Console(stream.value);
    expect(await line.next()).toMatchObject({ kind: 'opened', user: admin });
    const table = (await line.ask('_commands')).items.find((item) => item.type === 'table');
    const commands = (table?.['rows'] as string[][]).slice(1);
    const names = new Set(commands.map(([, name]) => name ?? ''));
    const ran = new Set<string>();

    /** Asks what this server knows; every answer must be good, and show what is looked for. */
    const each = async (steps: readonly (readonly [string, RegExp])[]): Promise<void> => {
      for (const [text, wanted] of steps) {
        const name = text.split(' ')[0] ?? '';
        if (!names.has(name)) continue;
        ran.add(name);
        const reply = await line.ask(text);
        expect.soft(reply.ok, `${text}: ${reply.status}, ${shown(reply)}`).toBe(true);
        expect.soft(shown(reply), text).toMatch(wanted);
      }
    };
    const status = (id: string) =>
      line.ask(`get_job_meta ${id}`).then((reply) => (reply.meta['job_meta'] as { status: string }).status);
    const complete = async (typed: string): Promise<string[]> => {
      const answer = await client.call('session.complete', { kit, line: typed, cursor: typed.length });
      if (!answer.ok) throw new Error(answer.error.message);
      return answer.value.candidates.map(({ text }) => text);
    };

    await each([
      ['list_sessions', /SESSION ID.*admin@nvidia\.com/],
      ['cells', /Total Cells: \d/],
      ['peers server', /site-1/],
      ['conns server', /listener/],
      ['route site-1', /from server to site-1/],
      ['url_use localhost', /localhost/],
      ['speed server site-1 2 100', /average/],
      ['stress 1 2', /total errors: 0/],
      ['msg_stats server', /OVERALL/],
      ['list_pools server', /request_processing/],
      ['show_pool server request_processing', /OVERALL/],
      ['process_info server', /Process ID/],
      ['show_comm_config server', /scheme/],
      ['show_config_vars server', /max_message_size/],
      ['check_status server', /Registered clients: \d/],
      ['admin_check_status server', /Engine status/],
      ['show_scopes all', /SCOPES.*site-1/],
      ['sys_info server', /METRICS/],
      ['report_resources server', /RESOURCES.*server/],
      ['report_env site-1', /site-1/],
      ['report_version all', /2\.8\.1/],
      ['configure_site_log server INFO', /success/],
      ['pwd server', /run\/localhost/],
      ['ls site-1', /startup/],
      ['cat server startup/fed_server.json', /format_version/],
      ['head server -n 1 log.txt', /INFO/],
      ['tail server -n 1 log.txt', /INFO/],
      ['grep server -n "user session" log.txt', /admin@nvidia\.com/],
    ]);

    // A job: sent, running, stopped, fetched.
    const token = commands.some(
      ([, , , usage]) => usage?.startsWith('submit_job') && usage.includes('--submit'),
    );
    const submit = `submit_job echo${token ? ' --submit-token once' : ''}`;
    const job = (await line.ask(submit)).meta['job_id'] as string;
    ran.add('submit_job');
    expect(job).toMatch(/^[0-9a-f-]{36}$/);
    if (token) expect((await line.ask(submit)).meta['job_id']).toBe(job);
    await expect.poll(() => status(job), { timeout: 60_000, interval: 500 }).toBe('RUNNING');
    await expect
      .poll(async () => shown(await line.ask(`show_stats ${job} server`)), { timeout: 30_000, interval: 500 })
      .toContain('current_round');
    await each([
      ['list_jobs', /RUNNING/],
      [`get_job_meta ${job}`, /"echo"/],
      [`show_stats ${job} server`, /current_round/],
      [`show_errors ${job} server`, /server/],
      [`reset_errors ${job} server`, /reset/],
      [`configure_job_log ${job} server INFO`, /success/],
      [`app_command ${job} echo # say "a # b"`, /"say \\"a # b\\""/],
      [`dead site-2 ${job}`, /notify_dead_job/],
      [`abort_job ${job}`, /Abort signal/],
    ]);
    await expect.poll(() => status(job), { timeout: 60_000, interval: 500 }).toMatch(/^FINISHED/);
    // What a site sends beside a result when its job failed.
    await writeFile(join(await storeOf(federation.server.folder, job), 'ERRORLOG_site-1'), 'what went wrong');
    const transfer = join(federation.adminKit(), 'transfer');
    await each([
      [`list_job ${job}`, /ERRORLOG_site-1/],
      [`get_job_log ${job} server`, /INFO/],
      [`download_job ${job}`, /Downloaded \d+ files/],
      [`download_job_components ${job}`, /Downloaded 1 files to .*__1/],
    ]);
    expect(await readdir(join(transfer, job))).toContain('meta.json');
    expect(await readFile(join(transfer, `${job}__1`, 'ERRORLOG_site-1'), 'utf8')).toBe('what went wrong');
    await each([[`download_job ${job} kept/here`, /Downloaded \d+ files to .*transfer\/kept\/here/]]);
    expect(await readdir(join(transfer, 'kept/here', job))).toContain('meta.json');
    for (const elsewhere of ['../elsewhere', '..', join(folder, 'elsewhere')]) {
      expect(shown(await line.ask(`download_job ${job} ${elsewhere}`)), elsewhere).toMatch(
        /leads out|may not/,
      );
    }
    expect(shown(await line.ask('submit_job'))).toContain('Usage: submit_job');
    const clone = (await line.ask(`clone_job ${job}`)).meta['job_id'] as string;
    ran.add('clone_job');
    await each([
      [`abort_job ${clone}`, /Abort/],
      [`delete_job ${job}`, /deleted/],
    ]);

    await each([
      ['register_study heart --site-org site_1:site-1', /heart/],
      ['add_study_site heart --site-org site_2:site-2', /site-2/],
      ['add_study_user heart lead@example.org', /heart/],
      ['show_study heart', /lead@example\.org/],
      ['list_studies', /heart/],
    ]);
    if (names.has('list_studies')) {
      expect(await complete('show_study ')).toEqual(['heart']);
      expect(await complete('add_study_site heart --s')).toEqual(['--sites', '--site-org']);
    }
    await each([
      ['remove_study_user heart lead@example.org', /heart/],
      ['remove_study_site heart --site-org site_2:site-2', /heart/],
      ['remove_study heart', /heart/],
    ]);

    // A server of 2.7 takes a while to see that the job's processes have gone.
    const restart = async () => shown(await line.ask('restart client site-1'));
    await expect.poll(restart, { timeout: 90_000, interval: 1000 }).toMatch(/site-1/);
    ran.add('restart');
    await each([
      ['disable_client site-3', /disabled/],
      ['enable_client site-3', /site-3/],
      ['remove_client site-2', /^/],
      ['shutdown all', /Goodbye!/],
    ]);
    expect(await line.next()).toEqual({ kind: 'ended', reason: 'server_down' });

    expect([...names].filter((name) => !ran.has(name))).toEqual([]);
    const visible = commands.filter((row) => row[6] === 'True').map((row) => row[1] ?? '');
    expect(visible.filter((name) => !knowsArguments(name))).toEqual([]);
    // Asked before each that wants it, in the way it wants it, and before no other.
    const wants = commands.filter((row) => row[4] !== 'none').map((row) => [row[1], row[4]]);
    expect(Object.fromEntries(line.confirmed)).toEqual(Object.fromEntries(wants));
  });
});
