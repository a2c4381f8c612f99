import { describe, expect, it } from 'vitest';
import { siteFormSchema } from '../../src-main/contract/drafts.ts';
import { changedLines, type DraftParticipant } from '../../src-renderer/features/project/draft.ts';
import { operationsOf } from '../../src-renderer/features/project/participant-form.tsx';

describe('changed lines', () => {
  it.each([
    ['a\nb\nc', 'a\nb\nc', []],
    ['a\nb\nc', 'a\nB\nc', [2]],
    ['a\nc', 'a\nb\nc', [2]],
    ['a\nb\nc', 'a\nc', []],
    ['', 'a\nb', [1, 2]],
    ['a\nb\nc\nd', 'a\nc\nb2\nd', [3]],
  ])('of %j against %j', (base, text, wanted) => {
    expect([...changedLines(base, text)]).toEqual(wanted);
  });
});

const site = (properties: Record<string, unknown>, host?: Record<string, unknown>): DraftParticipant => ({
  name: 'site-1',
  type: 'client',
  org: 'org',
  properties: { name: 'site-1', type: 'client', org: 'org', ...properties },
  ...(host ? { host } : {}),
});

describe('what a site form says, as operations', () => {
  it('adds a site with its host and no empty key', () => {
    const form = {
      name: 'site-2',
      org: 'org',
      connect_to: '',
      ssh: 'h2.example',
      user: '',
      path: '/opt/py:/usr/bin',
    };
    expect(operationsOf(form, undefined, 'client')).toEqual([
      { op: 'add_participant', participant: { name: 'site-2', org: 'org', type: 'client' } },
      { op: 'set_host', name: 'site-2', host: { ssh: 'h2.example', path: ['/opt/py', '/usr/bin'] } },
    ]);
  });

  it('renames, and takes away what was emptied', () => {
    const before = site({ connect_to: 'relay' }, { ssh: 'h1', user: 'u' });
    expect(
      operationsOf({ name: 'site-9', org: 'org', connect_to: '', ssh: 'h1', user: '' }, before, 'client'),
    ).toEqual([
      { op: 'change_participant', name: 'site-1', changes: { name: 'site-9', org: 'org', connect_to: null } },
      { op: 'set_host', name: 'site-9', host: { ssh: 'h1' } },
    ]);
  });

  it('writes the chip a host must have in small letters, and takes it away when it is emptied', () => {
    const chip = 'AB'.repeat(64);
    const wanted = { ssh: 'h1', chip_id: chip.toLowerCase() };
    const form = { name: 'site-1', org: 'org', ssh: 'h1', chip_id: chip };
    expect(operationsOf(form, site({}, { ssh: 'h1' }), 'client').at(-1)).toEqual({
      op: 'set_host',
      name: 'site-1',
      host: wanted,
    });
    expect(operationsOf({ ...form, chip_id: '' }, site({}, wanted), 'client').at(-1)).toEqual({
      op: 'set_host',
      name: 'site-1',
      host: { ssh: 'h1' },
    });
    for (const [text, isGood] of [
      [chip, true],
      ['0123456789abcdef', true],
      ['', true],
      ['xyz', false],
      [chip.slice(1), false],
    ] as const)
      expect(`${text} ${siteFormSchema.safeParse({ ...form, chip_id: text }).success}`).toBe(
        `${text} ${isGood}`,
      );
  });

  it('removes the host when nothing of it is left', () => {
    const operations = operationsOf(
      { name: 'site-1', org: 'org', ssh: '' },
      site({}, { ssh: 'h1' }),
      'client',
    );
    expect(operations.at(-1)).toEqual({ op: 'set_host', name: 'site-1', host: null });
  });

  it('leaves a connect_to alone that it cannot show', () => {
    const before = site({ connect_to: { host: 'h', port: 1 } });
    const [change] = operationsOf({ name: 'site-1', org: 'org', connect_to: '' }, before, 'client');
    expect(change).toEqual({
      op: 'change_participant',
      name: 'site-1',
      changes: { name: 'site-1', org: 'org' },
    });
  });

  it('gives a server its ports and names, an admin no host', () => {
    const [server] = operationsOf(
      { name: 's', org: 'org', fed_learn_port: 8002, host_names: 'a.example, b.example' },
      undefined,
      'server',
    );
    expect(server).toMatchObject({
      participant: { fed_learn_port: 8002, host_names: ['a.example', 'b.example'] },
    });
    expect(operationsOf({ name: 'a@b.c', org: 'org', role: 'lead', ssh: 'h' }, undefined, 'admin')).toEqual([
      { op: 'add_participant', participant: { name: 'a@b.c', org: 'org', role: 'lead', type: 'admin' } },
    ]);
  });
});
