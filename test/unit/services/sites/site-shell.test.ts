/** The framing of remote scripts, with a local sh in the place of the host. */
import { execFile, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { SiteShell, valuesOf } from '../../../../src-main/services/sites/site-shell.ts';
import type { ExecOptions, ExecResult, SshConnection } from '../../../../src-main/services/ssh/index.ts';
import { quoteArguments } from '../../../../src-main/services/ssh/quote.ts';
import { printable } from '../../../../src-main/services/ssh/index.ts';
import type { SiteTarget } from '../../../../src-main/services/sites/index.ts';

/** Runs the words as a host would, with what its rc files print around them. */
const host = (before = '', after = '') =>
  ({
    label: 'host',
    exec: (args: readonly string[], options: ExecOptions) =>
      new Promise<ExecResult>((resolve) => {
        const [command = '', ...rest] = args;
        const child = execFile(command, rest, { encoding: 'buffer' }, (error, stdout, stderr) => {
          const code = typeof error?.code === 'number' ? error.code : error ? null : 0;
          const out = Buffer.concat([Buffer.from(before), stdout, Buffer.from(after)]);
          resolve({
            code,
            stdout: out,
            stderr: Buffer.concat([Buffer.from(before), stderr]),
            truncated: false,
          });
        });
        child.stdin?.end(options.stdin as string);
      }),
  }) as unknown as SshConnection;

const target: SiteTarget = {
  name: 'site-1',
  type: 'client',
  ssh: { host: 'host' },
  directory: "/data/it's here",
  path: ['/opt/one', '/opt/two three'],
};

test.each([
  ['', ''],
  ['Welcome!\n', ''],
  ['no newline at its end', 'goodbye'],
  ['flaredesk-0000 begin\nkey lie\n', 'flaredesk-0000 end 0\n'],
])('noise %j before and %j after changes nothing', async (before, after) => {
  const shell = new SiteShell(host(before, after), target);
  const result = await shell.run(
    'echo "base $base"; echo "path $PATH"; cat; echo "arg $1"; echo bad >&2; exit 3',
    ['a b'],
    {
      stdin: 'input\n',
    },
  );
  expect(result.code).toBe(3);
  expect(result.errors).toBe('bad');
  const values = valuesOf(result.lines);
  expect(values.get('base')).toBe("/data/it's here/site-1");
  expect(values.get('path')).toMatch(/^\/opt\/one:\/opt\/two three:/);
  expect(values.get('arg')).toBe('a b');
  expect(values.has('input')).toBe(true);
  expect(values.has('key')).toBe(false);
});

/** Login shells that people really have; those that are not installed here are passed over. */
const shells = ['sh', 'bash', 'dash', 'zsh', 'tcsh', 'csh', 'fish', 'ksh'].filter(
  (shell) => spawnSync(shell, ['-c', 'true']).status === 0,
);

test.each(shells)('an account whose login shell is %s', async (login) => {
  const asked = {
    label: 'host',
    exec: (args: readonly string[], options: ExecOptions) =>
      host().exec([login, '-c', quoteArguments(args)], options),
  } as unknown as SshConnection;
  const script = `for word in "$@"; do printf '%s|' "$word"; done; echo
say() { echo "! \\ 'quoted' \\$1 \`echo tick\`"; }
say
cat`;
  const result = await new SiteShell(asked, target).run(script, ["it's", 'a b', '$HOME'], {
    stdin: 'given\n',
  });
  expect(result).toMatchObject({ code: 0, lines: ["it's|a b|$HOME|", "! \\ 'quoted' $1 tick", 'given'] });
});

test('an account whose shell runs nothing, or whose output stops half-way', async () => {
  const swallow = {
    label: 'host',
    exec: () =>
      Promise.resolve({
        code: 1,
        stdout: Buffer.from('This account is not available.\n'),
        stderr: Buffer.alloc(0),
        truncated: false,
      }),
  };
  const shell = new SiteShell(swallow as unknown as SshConnection, target);
  await expect(shell.run('true')).rejects.toMatchObject({
    code: 'remote_failed',
    message: expect.stringContaining('This account is not available') as string,
  });
});

test('what a host says is told as its kind of failure', () => {
  const shell = new SiteShell(host(), target);
  expect(shell.failure('Copying', 'cat: write error: No space left on device')).toMatchObject({
    code: 'remote_failed',
    retryable: true,
  });
  expect(shell.failure('Copying', 'mkdir: cannot create directory: Permission denied')).toMatchObject({
    code: 'denied',
  });
  expect(shell.failure('Copying', 'touch: x: Read-only file system')).toMatchObject({ code: 'denied' });
  expect(shell.failure('Copying', '')).toMatchObject({
    message: expect.stringContaining('no reason') as string,
  });
});

test('nothing a host says can steer a terminal', async () => {
  expect(printable('\x1b]0;title\x07red\x1b[31m\u202e\nnext')).toBe('red; next');
  const result = await new SiteShell(host(), target).run("printf 'key \\033[31mred\\007\\n'");
  expect(valuesOf(result.lines).get('key')).toBe('red');
});
