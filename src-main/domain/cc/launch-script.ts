/** What `launch_vm.sh` starts, and whether all of it that is measured was understood. */
import type { LaunchFacts } from './bundle.ts';
import { readQemuArguments } from './qemu-arguments.ts';
import { type Known, readShell, type ShellCommand, type ShellProblem } from './shell-words.ts';

export interface LaunchReading {
  facts: LaunchFacts;
  /** What stands in the way of the measurement; empty = everything that is measured is known. */
  problems: ShellProblem[];
}

const qemu = 'qemu-system-x86_64';
/** Commands that run another one and change nothing of its arguments. */
const wrappers = new Set(['sudo', 'exec', 'nohup', 'setsid', 'time', 'command']);
/** Commands that change neither variables nor the files of the bundle. */
const harmless = new Set([
  'echo',
  'printf',
  'true',
  'false',
  ':',
  'test',
  '[',
  '[[',
  'sleep',
  'date',
  'id',
  'modprobe',
  'mkdir',
  'ls',
  'cat',
  'export',
  'readonly',
  'declare',
  'local',
  'typeset',
  'set',
  'cd',
  'exit',
  'command',
  'which',
  'type',
  'tee',
  'ulimit',
  'trap',
  'wait',
  'umask',
  'logger',
  'stty',
  'clear',
  'grep',
  'lspci',
  'chmod',
]);
const measuredFiles = /(?:^|\/)(?:OVMF\.amdsev\.fd|vmlinuz|initrd\.img|launch_vm\.sh)$/;

const textOf = (word: Known | undefined): string | undefined =>
  word && 'text' in word ? word.text : undefined;
const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The words after `sudo -E`, `exec` and their kind; undefined when a wrapper has options that are not understood. */
function unwrapped(words: readonly Known[]): readonly Known[] | undefined {
  let rest = words;
  for (;;) {
    const name = textOf(rest[0]);
    if (name === undefined || !wrappers.has(baseOf(name))) return rest;
    if (baseOf(name) === 'command' && textOf(rest[1])?.startsWith('-')) return rest;
    rest = rest.slice(1);
    while (textOf(rest[0])?.startsWith('-')) {
      if (!['-E', '-n', '-w', '-f', '--'].includes(textOf(rest[0]) as string)) return undefined;
      rest = rest.slice(1);
    }
  }
}

/** Why a command may change what is started; undefined when it does not. */
function objection(command: ShellCommand, words: readonly Known[] | undefined): string | undefined {
  const first = words?.[0];
  if (!words || !first) return 'a wrapper is used in a way that is not understood';
  if ('unknown' in first) return `a command is not understood: ${first.unknown}`;
  const name = baseOf(first.text);
  if (!harmless.has(name)) return `"${name.slice(0, 40)}" is not understood`;
  if (
    name === 'cd' &&
    textOf(words[1] === undefined || textOf(words[1]) === '--' ? words[2] : words[1]) !== '.'
  ) {
    return '"cd" to another folder than the script\'s own is not understood';
  }
  if (
    name === 'set' &&
    words.slice(1).some((word) => !/^[-+][A-Za-z]+$|^[a-z]+$/.test(textOf(word) ?? '?'))
  ) {
    return '"set" with arguments is not understood';
  }
  if (name === 'printf' && textOf(words[1]) === '-v') return '"printf -v" is not understood';
  if (name === 'exit' && !command.conditional) return 'the script ends before it starts a VM';
  if (['tee', 'chmod'].includes(name) && words.some((word) => measuredFiles.test(textOf(word) ?? ''))) {
    return `"${name}" works on a measured file`;
  }
  return undefined;
}

/**
 * Reads a launch script. Never runs it. A fact is there only when it is certain; everything that is measured and not
 * certain is a problem with its line (docs/reference/confidential-computing.md §3.3, §7.3).
 */
export function readLaunchScript(script: string): LaunchReading {
  const { commands, problems } = readShell(script);
  const starts: { command: ShellCommand; words: readonly Known[] }[] = [];
  for (const command of commands) {
    const words = unwrapped(command.words);
    const name = textOf(words?.[0]);
    if (words && name !== undefined && baseOf(name) === qemu) {
      starts.push({ command, words: words.slice(1) });
      continue;
    }
    if (starts.length === 0 || command.words.some((word) => textOf(word)?.includes('qemu'))) {
      const why = objection(command, words);
      if (why !== undefined) problems.push({ line: command.line, message: why });
    }
  }
  for (const { line, redirections } of commands) {
    if (redirections.some((file) => measuredFiles.test(textOf(file) ?? ''))) {
      problems.push({ line, message: 'a measured file is written to or read from' });
    }
  }
  const [start, another] = starts;
  if (!start) {
    problems.push({ line: 1, message: `it has no command ${qemu} that is understood` });
    return { facts: { forwards: [], drives: [], gpus: [] }, problems };
  }
  if (another) problems.push({ line: another.command.line, message: 'it starts more than one VM' });
  if (start.command.conditional) {
    problems.push({ line: start.command.line, message: 'it starts the VM under a condition' });
  }
  const { facts, problems: inArguments } = readQemuArguments(start.words);
  problems.push(...inArguments.map((message) => ({ line: start.command.line, message })));
  return { facts, problems };
}
