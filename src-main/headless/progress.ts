/** Progress on standard error: a live block on a terminal, plain lines (at most one a second) elsewhere. */
import type { StreamItem } from '../contract/index.ts';
import { confine } from './confine.ts';
import { paint, type Terminal } from './terminal.ts';

type TaskEvent = StreamItem<'tasks.watch'>;

export interface ProgressView {
  show(event: TaskEvent): void;
  /** Takes the live block away, or prints the line that still waits. */
  end(): void;
}

interface Line {
  name: string;
  text: string;
  state: 'busy' | 'ok' | 'bad';
}

const units = ['B', 'KB', 'MB', 'GB', 'TB'];
function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

function amount(progress: Extract<TaskEvent, { kind: 'progress' }>['progress']): string {
  if (progress.done === undefined || progress.total === 0) return '';
  const show = progress.unit === 'bytes' ? bytes : String;
  if (progress.total === undefined) return ` ${show(progress.done)}`;
  const percent = progress.total > 0 ? ` (${Math.floor((progress.done / progress.total) * 100)} %)` : '';
  return ` ${show(progress.done)} of ${show(progress.total)}${percent}`;
}

/** One line per site, or one for the whole task where it has no sites. */
function createLines(): { lines: Map<string, Line>; take: (event: TaskEvent) => Line | undefined } {
  const lines = new Map<string, Line>();
  const names = new Map<string, string>();
  return {
    lines,
    take(event) {
      if (event.kind === 'progress') {
        const name = event.progress.target ?? names.get(event.id) ?? '';
        const message = event.progress.message ? `: ${event.progress.message}` : '';
        const line: Line = {
          name,
          text: `${event.progress.step}${amount(event.progress)}${message}`,
          state: 'busy',
        };
        lines.set(name, line);
        return line;
      }
      const { task } = event;
      if (task.parent === undefined) return undefined;
      const name = task.target ?? task.id;
      names.set(task.id, name);
      const old = lines.get(name);
      const running = task.steps.find((step) => step.state === 'running');
      const state = task.status === 'running' ? 'busy' : task.status === 'succeeded' ? 'ok' : 'bad';
      const text =
        state === 'busy'
          ? (running?.name ?? 'waiting')
          : state === 'ok'
            ? 'done'
            : (task.error?.message ?? task.status);
      if (old?.state === state && state === 'busy') return undefined;
      const line: Line = { name, text, state };
      lines.set(name, line);
      return line;
    },
  };
}

function plainView(terminal: Terminal): ProgressView {
  const { take } = createLines();
  let waiting: Line | undefined;
  let last = '';
  let timer: NodeJS.Timeout | undefined;
  const print = (line: Line): void => {
    const text = confine(`${line.name ? `${line.name}: ` : ''}${line.text}`);
    if (text === last) return;
    last = text;
    terminal.stderr.write(`${text}\n`);
  };
  const open = (): void => {
    timer = undefined;
    if (!waiting) return;
    const line = waiting;
    waiting = undefined;
    timer = setTimeout(open, 1000).unref();
    print(line);
  };
  return {
    show(event) {
      const line = take(event);
      if (!line) return;
      if (timer) {
        waiting = line;
        return;
      }
      timer = setTimeout(open, 1000).unref();
      print(line);
    },
    end() {
      clearTimeout(timer);
      if (waiting) print(waiting);
    },
  };
}

function liveView(terminal: Terminal): ProgressView {
  const colour = paint(terminal, 'stderr');
  const { lines, take } = createLines();
  const marks = { busy: colour.cyan('…'), ok: colour.green('✓'), bad: colour.red('✗') };
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;

  const clear = (): void => {
    if (drawn > 0) terminal.stderr.write(`\u001b[${drawn}A\u001b[0J`);
    drawn = 0;
  };
  const draw = (): void => {
    timer = undefined;
    clear();
    const columns = (terminal.stderr.columns ?? 80) - 1;
    const room = Math.max(1, (terminal.stderr.rows ?? 24) - 3);
    const all = [...lines.values()];
    // With more sites than rows, those at work are shown; the rest is counted.
    const shown = all.length <= room ? all : all.filter((line) => line.state === 'busy').slice(0, room - 1);
    const width = Math.max(0, ...shown.map((line) => line.name.length));
    const out = shown.map((line) => {
      const text = confine(`${line.name ? `${line.name.padEnd(width)}  ` : ''}${line.text}`).replace(
        /\n/g,
        ' ',
      );
      return `${marks[line.state]} ${text.slice(0, Math.max(1, columns - 2))}\n`;
    });
    if (shown.length < all.length) {
      const count = (state: Line['state']): number => all.filter((line) => line.state === state).length;
      out.push(`${count('ok')} done, ${count('bad')} failed, ${count('busy')} at work\n`);
    }
    terminal.stderr.write(out.join(''));
    drawn = out.length;
  };
  return {
    show(event) {
      if (take(event)) timer ??= setTimeout(draw, 100).unref();
    },
    end() {
      clearTimeout(timer);
      clear();
    },
  };
}

export const createProgressView = (terminal: Terminal): ProgressView =>
  terminal.stderr.isTTY === true ? liveView(terminal) : plainView(terminal);
