/**
 * Stands in for the vendor's image builder: one argument, a config file; a bundle archive and its success line come out.
 * README.md says how to make it fail and what it does not prove.
 */
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Behaviour, behaviourOf, fromEnvironment } from './behaviour.ts';
import { BundleMaker } from './bundle.ts';
import { type BuildConfig, type CheckedCall, checkCall, Refusal } from './contract.ts';

const { env } = process;
/** Everything of one "host" lies here: its results and its only workplace. */
const place = env['CVM_TEST_BUILDER_HOME'] ?? join(homedir(), '.cvm-builder');
const wishes = env['CVM_TEST_BUILDER'] ?? '';

const behaviourFor = (config: BuildConfig, site: string): Behaviour =>
  behaviourOf(fromEnvironment(wishes, site), config.test_builder ?? {});

async function say(pipe: NodeJS.WriteStream, text: string): Promise<void> {
  if (!pipe.write(text)) await once(pipe, 'drain');
}

async function flood(pipe: NodeJS.WriteStream, bytes: number): Promise<void> {
  const line = `${'.'.repeat(99)}\n`;
  for (let left = bytes; left > 0; left -= line.length)
    await say(pipe, line.slice(-Math.min(left, line.length)));
}

/** What the packager's own test recorded of a call (cc-packaged-*.json), one JSON line each. */
function record({ keys, mode, config }: CheckedCall, file: string): void {
  const target = env['CVM_TEST_BUILDER_RECORD'];
  if (target === undefined) return;
  const call = {
    argv_count: process.argv.length - 2,
    config_path: file,
    config_path_dir: dirname(file),
    config_suffix: extname(file),
    config_mode: `0o${mode.toString(8)}`,
    cwd: process.cwd(),
    stdin_isatty: process.stdin.isTTY === true,
    config,
    config_keys_in_file_order: keys,
    kit_is_dir: true,
    kit_has_signature: true,
  };
  appendFileSync(target, `${JSON.stringify(call)}\n`);
}

/** When what was said, one JSON line each, milliseconds since the epoch: lag and overhead are measured against it. */
function note(site: string, text: string, at = Date.now()): void {
  const target = env['CVM_TEST_BUILDER_TIMES'];
  if (target !== undefined) appendFileSync(target, `${JSON.stringify({ site, text, at })}\n`);
}

/** The public builder ends every QEMU of its host: two builds at once would spoil each other, so the second is refused. */
function takeHost(): () => void {
  const lock = join(place, 'building');
  mkdirSync(place, { recursive: true, mode: 0o700 });
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      const owner = Number(readPid(lock));
      if (owner > 0 && isAlive(owner)) throw new Refusal('another build is running on this host');
      rmSync(lock, { recursive: true, force: true });
    }
  }
  writeFileSync(join(lock, 'pid'), String(process.pid));
  return () => {
    rmSync(join(lock, 'pid'), { force: true });
    rmdirSync(lock);
  };
}

function readPid(lock: string): string {
  try {
    return readFileSync(join(lock, 'pid'), 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A process that looks like the VM in which the real builder measures the image, out of our process group. */
function leaveQemu(): void {
  const link = join(place, 'qemu-system-x86_64');
  rmSync(link, { force: true });
  symlinkSync('/usr/bin/sleep', link);
  // As under sudo, which takes the environment away.
  spawn(link, ['300'], { detached: true, stdio: 'ignore', env: {} }).unref();
}

async function build(call: CheckedCall, behaviour: Behaviour): Promise<number> {
  const { config, site } = call;
  const maker = new BundleMaker(join(place, 'out'));
  const stages: [name: string, line: string, work: () => void][] = [
    ['root', 'Creating root drive', () => maker.root(config)],
    ['user_config', 'Creating user config drive', () => maker.userConfig(call)],
    ['encrypt', 'Encrypting root drive', () => undefined],
    ['measure', 'Starting VM to take the measurement', () => maker.scripts(config, behaviour)],
    ['pack', 'Packing CVM bundle', () => undefined],
  ];
  for (const [index, [name, line, work]] of stages.entries()) {
    const said = `[${index + 1}/${stages.length}] ${line}`;
    note(site, said);
    await say(process.stdout, `${said}\n`);
    work();
    if (index === 1) await flood(process.stdout, behaviour.stdout);
    if (index === 1) await flood(process.stderr, behaviour.stderr);
    if (behaviour.hang) await sleep(3_600_000);
    await sleep((behaviour.seconds * 1000) / stages.length);
    if (behaviour.leave_qemu && name === 'measure') leaveQemu();
    if (behaviour.fail > 0 && name === behaviour.fail_at) {
      await say(process.stderr, `build of ${site} failed at "${line}": told to\n`);
      maker.discard();
      return behaviour.fail;
    }
  }
  const archive = maker.pack(site, behaviour);
  const ready = `CVM Bundle ${archive} is ready`;
  switch (behaviour.line) {
    case 'plain':
      await say(process.stdout, `${ready}\n`);
      break;
    case 'prefix':
      await say(process.stdout, `12:00:01 INFO ${ready}, have fun\n`);
      break;
    case 'stderr':
      await say(process.stderr, `${ready}\n`);
      break;
    case 'twice':
      await say(process.stdout, `${ready}\nCVM Bundle /nowhere/second.tgz is ready\n`);
      break;
    case 'missing':
      await say(process.stdout, 'done\n');
  }
  return 0;
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  try {
    const call = checkCall(args, (config) => {
      const kit = config.user_config['nvflare'] ?? '';
      return behaviourFor(config, kit.split('/').at(-1) ?? '').lenient;
    });
    record(call, args[0] ?? '');
    note(call.site, 'began', performance.timeOrigin);
    process.on('exit', () => note(call.site, 'ended'));
    const release = takeHost();
    try {
      return await build(call, behaviourFor(call.config, call.site));
    } finally {
      release();
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await say(process.stderr, `refused: ${error.message}\n`);
    return 64;
  }
}

process.exitCode = await main();
