/** Stands in for qemu-system-x86_64: checks its arguments, holds the drives, opens the ports, talks on its console. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSignature } from '../../../src-main/domain/cc/cpu-signature.ts';
import { launchDigest } from '../../../src-main/services/cvm/bundle/launch-digest.ts';
import { type Machine, readArguments, Refusal } from './arguments.ts';

const name = 'qemu-system-x86_64';
const args = process.argv.slice(2);
// As ps shows the original: `comm` is the program's name, not that of what runs this script.
process.title = [name, ...args].join(' ');

/** How the stand-in behaves, for the tests: `~/.cvm-host.json`. */
interface Behaviour {
  /** Version that it says it has. */
  version?: string;
  cbit?: number;
  /** What the boot comes to. */
  boot?: 'unlocked' | 'denied' | 'panic' | 'silent' | 'other_measurement';
  /** Milliseconds between measurement and key. */
  keyAfterMs?: number;
  /** Prints the disk key in full, as an early builder did. */
  printKey?: boolean;
  /** Bytes of chatter after the boot. */
  chatter?: number;
  /** Does not end upon TERM. */
  stubborn?: boolean;
  /** Ends by itself after so many milliseconds. */
  lastsMs?: number;
}

const file = join(homedir(), '.cvm-host.json');
const behaviour = (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as Behaviour;
const children: ChildProcess[] = [];

function leave(status: number): never {
  for (const child of children) child.kill('SIGKILL');
  process.exit(status);
}

function fail(text: string): never {
  process.stderr.write(`${name}: ${text}\n`);
  leave(1);
}

/** Keeps a drive open for writing, as QEMU does: real QEMU locks, by QEMU's own tool. */
function holdDrive(drive: string): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn('qemu-io', ['-f', 'qcow2', drive], { stdio: ['pipe', 'pipe', 'pipe'] });
    children.push(child);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('qemu-io>')) resolve();
    });
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', () => fail('qemu-io is missing: the stand-in needs qemu-utils'));
    child.on('exit', () => fail(`-drive file=${drive}: ${said.replace(/^.*?Failed/s, 'Failed').trim()}`));
  });
}

function openPort({ host, rule }: Machine['forwards'][number]): Promise<void> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => socket.end());
    server.on('error', () => fail(`-netdev user: Could not set up host forwarding rule '${rule}'`));
    server.listen(host, '127.0.0.1', resolve);
  });
}

/** What a guest would find measured, from the arguments as the shell of launch_vm.sh really gave them. */
function measurementOf(machine: Machine): Buffer {
  if (behaviour.boot === 'other_measurement') return randomBytes(48);
  const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest();
  const hex = launchDigest({
    firmware: readFileSync(machine.bios),
    ...(machine.snp.kernelHashes
      ? { kernel: { kernel: hash(machine.kernel), initrd: hash(machine.initrd), append: machine.append } }
      : {}),
    cores: machine.cores,
    cpuSignature: cpuSignature(machine.cpu) ?? 0,
    features: 1,
  });
  return Buffer.from(hex, 'hex');
}

async function boot(machine: Machine): Promise<void> {
  const say = (line: string) => process.stdout.write(`${line}\r\n`);
  if (behaviour.boot === 'silent') return;
  say('[    0.000000] Linux version 6.11.0 (stand-in)');
  say(`[    0.000000] Command line: ${machine.append}`);
  if (behaviour.boot === 'panic')
    return void say('[    1.000000] Kernel panic - not syncing: VFS: Unable to mount root fs');
  const vmId = /\bvm_id=(\S+)/.exec(machine.append)?.[1] ?? 'none';
  say(`VM_ID: ${vmId} Measurement: ${measurementOf(machine).toString('base64')}`);
  await sleep(behaviour.keyAfterMs ?? 200);
  if (behaviour.boot === 'denied') return void say('InitApp: key request: 401 Unauthorized: PolicyDeny');
  const key = randomBytes(64).toString('hex');
  say(`Retrieved key: ${behaviour.printKey ? key : `${key.slice(0, 4)} ... ${key.slice(-4)}`}`);
  say('InitApp: root unlocked');
  const line = `${'chatter '.repeat(15)}\r\n`;
  for (let left = behaviour.chatter ?? 0; left > 0; left -= line.length)
    if (!process.stdout.write(line)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  say('InitApp: container started');
}

if (args.includes('--version') || args.includes('-version')) {
  process.stdout.write(`QEMU emulator version ${behaviour.version ?? '9.2.1'} (stand-in)\n`);
  process.exit(0);
}
if (args[0] === '-object' && args[1] === 'help') {
  process.stdout.write(
    'List of user creatable objects:\n  memory-backend-memfd\n  memory-backend-ram\n  sev-guest\n  sev-snp-guest\n',
  );
  process.exit(0);
}

let machine: Machine;
try {
  machine = readArguments(args, behaviour.cbit ?? 51);
} catch (error) {
  if (error instanceof Refusal) fail(error.message);
  throw error;
}
process.on('SIGTERM', () => {
  if (behaviour.stubborn) return;
  process.stderr.write(`${name}: terminating on signal 15\n`);
  leave(0);
});
process.on('SIGINT', () => leave(0));
for (const drive of machine.drives) await holdDrive(drive);
for (const forward of machine.forwards) await openPort(forward);
appendFileSync(join(homedir(), '.cvm-host.record'), `${JSON.stringify({ cwd: process.cwd(), args })}\n`);
// Nothing this lab starts lives longer than its tests may.
setTimeout(() => leave(0), behaviour.lastsMs ?? 15 * 60_000);
await boot(machine);
