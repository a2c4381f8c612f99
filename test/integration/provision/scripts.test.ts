/** What the scripts of a kit do, ours and those of the reference side by side (docs/reference/provisioning.md §7). */
import { lstat, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { renderScripts } from '../../../src-main/domain/kit/scripts/index.ts';
import type { Participant, Project } from '../../../src-main/domain/project/model.ts';
import { flareVersions, newLabFolder } from '../../lab/nvflare.ts';
import type { Fields } from './generate.ts';
import { startReference } from './reference.ts';
import { type Outcome, Stage } from './script-stage.ts';
import { writeProject } from './workbench.ts';

const impl = 'nvflare.lighter.impl';
const project = {
  api_version: 3,
  name: 'example_project',
  participants: [
    { name: 'server1', type: 'server', org: 'nvidia' },
    { name: 'site-1', type: 'client', org: 'nvidia' },
    { name: 'admin@nvidia.com', type: 'admin', org: 'nvidia', role: 'lead' },
  ] as Fields[],
  builders: [
    { path: `${impl}.workspace.WorkspaceBuilder` },
    { path: `${impl}.static_file.StaticFileBuilder`, args: { config_folder: 'config' } },
    { path: `${impl}.cert.CertBuilder` },
    { path: `${impl}.signature.SignatureBuilder` },
  ],
};

type Scripts = Record<string, string>;

/** Ours, rendered from the same participant. */
function ownScripts(line: Project['line'], name: string): Scripts {
  const { type, org } = project.participants.find((participant) => participant.name === name) ?? {};
  const files = renderScripts(
    { name, type, org } as Participant,
    { line, builders: project.builders } as unknown as Project,
  );
  return Object.fromEntries(files.map(({ path, content }) => [path.replace('startup/', ''), content]));
}

describe.each(flareVersions)('scripts of a kit, %s', (line) => {
  const reference: Record<string, Scripts> = {};
  let stages: Stage[] = [];

  beforeAll(async () => {
    const folder = await newLabFolder('scripts');
    const tool = await startReference(line);
    const file = await writeProject(folder, { seed: 0, files: {}, project });
    const answer = await tool.provision({ project: file, workspace: join(folder, 'ws'), cwd: folder });
    expect(answer.ok, answer.output).toBe(true);
    for (const { name } of project.participants as { name: string }[]) {
      const startup = join(folder, 'ws/example_project/prod_00', name, 'startup');
      const names = (await readdir(startup)).filter((entry) => entry.endsWith('.sh'));
      const texts = await Promise.all(names.map((entry) => readFile(join(startup, entry), 'utf8')));
      reference[name] = Object.fromEntries(names.map((entry, index) => [entry, texts[index] ?? '']));
    }
    await tool.close();
    await rm(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    await Promise.all(stages.map((stage) => stage.clear()));
    stages = [];
  });

  const set = async (kit: string, scripts: Scripts): Promise<Stage> => {
    const stage = await Stage.set(kit, scripts);
    stages.push(stage);
    return stage;
  };

  /** Plays the same scene with both; ours in a folder with blanks, which the reference of 2.7 does not bear. */
  const both = async <T = Outcome>(
    play: (stage: Stage) => Promise<T>,
    name = 'site-1',
    more: Scripts = {},
  ): Promise<T> => {
    // All programs are written before the first is started: one open for writing cannot be run.
    const ours = await set("kit of a 'site' $1", { ...ownScripts(line, name), ...more });
    const theirs = await set('kit', { ...reference[name], ...more });
    const [own, expected] = await Promise.all([play(ours), play(theirs)]);
    expect(own).toEqual(expected);
    return own;
  };

  it.each(['server1', 'site-1'])('%s: --once runs Python and gives its exit code', async (name) => {
    const outcome = await both(async (stage) => {
      for (const marker of ['pid.fl', 'shutdown.fl', 'restart.fl']) await stage.mark(marker, '1');
      return await stage.outcome(stage.run('sub_start.sh', ['x', '--once'], { FAKE_PYTHON: '7' }));
    }, name);
    expect(outcome).toMatchObject({ exit: 7, markers: [] });
    expect(outcome.calls).toHaveLength(1);
  });

  it('--verify runs Python only when the verifier agrees', async () => {
    const good = await both(async (stage) =>
      stage.outcome(stage.run('sub_start.sh', ['--verify', '--once'], { FAKE_PYTHON: '0' })),
    );
    expect(good.calls.map((call) => call.includes('nvflare.tool.verify_startup_kits'))).toEqual([
      true,
      false,
    ]);
    const bad = await both(async (stage) =>
      stage.outcome(stage.run('sub_start.sh', ['--verify'], { FAKE_VERIFY: '1' })),
    );
    expect(bad).toMatchObject({ exit: 1, markers: [] });
    expect(bad.calls).toHaveLength(1);
  });

  it('does nothing while another one runs', async () => {
    const outcome = await both(async (stage) => {
      await stage.mark('daemon_pid.fl', String(process.pid));
      return await stage.outcome(stage.run('sub_start.sh'));
    });
    expect(outcome).toEqual({ exit: 0, calls: [], markers: ['daemon_pid.fl'] });
  });

  it('starts over a daemon_pid.fl of a process that is gone', async () => {
    await both(async (stage) => {
      await stage.mark('daemon_pid.fl', '4194399');
      const child = stage.run('sub_start.sh');
      await stage.called(1);
      return (await readFile(join(stage.kit, 'daemon_pid.fl'), 'utf8')).trim() === String(child.pid);
    }).then((isOwn) => expect(isOwn).toBe(true));
  });

  // The reference leaves its Python to process 1, which may take seconds to collect it: once is enough.
  it('gives up after five quick deaths and cleans up', async () => {
    const play = (stage: Stage): Promise<Outcome> =>
      stage.outcome(stage.run('sub_start.sh', [], { FAKE_PYTHON: '1' }));
    const outcome = await (line === '2.7.2'
      ? both(play)
      : set('a kit', ownScripts(line, 'site-1')).then(play));
    expect(outcome).toMatchObject({ exit: 0, markers: [] });
    expect(outcome.calls).toHaveLength(5);
  });

  it('shutdown.fl ends a running site', async () => {
    const outcome = await both(async (stage) => {
      const child = stage.run('sub_start.sh');
      await stage.called(1);
      await stage.mark('shutdown.fl');
      return await stage.outcome(child);
    });
    expect(outcome).toMatchObject({ exit: 0, markers: [] });
  });

  it('shutdown.fl lets a site that ended by itself rest', async () => {
    const outcome = await both(async (stage) => {
      await stage.mark('shutdown.fl');
      await stage.mark('pid.fl', '4194399');
      return await stage.outcome(stage.run('sub_start.sh'));
    });
    expect(outcome).toEqual({ exit: 0, calls: [], markers: [] });
  });

  it('restart.fl starts Python again', async () => {
    await both(async (stage) => {
      stage.run('sub_start.sh');
      await stage.called(1);
      await stage.mark('restart.fl');
      await stage.called(2);
      return await stage.calls();
    });
  });

  it('pid.fl holds the pid of Python, and stopping ends it (the reference misses it)', async () => {
    const stage = await set('a kit', ownScripts(line, 'site-1'));
    const child = stage.run('sub_start.sh');
    await stage.called(1);
    await stage.until(
      async () => (await readFile(join(stage.kit, 'pid.fl'), 'utf8').catch(() => '')) !== '',
      'pid.fl',
    );
    const pid = await stage.pythonPid();
    expect((await readFile(join(stage.kit, 'pid.fl'), 'utf8')).trim()).toBe(pid);
    await stage.mark('shutdown.fl');
    await stage.outcome(child);
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  });

  it('makes the transfer folder and sets up the environment', async () => {
    await both(async (stage) => {
      await stage.outcome(stage.run('sub_start.sh', ['--once'], { FAKE_PYTHON: '0', PYTHONPATH: '/mine' }));
      expect((await lstat(join(stage.kit, 'transfer'))).isDirectory()).toBe(true);
      return await readFile(join(stage.folder, 'record.env'), 'utf8');
    }).then((environment) => expect(environment).toBe('/local/custom:/mine 4\n'));
  });

  it('start.sh returns at once and passes nothing on', async () => {
    const outcome = await both(async (stage) => {
      const end = await stage.outcome(stage.run('start.sh', ['--once', '--verify']));
      await stage.called(1);
      return { exit: end.exit, calls: await stage.calls() };
    });
    expect(outcome.exit).toBe(0);
  });

  it.each(['aws', 'azure'])('start.sh --cloud %s hands over everything', async (cloud) => {
    const record = `#!/bin/bash\n{ printf '%s\\x01' "\${0##*/}" "$@"; echo; } >>"$RECORD"\n`;
    const outcome = await both(
      async (stage) => stage.outcome(stage.run('start.sh', ['--image', 'x', '--cloud', cloud])),
      'site-1',
      { [`${cloud}_start.sh`]: record },
    );
    expect(outcome.calls).toEqual([[`${cloud}_start.sh`, '--image', 'x', '--cloud', cloud]]);
  });

  it('start.sh with another cloud starts nothing', async () => {
    expect(await both(async (stage) => stage.outcome(stage.run('start.sh', ['--cloud', 'moon'])))).toEqual({
      exit: 0,
      calls: [],
      markers: [],
    });
  });

  it.each([
    ['y', ['shutdown.fl']],
    ['Y', ['shutdown.fl']],
    ['n', []],
    ['', []],
  ])('stop_fl.sh answered %j leaves %j', async (answer, markers) => {
    const outcome = await both(async (stage) => stage.outcome(stage.run('stop_fl.sh', [], {}, answer)));
    expect(outcome.markers).toEqual(markers);
  });

  it('fl_admin.sh opens the console', async () => {
    const outcome = await both(async (stage) => {
      const end = await stage.outcome(stage.run('fl_admin.sh', ['a b', '--x'], { FAKE_PYTHON: '3' }));
      expect((await lstat(join(stage.kit, 'transfer'))).isDirectory()).toBe(true);
      return end;
    }, 'admin@nvidia.com');
    expect(outcome.exit).toBe(3);
    expect(outcome.calls[0]?.slice(6)).toEqual(line === '2.7.2' ? [] : ['a b', '--x']);
  });

  if (line === '2.8.1')
    it('NVFL_WORKSPACE: a copy of the kit runs in a folder of its own', async () => {
      const outcome = await both(async (stage) => {
        const work = join(stage.folder, 'run');
        const env = { NVFL_WORKSPACE: work, FAKE_PYTHON: '0' };
        const first = await stage.outcome(stage.run('sub_start.sh', ['--verify', '--once'], env), work);
        const again = await stage.outcome(stage.run('sub_start.sh', ['--verify', '--once'], env), work);
        return {
          first,
          again,
          mode: ((await lstat(join(work, 'kit'))).mode & 0o777).toString(8),
          link: (await readlink(join(work, 'startup'))).replace(stage.folder, '<stage>'),
          kit: (await readdir(stage.kit)).toSorted(),
        };
      });
      expect(outcome).toMatchObject({
        mode: '700',
        link: '<stage>/run/kit/startup',
        kit: ['local', 'startup'],
      });
      expect(outcome.again.calls).toHaveLength(4);
    });

  if (line === '2.8.1')
    it('NVFL_WORKSPACE=/ is refused', async () => {
      const outcome = await both(async (stage) =>
        stage.outcome(stage.run('sub_start.sh', [], { NVFL_WORKSPACE: '/' })),
      );
      expect(outcome).toEqual({ exit: 1, calls: [], markers: [] });
    });

  if (line === '2.8.1')
    it('a runtime folder that is the kit under another name leaves the kit whole', async () => {
      const stage = await set('kit', ownScripts(line, 'site-1'));
      await symlink(stage.kit, join(stage.folder, 'link'));
      const env = { NVFL_WORKSPACE: join(stage.folder, 'link'), FAKE_PYTHON: '0' };
      expect(await stage.outcome(stage.run('sub_start.sh', ['--once'], env))).toMatchObject({ exit: 0 });
      expect((await lstat(join(stage.kit, 'startup'))).isDirectory()).toBe(true);
    });
});
