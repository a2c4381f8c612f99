/**
 * The windows in the distribution's Chromium before the built `flaredesk serve`: 500 sites with real kits, a real server to
 * log in at, deliveries to a real sshd; only the 10,000 jobs and the attestation are made up on their way into the page.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { siteOf } from '../src-main/core/attestation/shapes.ts';
import {
  emptyFederation,
  emptySite,
  remember,
  type SiteMemory,
  statusOf,
  verdictWithout,
} from '../src-main/domain/attestation/index.ts';
import { openStore } from '../src-main/services/store/index.ts';
import { flaredesk } from '../test/lab/flaredesk.ts';
import { endMarked, newMark } from '../test/lab/keeper.ts';
import { flareBin, startServer } from '../test/lab/nvflare.ts';
import { freePort } from '../test/lab/ports.ts';
import { referenceProject } from '../test/lab/reference-project.ts';
import { deskHost, type Sshd, startSshd } from '../test/lab/sshd.ts';
import { benchDesktop } from './desktop.ts';
import { median } from './measure.ts';
import { benchWeights } from './page-weights.ts';
import type { Row } from './table.ts';
import { probe } from './windows-probe.ts';

const built = join(import.meta.dirname, '../out/main/flaredesk.js');
const version = '2.8.1';
const sites = 500;
const jobs = 10_000;
/** 60 frames a second are what a screen shows; 50 are asked for. */
const frameMs = 20;
const firstPaintMs = 300;
const glyphMs = 30;

/** A project with kits for every site; all of them live on one host. */
async function writeProject(folder: string, sshd: Sshd, port: number): Promise<string> {
  const file = join(folder, 'project.yml');
  await mkdir(folder, { recursive: true });
  await writeFile(file, referenceProject({ version, port, clients: sites }));
  const path = [flareBin(version)];
  const hosts = Array.from({ length: sites }, (_, index) => {
    const name = `site-${index + 1}`;
    return `  ${name}: ${JSON.stringify({ ...deskHost(sshd), directory: join(sshd.home, name), path })}`;
  });
  const head = `version: 1\nflare: "${version}"\nproject: project.yml\nworkspace: workspace\nhosts:\n`;
  await writeFile(join(folder, 'desk.yml'), `${head}${hosts.join('\n')}\n`);
  const made = await flaredesk(['provision', '-p', file], { cwd: folder, built: true, seconds: 300 });
  if (!made.ok) throw new Error(made.error.message);
  return file;
}

/** A board as the server of such a project would have it. */
const boardOf = (count: number) => ({
  seen_at: new Date().toISOString(),
  jobs: Array.from({ length: count }, (_, index) => ({
    job_id: `${String(index).padStart(8, '0')}-1f2e-4d3c-8b4a-5f6e7d8c9b0a`,
    name: `study-${index % 97}`,
    status: index % 9 === 0 ? 'FINISHED:EXECUTION_EXCEPTION' : 'FINISHED:COMPLETED',
    phase: index % 9 === 0 ? 'failed' : 'done',
    submitted_at: new Date(Date.now() - index * 60_000).toISOString(),
    duration: 30 + (index % 500),
    rounds: { done: 5, total: 5 },
  })),
});

/** Tells the page a board of made-up jobs, as main would. */
const tellJobs = (page: Page): Promise<void> =>
  page.evaluate(`probe.tell('jobs.board', ${JSON.stringify(JSON.stringify(boardOf(jobs)))})`);

/** A watched federation of so many sites, every one attested. */
function attestationOf(count: number): object {
  const at = new Date().toISOString();
  const names = Array.from({ length: count }, (_, index) => `site-${index + 1}`);
  const timing = { verifyFrequency: 600, sites: count };
  const told = (site: string) => ({ site, at: Date.now(), source: 'cell request by admin@nvidia.com' });
  const verdict = verdictWithout('genuine', 'no_expectation', 'A genuine AMD guest.');
  return {
    watching: true,
    simulated: false,
    project: 'lab',
    server: 'up',
    alarms: [],
    sites: names.map((site) => {
      const memory = [
        { ...told(site), class: 'P', kind: 'configured', how: 'real' } as const,
        { ...told(site), class: 'H', kind: 'evidence', verdict } as const,
        { ...told(site), class: 'L', kind: 'connected', lastHeartbeatAt: Date.now() } as const,
      ].reduce<SiteMemory>(remember, emptySite(site));
      return { ...siteOf(statusOf(memory, emptyFederation, timing, Date.now()), false), at };
    }),
  };
}

async function serve(state: string, mark: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [built, 'serve', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 600_000,
    env: { ...process.env, FLAREDESK_STATE: state, ...mark },
  });
  return await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.includes('\n')) resolve((JSON.parse(text) as { value: { address: string } }).value.address);
    });
    child.once('error', reject).once('exit', () => reject(new Error('serve ended')));
  });
}

const launch = (mark: Record<string, string>): Promise<Browser> =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    env: { ...process.env, ...mark },
  });

interface Scrolled {
  frames: number;
  elapsed: number;
  longest: number;
  empty: number;
}
interface Drawn {
  sinceBegin: number;
  sinceData: number;
}

const rowsDrawn = (page: Page): Promise<Drawn> => page.evaluate<Drawn>('probe.rowsDrawn(12)');
async function scroll(page: Page): Promise<Scrolled> {
  const done = await page.evaluate<Scrolled>('probe.scroll(3000)');
  if (done.empty > 0.05 * done.frames)
    throw new Error(`${done.empty} of ${done.frames} frames showed no row while scrolling.`);
  return done;
}
async function goTo(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { name, exact: true, level: 1 }).waitFor();
}

/** Types into the console and gives the time from each key to its glyph. */
async function type(page: Page, keys: number): Promise<number[]> {
  await page.evaluate('probe.watchGlyphs()');
  await page.getByRole('tabpanel').click();
  for (let key = 0; key < keys; key += 1) {
    await page.keyboard.press('abcdefghij'[key % 10] ?? 'a');
    await page.waitForTimeout(60);
  }
  const glyphs = await page.evaluate<number[]>('probe.glyphs');
  if (glyphs.length < 0.9 * keys) throw new Error(`${glyphs.length} of ${keys} keys were drawn.`);
  return glyphs;
}

const percentile = (values: number[], part: number): number =>
  values.toSorted((one, other) => one - other)[Math.floor(part * (values.length - 1))] ?? Number.NaN;

/** The rows of the windows, those of the desktop app and of the bundle among them. `turns` page loads and starts. */
export async function benchWindows(folder: string, turns: number): Promise<Row[]> {
  const mark = newMark();
  const port = await freePort();
  const sshd = await startSshd({ folder: join(folder, 'host'), env: mark, limitMs: 600_000 });
  // It stands for 500 other machines: what they would do themselves is not to take the cores from what is measured here.
  setPriority(Number(await readFile(join(folder, 'host/sshd.pid'), 'utf8')), constants.priority.PRIORITY_LOW);
  const project = join(folder, 'project');
  const file = await writeProject(project, sshd, port);
  const kits = join(project, 'workspace/lab/prod_00');
  const server = await startServer(join(kits, 'localhost'), { version });
  const state = join(folder, 'state');
  const store = openStore(state);
  await store.documents.write('open-project', file);
  store.close();
  const browser = await launch(mark);
  const rows: Row[] = [];
  try {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    page.setDefaultTimeout(30_000);
    await page.addInitScript(probe);
    await page.goto(await serve(state, mark));
    await page.getByRole('link', { name: 'Overview', exact: true }).waitFor();

    const loads: Drawn[] = [];
    for (let turn = 0; turn < turns; turn += 1) {
      await page.reload();
      loads.push(await rowsDrawn(page));
    }
    await goTo(page, 'Sites');
    await rowsDrawn(page);
    const siteScroll = await scroll(page);

    // The project is not confidential, so no link leads there.
    await page.evaluate("location.hash = '#/attestation'");
    await page.getByRole('heading', { name: 'Attestation', exact: true, level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Watch', exact: true }).waitFor();
    await page.evaluate(
      `probe.tell('attestation.board', ${JSON.stringify(JSON.stringify(attestationOf(sites)))})`,
    );
    const boardDrawn = await rowsDrawn(page);
    const boardScroll = await scroll(page);

    await goTo(page, 'Jobs');
    await page.getByRole('heading', { name: 'Transfer folder' }).waitFor();
    await tellJobs(page);
    const jobsDrawn = await rowsDrawn(page);
    const jobScroll = await scroll(page);

    await goTo(page, 'Console');
    await page.getByRole('button', { name: /^Open session as/ }).click();
    await page.getByText('Logged in as').waitFor();
    const quiet = await type(page, 40);
    await goTo(page, 'Sites');
    await page.getByRole('button', { name: 'Deliver', exact: true }).click();
    await page
      .getByRole('row')
      .getByText(/^(delivered|\d+ %)/)
      .first()
      .waitFor();
    const whileScroll = await scroll(page);
    await goTo(page, 'Console');
    await page.getByRole('tabpanel').waitFor();
    await page.evaluate('probe.glyphs.length = 0');
    const busy = await type(page, 80);
    const left = await page.getByRole('contentinfo').innerText();
    if (!/1 task running/.test(left)) throw new Error(`No delivery went on while typing: ${left}`);

    const frame = ({ elapsed, frames }: Scrolled) => elapsed / frames;
    const ms = 'ms' as const;
    rows.push(
      {
        what: `page load to usable, ${sites} sites`,
        ours: median(loads.map(({ sinceBegin }) => sinceBegin)),
        unit: ms,
      },
      {
        what: `${sites} sites: first paint after data`,
        ours: median(loads.map(({ sinceData }) => sinceData)),
        unit: ms,
        maxOurs: firstPaintMs,
      },
      {
        what: `${jobs} jobs: first paint after data`,
        ours: jobsDrawn.sinceData,
        unit: ms,
        maxOurs: firstPaintMs,
      },
      {
        what: `${sites} sites: a frame while scrolling`,
        ours: frame(siteScroll),
        unit: ms,
        maxOurs: frameMs,
      },
      {
        what: `attestation of ${sites} sites: first paint after data`,
        ours: boardDrawn.sinceData,
        unit: ms,
        maxOurs: firstPaintMs,
      },
      {
        what: `attestation of ${sites} sites: a frame while scrolling`,
        ours: frame(boardScroll),
        unit: ms,
        maxOurs: frameMs,
      },
      { what: `${jobs} jobs: a frame while scrolling`, ours: frame(jobScroll), unit: ms, maxOurs: frameMs },
      {
        what: `${sites} sites: a frame while scrolling, during a delivery (sshd niced)`,
        ours: frame(whileScroll),
        unit: ms,
      },
      { what: 'console: key to glyph, median', ours: median(quiet), unit: ms, maxOurs: glyphMs },
      {
        what: 'console: key to glyph during a delivery (sshd niced), median',
        ours: median(busy),
        unit: ms,
        maxOurs: glyphMs,
      },
      {
        what: 'console: key to glyph during a delivery (sshd niced), 95 %',
        ours: percentile(busy, 0.95),
        unit: ms,
        maxOurs: glyphMs,
      },
    );
  } finally {
    await browser.close();
    await server.remove();
    await sshd.stop();
    await endMarked(mark);
  }
  rows.push(...(await benchDesktop(project, sites, turns)), ...(await benchWeights()));
  return rows;
}
