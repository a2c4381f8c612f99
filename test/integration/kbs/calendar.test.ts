/** The calendar of certificates: kits, chips and a key broker's, the nearest end first; what is away hides nothing else. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectText, writeConfidentialProject } from './confidential-project.ts';
import { flaredesk } from '../../lab/flaredesk.ts';
import { startKbs, type TestKbs } from '../../lab/kbs/kbs.ts';

interface Calendar {
  endings: { kind: string; name: string; days_left: number; level: string; where: string }[];
  problems: { what: string; message: string }[];
}

let kbs: TestKbs;
let folder: string;
let project: string;
beforeAll(async () => {
  kbs = await startKbs({ minor: 14 });
  folder = await mkdtemp(join(tmpdir(), 'flaredesk-calendar-'));
  project = await writeConfidentialProject(folder, kbs);
  // Plain kits are enough here.
  await writeFile(
    project,
    projectText.replace(/packager:[\s\S]*$/, '').replaceAll(/, cc_config: \S+ \}/g, ' }'),
  );
});
afterAll(async () => {
  await kbs.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = <Value>(...words: string[]) =>
  flaredesk<Value>(words, {
    cwd: folder,
    env: { FLAREDESK_STATE: join(folder, 'state'), FLAREDESK_CHECK: '1' },
    seconds: 60,
  });
async function calendar(): Promise<Calendar> {
  const answer = await run<Calendar>('cert', 'calendar', '-p', project);
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.value;
}

it('names what ends when, and what could not be looked at', { timeout: 120_000 }, async () => {
  const before = await calendar();
  expect(before.problems).toEqual([]);
  expect(before.endings.map(({ kind, level }) => [kind, level])).toEqual(
    expect.arrayContaining([
      ['kbs', 'within_7_days'],
      ['kbs_ca', 'within_7_days'],
    ]),
  );
  expect((await run('provision', '-p', project)).ok).toBe(true);
  const vcek = join(import.meta.dirname, '../../fixtures/vectors/snp/vcek_milan.der');
  expect((await run('vcek', 'import', vcek)).ok).toBe(true);
  const { endings, problems } = await calendar();
  expect(problems).toEqual([]);
  const kinds = new Set(endings.map(({ kind }) => kind));
  expect(kinds).toEqual(new Set(['kbs', 'kbs_ca', 'root', 'participant', 'VCEK']));
  const days = endings.map(({ days_left: left }) => left);
  expect(days).toEqual([...days].sort((one, other) => one - other));
  expect(endings.filter(({ kind }) => kind === 'participant').map(({ name }) => name)).toEqual(
    expect.arrayContaining(['server1', 'site-1', 'site-2', 'admin@nvidia.com']),
  );
  expect(endings.find(({ kind }) => kind === 'root')).toMatchObject({ level: 'later' });

  const ca = await readFile(kbs.ca);
  await kbs.stop();
  await writeFile(join(folder, 'ca.pem'), ca);
  const desk = join(folder, 'desk.yml');
  await writeFile(desk, (await readFile(desk, 'utf8')).replace(kbs.ca, join(folder, 'ca.pem')));
  const away = await calendar();
  expect(away.problems.map(({ what }) => what)).toEqual(['key broker']);
  expect(away.problems[0]?.message).toContain('cannot be reached');
  expect(away.endings.some(({ kind }) => kind === 'participant')).toBe(true);
});
