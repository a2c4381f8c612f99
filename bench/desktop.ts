/** The desktop app in a real Electron, each time a new process: how soon its overview is usable, and what it holds when idle. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, findElectron, openBench } from '../test/e2e/electron/app.ts';
import { closePage, devtoolsOf, evaluateInPage } from '../test/e2e/electron/devtools.ts';
import { willPick } from '../test/e2e/electron/system.ts';
import { median } from './measure.ts';
import type { Row } from './table.ts';

const settleMs = 10_000;

/** The wall clock of the page when so many rows of the overview were drawn. */
const usable = (rows: number): string => `new Promise((resolve) => {
  const look = () => {
    if (document.querySelectorAll('[role=grid] [role=row]').length < ${rows}) return requestAnimationFrame(look);
    const channel = new MessageChannel();
    channel.port1.onmessage = () => resolve(performance.timeOrigin + performance.now());
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };
  look();
})`;

/** Megabytes (of 1024², as the peaks of the other rows) of all processes of a group; memory they share counts once. */
function memoryOf(group: number): { processes: number; megabytes: number } {
  let processes = 0;
  let kilobytes = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [, , belongsTo] =
        /\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]?.split(' ') ?? [];
      if (Number(belongsTo) !== group) continue;
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]);
      processes += 1;
    } catch {
      // It ended meanwhile.
    }
  }
  return { processes, megabytes: kilobytes / 1024 };
}

interface Start {
  milliseconds: number;
  memory: { processes: number; megabytes: number };
}

/** Starts the app, waits until its overview is usable, then `settle` ms longer; closes its window. */
async function startOnce(bench: Bench, state: string, rows: number, settle: number): Promise<Start> {
  const [program, ...args] = bench.command;
  const began = Date.now();
  const child = spawn(program, [...args, '--remote-debugging-port=0'], {
    env: bench.environmentOf(state),
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    timeout: 90_000,
  });
  const group = child.pid ?? Number.NaN;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    const host = await devtoolsOf(child);
    let at: unknown;
    while (typeof at !== 'number') {
      at = await evaluateInPage(host, usable(rows));
      if (at === undefined) await sleep(5);
    }
    await sleep(settle);
    const memory = memoryOf(group);
    await closePage(host);
    await ended;
    return { milliseconds: at - began, memory };
  } finally {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  }
}

/** As a person opens a project folder; the app shows it again at its next start. */
async function openProject(bench: Bench, state: string, project: string): Promise<void> {
  const running = await bench.start(state);
  try {
    await willPick(running, project);
    await running.page.getByRole('button', { name: /^Open a folder/ }).click();
    await running.page.getByRole('grid').waitFor();
  } finally {
    await running.quit();
  }
}

/** The rows of the desktop app with that project folder open; none, with a word on standard error, without an Electron. */
export async function benchDesktop(project: string, sites: number, turns: number): Promise<Row[]> {
  const binary = await findElectron();
  if (!binary) {
    process.stderr.write('SKIPPED: no Electron binary, so nothing is said about the desktop app.\n');
    return [];
  }
  const version = binary.version ?? readFileSync(join(binary.folder, 'version'), 'utf8').trim();
  const bench = await openBench(binary, 600);
  try {
    const rows = 12;
    const state = `${project}-desktop`;
    await openProject(bench, state, project);
    const starts: Start[] = [];
    for (let turn = 0; turn < turns; turn += 1)
      starts.push(await startOnce(bench, state, rows, turn === turns - 1 ? settleMs : 0));
    const { processes, megabytes } = starts.at(-1)!.memory;
    const app = `desktop app, Electron ${version}`;
    return [
      {
        what: `${app}: start to usable, ${sites} sites`,
        ours: median(starts.map(({ milliseconds }) => milliseconds)),
        unit: 'ms',
      },
      { what: `${app}: memory when idle, ${processes} processes`, ours: megabytes, unit: 'MB' },
    ];
  } finally {
    bench.close();
  }
}
