/** What a build leaves on its host: found by the scripts on a made-up /sys, told with the command that puts exactly it away. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localMachine, type Machine } from '../../../../src-main/services/cvm/build/machine.ts';
import type { Build } from '../../../../src-main/services/cvm/build/build.ts';
import { endBuild, noteLeftOvers } from '../../../../src-main/services/cvm/build/end-build.ts';
import { end, leftOvers } from '../../../../src-main/services/cvm/build/ending-scripts.ts';
import type { LeftOver } from '../../../../src-main/services/cvm/build/types.ts';

const id = 'abcdef012345';
let folder: string;
let sys: string;
let job: string;
let bin: string;
let machine: Machine;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flaredesk-left-'));
  [sys, bin] = [join(folder, 'sys'), join(folder, 'bin')];
  job = join(folder, 'builds/jobs', id);
  for (const place of [join(sys, 'block'), bin, job]) mkdirSync(place, { recursive: true });
  processes();
  machine = localMachine({
    name: 'builder-1',
    directory: join(folder, 'builds'),
    path: [bin],
    command: '/none',
  });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function tool(name: string, text: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(bin, name), 0o755);
}
/** What `ps` tells; these numbers are above what any kernel gives. */
function processes(...lines: string[]): void {
  tool('ps', `cat <<'LINES'\n${lines.join('\n')}\nLINES`);
}
function nbd(name: string, pid?: number): void {
  mkdirSync(join(sys, 'block', name), { recursive: true });
  if (pid !== undefined) writeFileSync(join(sys, 'block', name, 'pid'), `${pid}\n`);
}
function mapping(device: string, name: string, uuid = 'CRYPT-LUKS2-0123-root'): void {
  mkdirSync(join(sys, 'block', device, 'dm'), { recursive: true });
  writeFileSync(join(sys, 'block', device, 'dm/uuid'), `${uuid}\n`);
  writeFileSync(join(sys, 'block', device, 'dm/name'), `${name}\n`);
}
async function found(script = leftOvers, ...args: string[]): Promise<string[]> {
  const all = script === leftOvers ? [id, sys] : [id, '0', sys];
  const { output, code } = await machine.run(script, [...all, ...args]);
  expect(code).toBe(0);
  return output.toString().split('\n').filter(Boolean);
}
/** As the script that begins a build notes it. */
async function beforeTheBuild(): Promise<void> {
  const lines = await found();
  writeFileSync(join(job, 'before'), lines.map((line) => `${line.replace(/^left /, '')}\n`).join(''));
}

test('only what appeared since the build began is told', async () => {
  nbd('nbd0', 4000);
  nbd('nbd1');
  mapping('dm-0', 'home_of_anna');
  mapping('dm-1', 'vg-root', 'LVM-abc');
  processes('9004100 /usr/bin/qemu-system-x86_64 -name other');
  await beforeTheBuild();
  expect(await found()).toEqual([]);

  nbd('nbd1', 5000);
  nbd('nbd2');
  mapping('dm-2', 'crypt_root');
  mapping('dm-3', 'vg-more', 'LVM-def');
  processes(
    '9004100 /usr/bin/qemu-system-x86_64 -name other',
    '9005100 /opt/qemu/bin/qemu-system-x86_64 -nographic',
    '9005200 grep qemu-system-x86_64',
    '9005300 vim qemu-kvm.txt',
  );
  const told = ['left process 9005100 ', 'left nbd nbd1 5000', 'left luks crypt_root'];
  expect(await found()).toEqual(told);
  // Ending the build looks in the same way, and ends nothing of it.
  expect(await found(end)).toEqual(told);
});

test('a device that was given free and taken again is another one', async () => {
  nbd('nbd0', 4000);
  await beforeTheBuild();
  nbd('nbd0', 6000);
  expect(await found()).toEqual(['left nbd nbd0 6000']);
});

const build = (told: { leftOvers?: LeftOver[] }) =>
  ({
    request: { site: 'site-1' },
    record: { id },
    change: (changes: { leftOvers?: LeftOver[] }) => Promise.resolve(void Object.assign(told, changes)),
  }) as unknown as Build;
const tools = { logs: { add: () => undefined }, clock: { now: () => 0 } } as never;

/** A machine whose /sys is the made-up one. */
const pretending = (): Machine => ({
  ...machine,
  run: (script, args = [], options = {}) =>
    machine.run(script, script === leftOvers || script === end ? [...args, sys] : args, options),
});

test('each is told with the one command that puts exactly it away; stand-ins are called as strictly as that', async () => {
  await beforeTheBuild();
  nbd('nbd3', 5000);
  mapping('dm-2', 'crypt_root');
  mapping('dm-4', "odd; touch '$HOME/hurt'");
  processes('9005100 /usr/bin/qemu-system-x86_64');
  const told: { leftOvers?: LeftOver[] } = {};
  await noteLeftOvers(build(told), pretending(), tools);
  const commands = told.leftOvers?.map(({ command }) => command) ?? [];
  expect(commands.slice(0, 3)).toEqual([
    'kill 9005100',
    'sudo qemu-nbd --disconnect /dev/nbd3',
    'sudo cryptsetup close crypt_root',
  ]);
  expect(told.leftOvers?.every(({ certain }) => !certain)).toBe(true);

  const record = join(folder, 'calls');
  tool('sudo', 'exec "$@"');
  for (const name of ['qemu-nbd', 'cryptsetup'])
    tool(name, `{ printf '%s' ${name}; printf '|%s' "$@"; echo; } >> '${record}'`);
  for (const command of commands.slice(1))
    execFileSync('sh', ['-c', command], { env: { PATH: `${bin}:/usr/bin:/bin`, HOME: folder } });
  expect(readFileSync(record, 'utf8').split('\n').slice(0, -1)).toEqual([
    'qemu-nbd|--disconnect|/dev/nbd3',
    'cryptsetup|close|crypt_root',
    "cryptsetup|close|--|odd; touch '$HOME/hurt'",
  ]);
});

test('a cancelled build reports them and clears its own things, nothing else', async () => {
  await beforeTheBuild();
  nbd('nbd3', 5000);
  mapping('dm-2', 'crypt_root');
  const record = join(folder, 'calls');
  for (const name of ['qemu-nbd', 'cryptsetup', 'kill', 'sudo']) tool(name, `echo ${name} >> '${record}'`);
  const told: { leftOvers?: LeftOver[] } = {};
  await endBuild(build(told), pretending(), tools);
  expect(told.leftOvers?.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['nbd nbd3', 'luks crypt_root']);
  expect(() => readFileSync(record)).toThrow();
  expect(() => readFileSync(join(job, 'before'))).toThrow();
});
