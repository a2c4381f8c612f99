/** Reads and checks the project given, twice, and prints the milliseconds of both. */
import { loadProject } from '../src-main/services/projects/index.ts';

async function timed() {
  const begin = performance.now();
  const { project, findings } = await loadProject({ file: process.argv[2] ?? '', flare: '2.8.1' });
  const milliseconds = performance.now() - begin;
  if (!project) throw new Error(JSON.stringify(findings.slice(0, 3)));
  return { milliseconds, participants: project.participants.length };
}

const first = await timed();
const later = await timed();
process.stdout.write(
  JSON.stringify({
    first: first.milliseconds,
    later: later.milliseconds,
    participants: later.participants,
  }),
);
