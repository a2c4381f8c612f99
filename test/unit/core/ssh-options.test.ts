import { describe, expect, it } from 'vitest';
import { sshOptionsOf } from '../../../src-main/core/ssh-options.ts';
import type { SiteTarget } from '../../../src-main/services/sites/index.ts';

const right = `SHA256:${'A'.repeat(43)}`;
const wrong = `SHA256:${'B'.repeat(43)}`;
const target = (name: string, host: string, port?: number): SiteTarget =>
  ({ name, ssh: { host, ...(port === undefined ? {} : { port }) } }) as SiteTarget;

/** What the first contact with a host comes to: the answer, and the question put to a person if there was one. */
async function meet(
  question: { label: string; host: string; port: number },
  targets: SiteTarget[],
  accepted: Record<string, string>,
) {
  const asked: { target?: string }[] = [];
  const core = {
    stateFolder: '/state',
    environment: { home: '/home/ada', user: 'ada' },
    audit: () => Promise.resolve({ append: () => Promise.resolve() }),
    prompts: {
      ask: (_name: string, about: { target?: string }) => {
        asked.push(about);
        return Promise.resolve({ accept: false });
      },
    },
  } as unknown as Parameters<typeof sshOptionsOf>[0]['core'];
  const options = sshOptionsOf({ core, signal: new AbortController().signal, targets, accepted });
  const presented = { keyType: 'ssh-ed25519', key: 'AAAA', fingerprint: right };
  const answer = await options.hostKeys.ask?.({ ...question, presented, notes: [] }, {});
  return { answer, asked };
}

const alias = { label: 'clinic', host: '10.0.0.7', port: 2222 };

describe('a host key accepted beforehand', () => {
  it.each([
    ['the participant, behind an alias that brings address and port', { 'site-1': right }],
    ['the alias', { clinic: right }],
    ['the address and port', { '[10.0.0.7]:2222': right }],
  ])('is found by %s', async (_title, accepted) => {
    const met = await meet(alias, [target('site-1', 'ada@clinic')], accepted);
    expect(met).toEqual({ answer: true, asked: [] });
  });

  it('refuses another key without asking', async () => {
    expect(await meet(alias, [target('site-1', 'clinic')], { 'site-1': wrong })).toEqual({
      answer: false,
      asked: [],
    });
  });

  it('does not stand for another host, nor for another port of the same one', async () => {
    const others = [target('site-2', 'other'), target('site-3', 'clinic', 22)];
    const met = await meet(alias, others, { 'site-2': right, 'site-3': right, '10.0.0.7': right });
    expect(met).toMatchObject({ answer: false, asked: [{ host: '10.0.0.7' }] });
    expect(met.asked[0]).not.toHaveProperty('target');
    const named = { label: 'h.example', host: 'h.example', port: 2222 };
    expect((await meet(named, [], { 'h.example': right })).asked).toHaveLength(1);
  });

  it('names the participant to the person who is asked', async () => {
    const met = await meet(alias, [target('site-1', 'clinic')], {});
    expect(met).toMatchObject({ answer: false, asked: [{ target: 'site-1' }] });
  });
});
