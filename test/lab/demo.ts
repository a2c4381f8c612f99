/**
 * `npm run demo`: the main job on this machine, from nothing, on real parts. Three SSH hosts (OpenSSH), one NVFlare
 * server and two clients; everything a project admin does is done by the `flaredesk` command.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { type FlaredeskOptions, flaredesk, mustFlaredesk } from './flaredesk.ts';
import { endMarked, newMark } from './keeper.ts';
import { type FlareVersion, flareBin, flareVersions } from './nvflare.ts';
import { freePort } from './ports.ts';
import { type Sshd, startSshd } from './sshd.ts';

const { values: options } = parseArgs({
  options: { flare: { type: 'string', default: flareVersions.at(-1) } },
});
const version = options.flare as FlareVersion;
const admin = 'admin@demo.org';
const sites = ['localhost', 'site-1', 'site-2'];
const jobFolder = join(import.meta.dirname, '../../resources/job-templates/hello-numpy');

const cancel = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => cancel.abort());

const paint = (style: 'bold' | 'dim' | 'green' | 'red', text: string) =>
  styleText(style, text, { stream: process.stdout });
const onTerminal = process.stdout.isTTY;
const erase = () => onTerminal && process.stdout.write('\r\u001b[2K');
/** On a terminal: what happens right now, in a line that the next one replaces. */
const live = (line: string) => {
  if (!onTerminal) return;
  erase();
  process.stdout.write(paint('dim', `   …         ${line}`.slice(0, (process.stdout.columns ?? 80) - 1)));
};
const say = (line = '') => {
  erase();
  process.stdout.write(`${line}\n`);
};
const note = (line: string) => say(paint('dim', `${' '.repeat(27)}${line}`));

/** Does one step and says how long it took. `what` may depend on its result. */
async function step<Result>(title: string, work: () => Promise<Result>, what: (result: Result) => string) {
  cancel.signal.throwIfAborted();
  const begin = performance.now();
  live(title);
  const result = await work();
  const seconds = ((performance.now() - begin) / 1000).toFixed(1).padStart(6);
  say(
    `${paint('dim', `${seconds} s`)}  ${paint('green', '✔')}  ${paint('bold', title.padEnd(12))} ${what(result)}`,
  );
  return result;
}

interface SiteAnswer {
  sites: { name: string; state: string; error?: { code: string; message: string } }[];
}

const mark = newMark();
const hosts = new Map<string, Sshd>();
const folder = await mkdtemp(join(tmpdir(), 'flaredesk-demo-'));
const project = join(folder, 'project');
const projectFile = join(project, 'project.yml');
const kit = (prod: string, name: string) => join(project, 'workspace', 'demo', prod, name);
const command: FlaredeskOptions = {
  cwd: project,
  env: { ...mark, FLAREDESK_STATE: join(folder, 'state') },
  signal: cancel.signal,
  onLine: live,
};
const desk = <Value>(...args: string[]) => mustFlaredesk<Value>(args, command);

async function startHost(name: string, port?: number, hostFolder = join(folder, 'hosts', name)) {
  const host = await startSshd({ folder: hostFolder, port, env: mark, address: '127.0.0.1' });
  hosts.set(name, host);
  return host;
}

function hostOf(name: string): Sshd {
  const host = hosts.get(name);
  if (!host) throw new Error(`No host ${name}.`);
  return host;
}

/** desk.yml: where each participant runs; with the keys of the hosts once somebody told us. */
async function writeDesk(pinned: boolean) {
  const lines = sites.map((name) => {
    const { host, port, user, identity, home, fingerprint } = hostOf(name);
    const pin = pinned ? `, host_key: ${JSON.stringify(fingerprint)}` : '';
    const place = `ssh: ${host}, port: ${port}, user: ${user}, identity: ${JSON.stringify(identity)}`;
    return `  ${name}: { ${place}, directory: ${JSON.stringify(join(home, 'flare'))}, path: [${JSON.stringify(flareBin(version))}]${pin} }`;
  });
  const head = [
    'version: 1',
    `flare: "${version}"`,
    'project: project.yml',
    'workspace: workspace',
    'hosts:',
  ];
  await writeFile(join(project, 'desk.yml'), `${[...head, ...lines].join('\n')}\n`);
}

async function writeProject() {
  const port = await freePort();
  const builder = 'nvflare.lighter.impl';
  await mkdir(project);
  await writeFile(
    projectFile,
    `api_version: 3
name: demo
description: A federation on one machine
participants:
  - {name: localhost, type: server, org: nvidia, fed_learn_port: ${port}, admin_port: ${port}}
  - {name: site-1, type: client, org: clinic_a}
  - {name: site-2, type: client, org: clinic_b}
  - {name: ${admin}, type: admin, org: nvidia, role: project_admin}
builders:
  - path: ${builder}.workspace.WorkspaceBuilder
  - path: ${builder}.static_file.StaticFileBuilder
    args: {config_folder: config, scheme: grpc}
  - path: ${builder}.cert.CertBuilder
  - path: ${builder}.signature.SignatureBuilder
`,
  );
}

/** The answer of one site to a `sites` command that is expected to be refused. */
async function refusal(verb: string, name: string): Promise<{ code: string; message: string }> {
  const answer = await flaredesk<SiteAnswer>(['sites', verb, '-p', projectFile, '--only', name], command);
  const error = answer.ok ? answer.value.sites.find((site) => site.name === name)?.error : answer.error;
  if (!error) throw new Error(`sites ${verb} reached ${name} although its host key is not to be trusted.`);
  return error;
}

/** Every file below a folder. */
const filesBelow = async (place: string) =>
  (await readdir(place, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** Another machine answers at the address of site-1; a moment later the right one is back. */
async function changedHostKey() {
  const { port } = hostOf('site-1');
  await hostOf('site-1').stop();
  const impostor = await startHost('site-1', port, join(folder, 'hosts', 'impostor'));
  const error = await refusal('distribute', 'site-1');
  const log = impostor.log();
  const received = await filesBelow(impostor.home);
  await impostor.stop();
  await startHost('site-1', port);
  if (/userauth|Accepted|Postponed|Failed/i.test(log) || received.length > 0)
    throw new Error(`Something reached a host with a changed key:\n${log}`);
  return error;
}

/**
 * The server's own admin gives it storage of its own: NVFlare's default lies in /tmp/nvflare, shared by every server
 * of the machine. `local/resources.json` is NVFlare's place for what a site decides itself; no signature covers it.
 */
async function ownStorage() {
  const defaults = (await filesBelow(hostOf('localhost').home)).filter((file) =>
    file.endsWith('local/resources.json.default'),
  );
  for (const file of defaults) {
    const text = await readFile(file, 'utf8');
    const storage = join(hostOf('localhost').home, 'storage');
    await writeFile(file.replace(/\.default$/, ''), text.replaceAll('/tmp/nvflare/', `${storage}/`), {
      mode: 0o600,
    });
  }
}

const all = (answer: SiteAnswer) => answer.sites.map((site) => `${site.name} ${site.state}`).join(', ');

async function main() {
  say(paint('bold', `FLARE Desk: the main job on this machine, NVIDIA FLARE ${version}`));
  say();
  await step(
    'hosts',
    async () => {
      await writeProject();
      for (const name of sites) await startHost(name);
      await writeDesk(false);
    },
    () => `3 SSH hosts: ${sites.map((name) => `${name} on port ${hostOf(name).port}`).join(', ')}`,
  );
  await step(
    'check',
    () => desk<{ participants: number; findings: unknown[] }>('project', 'check', projectFile),
    ({ participants, findings }) => `project.yml: ${participants} participants, ${findings.length} findings`,
  );
  const { prod } = await step(
    'provision',
    () => desk<{ prod: string; participants: unknown[] }>('provision', '-p', projectFile),
    (value) => `${value.participants.length} signed kits in ${value.prod.split('/').at(-1)}`,
  );
  const prodName = prod.split('/').at(-1) ?? '';
  await step(
    'unknown key',
    () => refusal('distribute', 'site-2'),
    ({ code }) => `refused (${code}): nobody vouched for the host`,
  );
  note('the three host keys are pinned in desk.yml now');
  await writeDesk(true);
  await step(
    'changed key',
    changedHostKey,
    ({ code }) => `refused (${code}): not one byte of a kit or a login was sent`,
  );
  await step('sites check', () => desk<SiteAnswer>('sites', 'check', '-p', projectFile), all);
  await step('distribute', () => desk<SiteAnswer>('sites', 'distribute', '-p', projectFile), all);
  await ownStorage();
  await step('start', () => desk<SiteAnswer>('sites', 'start', '-p', projectFile), all);
  const adminKit = kit(prodName, admin);
  await step(
    'session',
    () => connectedSession(adminKit),
    ({ user, role, server }) =>
      `${user} (${role}) at server ${server.version}, clients ${server.clients.map(({ name }) => name).join(', ')}`,
  );
  const news: string[] = [];
  const job = await step(
    'job',
    () => submitJob(adminKit, news),
    ({ job_id }) => `hello-numpy submitted, followed, downloaded: ${job_id}`,
  );
  for (const line of news) note(line);
  const files = await filesBelow(job.result?.folder ?? project);
  const model = files.find((file) => file.endsWith('server.npy'));
  if (!model) throw new Error(`The result of job ${job.job_id} holds no model: ${job.status}`);
  await step('stop', () => desk<SiteAnswer>('sites', 'stop', '-p', projectFile), all);
  say();
  say(`${paint(job.status === 'FINISHED:COMPLETED' ? 'green' : 'red', job.status)}`);
  say(`model: ${model} (${(await stat(model)).size} bytes)`);
  return job.status === 'FINISHED:COMPLETED' ? 0 : 1;
}

interface SessionInfo {
  user: string;
  role: string;
  server: { version: string; status: string; clients: { name: string }[] };
}

/** Logs in, and again until both clients have registered at the server. */
async function connectedSession(adminKit: string): Promise<SessionInfo> {
  const end = Date.now() + 60_000;
  for (;;) {
    const info = await desk<SessionInfo>('session', 'info', '--kit', adminKit);
    if (info.server.clients.length === 2) return info;
    if (Date.now() > end) throw new Error('The clients did not register within 60 s.');
  }
}

interface JobAnswer {
  job_id: string;
  status: string;
  result: { folder: string } | null;
}

/** Submits the sample job, follows it to its end, downloads the result. What the command tells meanwhile goes to `news`. */
function submitJob(adminKit: string, news: string[]) {
  const args = ['job', 'submit', jobFolder, '--kit', adminKit, '--follow', '--download'];
  const onLine = (line: string) => {
    live(line);
    const told = /: follow.*?: (deployed: .*|round \d+ of \d+|[A-Z]+:[A-Z_]+)$/.exec(line)?.[1];
    if (told && !news.includes(told)) news.push(told);
  };
  return mustFlaredesk<JobAnswer>([...args, join(project, 'results')], { ...command, onLine });
}

/** Ends everything this run started. */
async function cleanUp() {
  await Promise.all([...hosts.values()].map((host) => host.stop()));
  await endMarked(mark);
}
const remove = (place: string) => rm(place, { recursive: true, force: true, maxRetries: 5 });

try {
  process.exitCode = await main();
  await cleanUp();
  await remove(join(folder, 'hosts'));
} catch (error) {
  await cleanUp();
  if (cancel.signal.aborted) {
    await remove(folder);
    say('Interrupted. Everything was stopped and removed.');
    process.exitCode = 130;
  } else {
    say(`${paint('red', '✘')} ${error instanceof Error ? error.message : String(error)}`);
    say(`The project, the hosts and their logs of this run: ${folder}`);
    process.exitCode = 1;
  }
}
