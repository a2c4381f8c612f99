/** Ends a build on its host, clears what is ours, tells what is left over. */
import { type Build, type BuildTools, say } from './build.ts';
import { clean, end, leftOvers } from './ending-scripts.ts';
import { linesOf, type Machine, must } from './machine.ts';
import { release } from './scripts.ts';
import type { LeftOver } from './types.ts';

const cleanupMs = 20_000;
/** Seconds a builder may take to end after it was asked to. */
const graceSeconds = 5;

/** Ends a build on its host for good and gives the host free. What is left over is put into the record. */
export async function endBuild(build: Build, machine: Machine, tools: BuildTools): Promise<void> {
  const { record } = build;
  const found = await must(machine, 'Ending the build', end, [record.id, String(graceSeconds)], {
    timeoutMs: cleanupMs,
  });
  await tellLeftOvers(build, tools, found);
  await giveFree(build, machine);
  await machine.run(clean, [record.id], { timeoutMs: cleanupMs });
}

/** Gives the host free for the next build. */
export async function giveFree(build: Build, machine: Machine): Promise<void> {
  await machine.run(release, [build.record.id], { timeoutMs: cleanupMs });
}

/** What is left on the host after a build that failed. */
export async function noteLeftOvers(build: Build, machine: Machine, tools: BuildTools): Promise<void> {
  const { code, ...rest } = await machine.run(leftOvers, [build.record.id], { timeoutMs: cleanupMs });
  if (code === 0) await tellLeftOvers(build, tools, linesOf({ code, ...rest }));
}

/** A mapping may be called anything; the command is there to be copied into a shell. */
const quoted = (name: string): string =>
  /^[\w.:@%+][\w.:@%+-]*$/.test(name) ? name : `-- '${name.replaceAll("'", "'\\''")}'`;

async function tellLeftOvers(build: Build, tools: BuildTools, lines: readonly string[]): Promise<void> {
  const found = lines.flatMap((line): LeftOver[] => {
    const [word, kind, ...rest] = line.split(' ');
    const [first = ''] = rest;
    if (word !== 'left') return [];
    const name = kind === 'luks' ? rest.join(' ') : first;
    if (kind === 'process') return [{ kind, name, command: `kill ${name}`, certain: false }];
    if (kind === 'nbd')
      return [{ kind, name, command: `sudo qemu-nbd --disconnect /dev/${name}`, certain: false }];
    if (kind === 'luks')
      return [{ kind, name, command: `sudo cryptsetup close ${quoted(name)}`, certain: false }];
    return [];
  });
  if (found.length === 0) return;
  for (const { kind, name, command } of found)
    say(build, tools, `Left over since this build began: ${kind} ${name}; to end it: ${command}`);
  await build.change({ leftOvers: found });
}

/** Removes what is ours on the host. Kept quiet: the build has its outcome already. */
export async function cleanUp(build: Build, machine: Machine): Promise<void> {
  if (machine.isOpen)
    await machine.run(clean, [build.record.id], { timeoutMs: cleanupMs }).catch(() => undefined);
}
