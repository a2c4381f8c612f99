import { command, given, noun, run, wholeNumber, type RegisterCommands } from '../command.ts';
import { confine } from '../confine.ts';
import type { Desk } from '../desk.ts';
import { table } from '../table.ts';

async function list(desk: Desk, options: { limit?: number }) {
  const answer = await desk.client.call('tasks.list', given({ limit: options.limit }));
  return desk.printer.answer(answer, (value) =>
    value.tasks.length === 0
      ? 'no tasks\n'
      : table(
          value.tasks.map((task) => [task.id, task.status, task.created_at, task.title, task.target ?? '']),
          ['TASK', 'STATUS', 'BEGAN', 'WHAT', 'OF'],
        ),
  );
}

async function show(desk: Desk, id: string) {
  const answer = await desk.client.call('tasks.get', { id });
  return desk.printer.answer(answer, ({ task, children }) => {
    const steps = task.steps.map((step) => ['', step.name, step.state]);
    const sites = children.map((child) => [child.target ?? '', child.status, child.error?.message ?? '']);
    const error = task.error ? confine(`${task.error.message}\n`) : '';
    return `${confine(`${task.title} ${task.target ?? ''}: ${task.status}`)}\n${error}${table([...steps, ...sites])}`;
  });
}

async function audit(desk: Desk, options: { limit?: number }) {
  const answer = await desk.client.call('diagnostics.audit', given({ limit: options.limit }));
  return desk.printer.answer(
    answer,
    (value) => {
      const rows = value.entries.map((entry) => [
        entry.at,
        entry.actor,
        entry.action,
        entry.outcome,
        entry.target,
      ]);
      const verdict = value.intact
        ? 'The chain holds.'
        : `Broken at entry ${value.broken_at}: ${value.problem}`;
      return `${table(rows, ['WHEN', 'WHO', 'WHAT', 'OUTCOME', 'OF'])}${confine(verdict)}\n`;
    },
    (value) => (value.intact ? 0 : 1),
  );
}

async function exportAudit(desk: Desk, file: string) {
  const answer = await desk.client.call('diagnostics.export_audit', { file: desk.place(file) });
  return desk.printer.answer(answer, (value) => confine(`${value.entries} entries in ${value.file}\n`));
}

async function retry(desk: Desk, id: string) {
  return desk.printer.answer(await desk.retryTask(id), (value) => `${JSON.stringify(value, null, 2)}\n`);
}

export const registerTask: RegisterCommands = (program, host) => {
  const task = noun(program, 'task', 'what was done here: records of long work', 'flaredesk task list');
  command(task, 'list', 'list the newest tasks', 'flaredesk task list --limit 10')
    .option('--limit <n>', 'at most this many', wholeNumber)
    .action(run(host, list));
  command(task, 'show <id>', 'show the steps and sites of a task', 'flaredesk task show 3f0c…').action(
    run(host, show),
  );
  command(
    task,
    'retry <id>',
    'do a failed, cancelled or interrupted task again; what is there already is not done twice',
    'flaredesk task retry 3f0c…',
  ).action(run(host, retry));

  const trail = noun(program, 'audit', 'who did what on this machine', 'flaredesk audit show');
  command(
    trail,
    'show',
    'show the newest entries and check the whole chain',
    'flaredesk audit show --limit 20',
  )
    .option('--limit <n>', 'at most this many', wholeNumber)
    .action(run(host, audit));
  command(
    trail,
    'export <file>',
    'write the whole trail as JSON lines to a new file',
    'flaredesk audit export trail.jsonl',
  ).action(run(host, exportAudit));
};
