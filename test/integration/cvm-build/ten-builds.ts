/** Ten images on two builder hosts; one fails; the program is killed in the middle and begun again. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { buildConfig, ccBuilders, onPremPackager } from '../../lab/build-project.ts';
import { flaredesk, mustFlaredesk } from '../../lab/flaredesk.ts';
import { newMark } from '../../lab/keeper.ts';
import { deskHost } from '../../lab/sshd.ts';
import { startBuilder } from './bench.ts';

export interface Image {
  id?: string;
  site: string;
  state: string;
  error?: { message: string };
  actions: string[];
}

/** What a builder noted of itself. */
interface Note {
  site: string;
  text: string;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface Outcome {
  /** Exit code of the second run of the command. */
  code: number;
  /** As the queue shows them afterwards. */
  images: Image[];
  /** Seconds from the first start of the command to the end of the second. */
  wall: number;
  /** Seconds of the builders' own runs, from the start of the process to its end, of those that did not fail. */
  builds: number[];
  /** Seconds from a line's being written on a host to its being in the log here, of builds that were followed from their beginning. */
  lags: number[];
  /** Participants in the order the builders were called for them. */
  called: string[];
  /** Builds that lay ready on their hosts, not begun, when the command was killed. */
  ready: string[];
  /** Builds of which something lies on a host at the end. */
  left: string[];
}

const entry = join(import.meta.dirname, '../../../src-main/headless/main.ts');
const builderNames = ['builder-1', 'builder-2'];
export const tenSites = ['server1', ...Array.from({ length: 9 }, (_, index) => `site-${index + 1}`)];
export const failingSite = 'site-5';

function configOf(site: string, seconds: number): string {
  const wishes = site === failingSite ? { fail: 7, fail_at: 'pack' } : {};
  return stringify(buildConfig(site === 'server1' ? 'server' : 'client', { seconds, ...wishes }));
}

const project = stringify({
  api_version: 3,
  name: 'study',
  participants: [
    ...tenSites.map((name) => ({
      name,
      type: name === 'server1' ? 'server' : 'client',
      org: 'nvidia',
      ...(name === 'server1' ? { fed_learn_port: 8002 } : {}),
      cc_config: `cc_${name}.yml`,
    })),
    { name: 'admin@nvidia.com', type: 'admin', org: 'nvidia', role: 'project_admin' },
  ],
  builders: ccBuilders,
  packager: { path: onPremPackager, args: { build_image_cmd: '/on/the/builders' } },
});

const jsonLines = <Line>(file: string): Line[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** The project with its kits in `folder` and two sshd hosts as builders, whose builds take `seconds`. */
export async function prepareTenBuilds(folder: string, seconds: number) {
  const started = await Promise.all(builderNames.map((name) => startBuilder(name, folder)));
  const builders = started.map(({ host, sshd }) => [
    host.name,
    { ...deskHost(sshd), directory: host.directory, command: host.command },
  ]);
  for (const site of tenSites) writeFileSync(join(folder, `cc_${site}.yml`), configOf(site, seconds));
  writeFileSync(join(folder, 'project.yml'), project);
  writeFileSync(
    join(folder, 'desk.yml'),
    stringify({ version: 1, flare: '2.8.1', builders: Object.fromEntries(builders) as object }),
  );
  const options = () => ({
    cwd: folder,
    env: { ...newMark(), FLAREDESK_STATE: join(folder, 'state') },
    seconds: 600,
  });
  await mustFlaredesk(['provision', '-p', 'project.yml', '--no-images'], options());

  const run = async (): Promise<Outcome> => {
    const began = performance.now();
    const homes = started.map(({ sshd }) => sshd.home);
    const ready = await buildAndKill(folder, homes, options());
    const second = await flaredesk(['cvm', 'build', '-p', 'project.yml', '--allow-running-vms'], options());
    const wall = (performance.now() - began) / 1000;
    if (!second.ok) throw new Error(second.error.message);
    const { builds: images } = await mustFlaredesk<{ builds: Image[] }>(
      ['cvm', 'queue', '-p', 'project.yml'],
      options(),
    );
    const notes = builderNames.flatMap((name) => jsonLines<Note>(join(folder, name, 'times')));
    return {
      code: second.code,
      images,
      wall,
      builds: tenSites.flatMap((site) => secondsOf(site, notes)),
      lags: lagsOf(folder, images, notes),
      ready,
      left: homes.flatMap((home) => jobsIn(home)),
      called: builderNames.flatMap((name) =>
        jsonLines<{ config: { user_config: { nvflare: string } } }>(join(folder, name, 'calls')).map(
          ({ config }) => config.user_config.nvflare.split('/').at(-1) ?? '',
        ),
      ),
    };
  };
  const stop = async () => void (await Promise.all(started.map(({ sshd }) => sshd.stop())));
  return { options, run, stop };
}

const jobsIn = (home: string, isWanted: (files: string[]) => boolean = () => true): string[] => {
  const jobs = join(home, 'builds/jobs');
  const filesOf = (job: string) => (existsSync(join(jobs, job)) ? readdirSync(join(jobs, job)) : []);
  return existsSync(jobs) ? readdirSync(jobs).filter((job) => isWanted(filesOf(job))) : [];
};
/** Prepared and not begun. */
const isReady = (files: string[]): boolean => files.includes('builder.yaml') && !files.includes('pid');

/** Builds until three images are there and another one lies ready, then dies without a word. Answers what lay ready. */
async function buildAndKill(
  folder: string,
  homes: readonly string[],
  { env }: { env: Record<string, string> },
): Promise<string[]> {
  const child = spawn(process.execPath, [entry, 'cvm', 'build', '-p', 'project.yml', '--allow-running-vms'], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: 'ignore',
    timeout: 600_000,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const prod = join(folder, 'workspace/study/prod_00');
  const built = () => tenSites.filter((site) => existsSync(join(prod, site, `${site}.tgz`))).length;
  const ready = () => homes.flatMap((home) => jobsIn(home, isReady));
  const runs = () => child.exitCode === null && child.signalCode === null;
  while ((built() < 3 || ready().length === 0) && runs()) await sleep(50);
  child.kill('SIGKILL');
  await ended;
  return ready();
}

function secondsOf(site: string, notes: readonly Note[]): number[] {
  if (site === failingSite) return [];
  const when = (text: string) => notes.find((note) => note.site === site && note.text === text)?.at;
  return [((when('ended') ?? Number.NaN) - (when('began') ?? Number.NaN)) / 1000];
}

/** Every stage line of a host against its line in the logs kept here. A log that was begun again after the kill is left out. */
function lagsOf(folder: string, builds: readonly Image[], notes: readonly Note[]): number[] {
  return builds.flatMap(({ site, id = '' }) => {
    const text = readFileSync(join(folder, 'state/build-logs', `${id}.log`), 'utf8');
    if (text.includes('Found again on its host.')) return [];
    const said = notes.filter((note) => note.site === site && note.text.startsWith('['));
    return said.map((note) => {
      const seen = text.split('\n').find((line) => line.endsWith(` O ${note.text}`));
      return (Number(seen?.split(' ')[0] ?? Number.NaN) - note.at) / 1000;
    });
  });
}
