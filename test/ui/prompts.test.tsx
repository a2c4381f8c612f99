import { act, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import { Prompts } from '../../src-renderer/features/prompts/prompts.tsx';
import { draw } from './render.tsx';

const fingerprint = `SHA256:${'a'.repeat(43)}`;
const hostKey = {
  host: 'h1.example',
  port: 22,
  target: 'site-1',
  key_type: 'ssh-ed25519',
  fingerprint,
  notes: ['Another key of this host is known.'],
};

/** Draws the prompts and puts one question. */
async function ask(name: string, question: unknown, id = 'q1') {
  const { carrier } = draw(<Prompts />);
  let answer: unknown = 'none yet';
  act(() => {
    void carrier.ask({ id, name, question, deadline: Date.now() + 60_000 }).then((given) => (answer = given));
  });
  await screen.findByRole('dialog');
  return { user: userEvent.setup(), answer: () => answer, carrier };
}
const button = (name: string) => screen.getByRole('button', { name });

describe('a question of main', () => {
  it.each([
    ['prompts.host_key', hostKey, { accept: false }],
    ['prompts.confirm', { question: 'Go?' }, { yes: false }],
    ['prompts.place', { purpose: 'admin_kit', suggested: '/x' }, { path: null }],
    ['prompts.passphrase', { what: 'the key', attempt: 1 }, { passphrase: null }],
    ['prompts.new_passphrase', { what: 'the key' }, { passphrase: null }],
  ])('%s that is closed is refused', async (name, question, refusal) => {
    const { user, answer } = await ask(name, question);
    await user.keyboard('{Escape}');
    expect(answer()).toEqual(refusal);
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('is asked one after the other, none lost', async () => {
    const { user, carrier } = await ask('prompts.confirm', { question: 'First?' });
    const second = carrier.ask({
      id: 'q2',
      name: 'prompts.confirm',
      question: { question: 'Second?' },
      deadline: Date.now() + 60_000,
    });
    await user.click(button('Yes'));
    await screen.findByText('Second?');
    await user.click(button('No'));
    expect(await second).toEqual({ yes: false });
  });

  it('about a far-reaching act takes a yes only with the typed name', async () => {
    const { user, answer } = await ask('prompts.confirm', { question: 'A new root?', typed: 'north' });
    expect(button('Yes')).toHaveProperty('disabled', true);
    await user.type(screen.getByRole('textbox'), 'nort');
    expect(button('Yes')).toHaveProperty('disabled', true);
    await user.type(screen.getByRole('textbox'), 'h');
    await user.click(button('Yes'));
    expect(answer()).toEqual({ yes: true });
  });
});

describe('an unknown host key', () => {
  it('is shown with its host, its site, its notes and its fingerprint', async () => {
    await ask('prompts.host_key', hostKey);
    const text = screen.getByRole('dialog').textContent ?? '';
    for (const part of ['h1.example:22', 'site-1', 'ssh-ed25519', fingerprint, hostKey.notes[0] ?? '']) {
      expect(text).toContain(part);
    }
  });

  it.each([
    ['the fingerprint', fingerprint],
    ['it without its prefix', 'a'.repeat(43)],
    ['the line of ssh-keygen', `256 ${fingerprint} root@h1 (ED25519)`],
  ])('that is the same as %s may be accepted', async (_title, pasted) => {
    const { user, answer } = await ask('prompts.host_key', hostKey);
    await user.click(screen.getByRole('textbox'));
    await user.paste(pasted);
    expect(screen.getByText('Same key')).toBeDefined();
    await user.click(button('Accept this key'));
    expect(answer()).toEqual({ accept: true });
  });

  it('that differs from the pasted one cannot be accepted', async () => {
    const { user, answer } = await ask('prompts.host_key', hostKey);
    await user.click(screen.getByRole('textbox'));
    await user.paste(`SHA256:${'a'.repeat(42)}b`);
    expect(screen.getByText('This is another key. Do not connect.')).toBeDefined();
    expect(button('Accept this key')).toHaveProperty('disabled', true);
    await user.click(button('Refuse'));
    expect(answer()).toEqual({ accept: false });
  });
});

describe('a new passphrase', () => {
  it('is taken when it is long enough and typed twice the same', async () => {
    const { user, answer } = await ask('prompts.new_passphrase', { what: 'the key' });
    const [first, second] = [...document.querySelectorAll('input')];
    if (!first || !second) throw new Error('Two fields are missing.');
    await user.type(first, 'short');
    expect(screen.getByText('Too short.')).toBeDefined();
    await user.type(first, ' no more');
    await user.type(second, 'short no mor');
    expect(button('Set passphrase')).toHaveProperty('disabled', true);
    await user.type(second, 'e');
    await user.click(button('Set passphrase'));
    expect(answer()).toEqual({ passphrase: 'short no more' });
  });
});

describe('a passphrase', () => {
  const question = { what: '/k', attempt: 1 };
  const field = () => screen.getByLabelText(/^Passphrase of/);

  it('is remembered only where the computer can, and only when the person says so', async () => {
    const { user, answer } = await ask('prompts.passphrase', { ...question, can_remember: true });
    expect(screen.getByRole('checkbox', { name: 'Remember on this computer' })).toHaveProperty(
      'checked',
      false,
    );
    await user.type(field(), 'two words');
    await user.click(screen.getByRole('checkbox'));
    await user.click(button('Unlock'));
    expect(answer()).toEqual({ passphrase: 'two words', remember: true });
  });

  it('is not remembered unless asked for', async () => {
    const { user, answer } = await ask('prompts.passphrase', { ...question, can_remember: true });
    await user.type(field(), 'x{Enter}');
    expect(answer()).toEqual({ passphrase: 'x', remember: false });
  });

  it('offers nothing of the kind without a keychain', async () => {
    const { user, answer } = await ask('prompts.passphrase', { ...question, can_remember: false });
    expect(screen.queryByRole('checkbox')).toBeNull();
    await user.type(field(), 'x{Enter}');
    expect(answer()).toEqual({ passphrase: 'x' });
  });
});
