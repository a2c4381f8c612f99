import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderScripts, renderStartAll } from '../../../../src-main/domain/kit/scripts/index.ts';
import { shellWord } from '../../../../src-main/domain/kit/scripts/shell.ts';
import type { Participant, Project } from '../../../../src-main/domain/project/model.ts';

const lines = ['2.7.2', '2.8.1'] as const;
const types = ['server', 'client', 'relay', 'admin'] as const;

function participant(type: Participant['type'], name: string, more: Partial<Participant> = {}): Participant {
  return { type, name, org: 'nvidia', ...more } as Participant;
}

function project(
  line: Project['line'],
  args: Record<string, unknown>,
  participants: Participant[] = [],
): Project {
  const builders = [{ path: 'nvflare.lighter.impl.static_file.StaticFileBuilder', args }];
  return { line, builders, participants } as unknown as Project;
}

/** What bash makes of a text. */
const bash = (...args: string[]): string => execFileSync('bash', args, { encoding: 'utf8' });

describe('shellWord', () => {
  it('stands for exactly its text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
        (text) => bash('-c', `printf %s ${shellWord(text)}`) === text,
      ),
      { numRuns: 50 },
    );
  });

  it('leaves names bare, so that preflight tools find them', () => {
    expect(shellWord('site-1')).toBe('site-1');
    expect(shellWord('')).toBe("''");
  });
});

describe.each(lines)('scripts of %s', (line) => {
  it.each(types)('%s: the right files, all executable, valid bash whatever the settings hold', (type) => {
    const nasty = `it's "$(touch /tmp/x)" \`y\`\\`;
    const files = renderScripts(
      participant(type, 'site-1'),
      project(line, { config_folder: nasty, docker_image: nasty }),
    );
    const site = ['startup/start.sh', 'startup/sub_start.sh', 'startup/stop_fl.sh'];
    expect(files.map(({ path }) => path)).toEqual(
      type === 'admin'
        ? ['startup/fl_admin.sh', 'startup/docker.sh']
        : [...site, ...(type === 'relay' ? [] : ['startup/docker.sh'])],
    );
    for (const { content, mode, path } of files) {
      expect(mode).toBe(0o755);
      expect(() => bash('-n', '-c', content), path).not.toThrow();
      expect(content.startsWith('#!/usr/bin/env bash\n')).toBe(true);
    }
  });

  it('no docker.sh without an image', () => {
    for (const type of types) {
      const files = renderScripts(participant(type, 'x'), project(line, { config_folder: 'config' }));
      expect(files.map(({ path }) => path)).not.toContain('startup/docker.sh');
    }
  });

  it.each(['client', 'relay'] as const)('the uid of a %s can be read from sub_start.sh', (type) => {
    const files = renderScripts(participant(type, 'Site_1-b'), project(line, {}));
    const content = files.find(({ path }) => path.endsWith('sub_start.sh'))?.content ?? '';
    expect(/uid=([^\s]+)/.exec(content)?.[1]).toBe('Site_1-b');
  });

  it('start_all.sh: the server, then relays from the top down, then clients', () => {
    const { path, mode, content } = renderStartAll(
      project(line, {}, [
        participant('client', 'site-1'),
        participant('relay', 'r-low', { connectTo: { name: 'r-top' } }),
        participant('admin', 'a@b.cc'),
        participant('relay', 'r-top'),
        participant('server', 'server1'),
      ]),
    );
    expect([path, mode]).toEqual(['start_all.sh', 0o755]);
    expect([...content.matchAll(/\$here\/([^/]+)\/startup\/start\.sh/g)].map((match) => match[1])).toEqual([
      'server1',
      'r-top',
      'r-low',
      'site-1',
    ]);
    expect(() => bash('-n', '-c', content)).not.toThrow();
  });
});
