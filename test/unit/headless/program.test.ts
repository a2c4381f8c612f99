import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../../src-main/headless/program.ts';
import { projectText } from '../../lab/project-text.ts';
import { fakeTerminal, run, runJson } from './fake-terminal.ts';

interface Entry {
  path: string[];
  command: Command;
}

function allCommands(command: Command, path: string[]): Entry[] {
  return [{ path, command }, ...command.commands.flatMap((one) => allCommands(one, [...path, one.name()]))];
}
const entries = allCommands(buildProgram({ terminal: fakeTerminal(), outcome: { exitCode: 0 } }), []).map(
  (entry) => ({ ...entry, title: ['flaredesk', ...entry.path].join(' ') }),
);
const leaves = entries.filter(({ command }) => command.commands.length === 0);

/** Words that satisfy everything a command requires. */
const satisfied = ({ command, path }: Entry): string[] => [
  ...path,
  ...command.registeredArguments.filter(({ required }) => required).map(() => 'x'),
  ...command.options.filter(({ mandatory }) => mandatory).flatMap(({ long }) => [long ?? '', 'x']),
];

describe('every command', () => {
  it('of the fixed list is there', () => {
    const names = new Set(entries.map(({ path }) => path.join(' ')));
    for (const name of [
      'project new',
      'project check',
      'project plan',
      'provision',
      'kit inspect',
      'kit verify',
      'cert list',
      'sites check',
      'sites distribute',
      'sites start',
      'sites stop',
      'sites status',
      'session info',
      'console',
      'job check',
      'job submit',
      'job list',
      'job follow',
      'job abort',
      'job download',
      'demo',
    ]) {
      expect(names, name).toContain(name);
    }
  });

  it.each(entries)('$title has help with an example', async ({ path }) => {
    const { exit, out, err } = await run([...path, '--help']);
    expect(exit).toBe(0);
    expect(out).toMatch(/Examples?:\n {2}\$ flaredesk /);
    expect(err).toBe('');
  });

  it.each(entries)(
    '$title refuses an unknown option with exit code 2 and one JSON document',
    async (entry) => {
      const { exit, answer } = await runJson([...satisfied(entry), '--surprise']);
      expect(exit).toBe(2);
      expect(answer).toMatchObject({ ok: false, error: { code: 'bad_usage', retryable: false } });
      expect(answer.error?.message).toContain('--surprise');
      expect(answer.error?.hint).toContain(`${entry.title} --help`);
    },
  );

  const counted = leaves.filter(
    ({ command }) => !command.registeredArguments.some(({ variadic }) => variadic),
  );
  it.each(counted)('$title refuses an argument too many', async (entry) => {
    const optional = entry.command.registeredArguments.filter(({ required }) => !required).map(() => 'x');
    const { exit, answer } = await runJson([...satisfied(entry), ...optional, 'surplus']);
    expect(exit).toBe(2);
    expect(answer.error?.code).toBe('bad_usage');
  });

  it.each(leaves.filter((entry) => satisfied(entry).length > entry.path.length))(
    '$title says what is missing',
    async ({ path }) => {
      const { exit, answer } = await runJson(path);
      expect(exit).toBe(2);
      expect(answer.error).toMatchObject({ code: 'bad_usage' });
      expect(answer.error?.message).toMatch(/missing|required|not specified/i);
    },
  );

  it.each(entries.filter(({ command }) => command.commands.length > 0))(
    '$title needs a verb',
    async ({ path }) => {
      const { exit, answer } = await runJson(path);
      expect(exit).toBe(2);
      expect(answer.error).toMatchObject({
        code: 'bad_usage',
        message: expect.stringContaining('needs a command') as string,
      });
    },
  );
});

describe('the program', () => {
  it('tells its version', async () => {
    const about = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
      version: string;
    };
    expect(await run(['--version'])).toMatchObject({ exit: 0, out: `${about.version}\n` });
  });

  it('guesses what was meant', async () => {
    expect((await runJson(['kit', 'inspct', 'x'])).answer.error?.message).toContain('inspect');
    expect((await runJson(['provison'])).answer.error?.message).toContain('provision');
  });

  it('says bad usage to people on standard error, and nothing on standard output', async () => {
    const { exit, out, err } = await run(['kit', 'inspect']);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toContain('hint: flaredesk kit inspect --help');
  });

  it.each([
    [['job', 'list', '--kit', 'x', '--limit', 'many']],
    [['sites', 'check', '--accept-host-key', 'site-1']],
    [['console', '--kit', 'x', '--site-timeout', '-5']],
    [['--passphrase-fd', 'three', 'task', 'list']],
    [['attest', 'rules', '--kit', 'x', '--minimum-tcb', 'Milan']],
    [['attest', 'rules', '--kit', 'x', '--minimum-tcb', 'Milan:snp=']],
    [['attest', 'rules', '--kit', 'x', '--minimum-tcb', 'Milan:snp=8,tee']],
  ])('refuses a value that cannot be: %j', async (words) => {
    const { exit, answer } = await runJson(words);
    expect(exit).toBe(2);
    expect(answer.error?.code).toBe('bad_usage');
  });

  it('refuses the interactive console without a terminal', async () => {
    const { exit, answer } = await runJson(['console', '--kit', 'x']);
    expect(exit).toBe(2);
    expect(answer.error).toMatchObject({ code: 'bad_usage', hint: expect.stringContaining('-c') as string });
  });

  it.each(['abort', 'delete'])('wants a yes before it %ss a job', async (verb) => {
    const { exit, answer } = await runJson(['job', verb, 'abcd-1', '--kit', 'x']);
    expect(exit).toBe(2);
    expect(answer.error).toMatchObject({
      code: 'needs_confirmation',
      hint: expect.stringContaining('--yes') as string,
    });
  });

  it('says where the demo can be run when there is no checkout', async () => {
    const { exit, answer } = await runJson(['demo']);
    expect(exit).toBe(2);
    expect(answer.error).toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('npm run demo') as string,
    });
  });

  it('takes no for an answer', async () => {
    const terminal = fakeTerminal({ tty: true });
    const running = run(['job', 'delete', 'abcd-1', '--kit', 'x'], terminal);
    setTimeout(() => terminal.type('n\r'), 20);
    const { exit, err } = await running;
    expect(exit).toBe(1);
    expect(err).toContain('Nothing was done');
  });
});

describe('answers of a project', () => {
  function inProject(text = projectText) {
    const terminal = fakeTerminal();
    mkdirSync(join(terminal.currentFolder, 'study'));
    const file = join(terminal.currentFolder, 'study/project.yml');
    writeFileSync(file, text);
    return { terminal, file };
  }
  const shapeOf = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.slice(0, 1).map(shapeOf)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]))
        : value === null
          ? 'null'
          : typeof value;

  it('have the fixed shapes', async () => {
    const { terminal } = inProject();
    const answers: Record<string, unknown> = {};
    const kit = 'study/workspace/unit_study/prod_00/admin@nvidia.com';
    for (const words of [
      ['project', 'check', 'study/project.yml'],
      ['project', 'plan', '-p', 'study/project.yml'],
      ['provision', '-p', 'study/project.yml'],
      ['kit', 'inspect', kit],
      ['kit', 'verify', kit],
      ['cert', 'list', '-p', 'study/project.yml'],
      ['project', 'new', 'fresh'],
      ['task', 'list'],
      ['audit', 'show'],
    ]) {
      const one = Object.assign(fakeTerminal(), {
        currentFolder: terminal.currentFolder,
        home: terminal.home,
      });
      const { exit, answer } = await runJson(words, one);
      expect({ words, exit }).toEqual({ words, exit: 0 });
      answers[words.slice(0, 2).join(' ')] = shapeOf(answer);
    }
    expect(answers).toMatchSnapshot();
  });

  it('have every problem with file, line and column, exit code 2, and change nothing', async () => {
    const { terminal, file } = inProject(
      projectText.replace('type: client', 'type: klient').replace('8003', '"x"'),
    );
    const check = await runJson(['project', 'check', 'study/project.yml'], terminal);
    expect(check.exit).toBe(2);
    const findings = check.answer.value?.['findings'] as object[];
    expect(findings.length).toBeGreaterThanOrEqual(2);
    expect(findings[0]).toMatchObject({
      file,
      line: expect.any(Number) as number,
      column: expect.any(Number) as number,
    });
    const again = Object.assign(fakeTerminal(), {
      currentFolder: terminal.currentFolder,
      home: terminal.home,
    });
    const provision = await runJson(['provision', '-p', 'study/project.yml'], again);
    expect(provision.exit).toBe(2);
    expect(provision.answer.error).toMatchObject({ code: 'invalid_input' });
    expect(readdirSync(join(terminal.currentFolder, 'study'))).toEqual(['project.yml']);
  });

  it.each([
    ['a missing project', ['provision', '-p', 'nothing.yml'], 2, 'invalid_input'],
    [
      'an unknown FLARE version',
      ['provision', '-p', 'study/project.yml', '--flare', '2.6.0'],
      2,
      'unsupported',
    ],
    ['a missing kit', ['kit', 'inspect', 'nothing'], 2, 'not_found'],
    ['a folder that is no kit', ['kit', 'verify', 'study'], 2, undefined],
    ['an unknown task', ['task', 'show', 'nothing'], 2, 'not_found'],
    ['sites without desk.yml', ['sites', 'check', '-p', 'study/project.yml'], 2, 'invalid_input'],
    ['a session without a kit', ['session', 'info', '--kit', 'nothing'], 2, 'not_found'],
    ['a job without a kit', ['job', 'submit', 'hello', '--kit', 'nothing'], 2, 'not_found'],
  ])('give the exit code of %s', async (_what, words, code, error) => {
    const { terminal } = inProject();
    const { exit, answer } = await runJson(words, terminal);
    expect(answer.ok).toBe(false);
    expect(exit).toBe(code);
    if (error) expect(answer.error?.code).toBe(error);
    expect(answer.error?.code).not.toBe('internal');
    expect(answer.error?.message).not.toMatch(/\bat .*:\d+:\d+/);
  });

  it('end with 1 when a kit is not whole', async () => {
    const { terminal } = inProject();
    await run(['provision', '-p', 'study/project.yml'], terminal);
    const kit = join(terminal.currentFolder, 'study/workspace/unit_study/prod_00/site-1');
    writeFileSync(join(kit, 'startup/client.crt'), 'broken');
    const one = Object.assign(fakeTerminal(), { currentFolder: terminal.currentFolder });
    const { exit, answer } = await runJson(['kit', 'verify', kit], one);
    expect(exit).toBe(1);
    expect(answer.value?.['problems']).not.toEqual([]);
  });

  it('end with 130 after Ctrl-C, and leave no prod folder', async () => {
    const { terminal } = inProject();
    const running = runJson(['provision', '-p', 'study/project.yml'], terminal);
    terminal.interrupt();
    const { exit, answer } = await running;
    expect(exit).toBe(130);
    expect(answer.error?.code).toBe('cancelled');
    const written = readdirSync(terminal.currentFolder, { recursive: true }).map(String);
    expect(written.filter((name) => name.includes('prod_'))).toEqual([]);
  });
});
