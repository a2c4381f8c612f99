import { act, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it } from 'vitest';
import KbsPage from '../../src-renderer/features/kbs/kbs-page.tsx';
import { kbsReplica, workspaceReplica } from '../../src-renderer/state/replicas.ts';
import { draw } from './render.tsx';

const sha256 = 'a'.repeat(64);
const inForce = 'package policy\n\ndefault allow = false\n';
const at = '2026-01-01T00:00:00.000Z';
const ok = (value: unknown) => ({ ok: true as const, value });

/** A key broker's page over calls held in memory; every call is kept. */
async function page(more: Record<string, (input: never) => unknown> = {}) {
  const asked: { name: string; input: Record<string, unknown> }[] = [];
  const answers: Record<string, (input: never) => unknown> = {
    'kbs.policy_read': () =>
      ok({
        text: inForce,
        sha256,
        read_at: at,
        release: 'v0.14',
        findings: [],
        cvms: [],
        changed_elsewhere: null,
      }),
    'kbs.policy_lint': ({ text }: { text: string }) =>
      ok({
        release: 'v0.14',
        cvms: [],
        findings: text.includes('true')
          ? [{ severity: 'error', code: 'kbs_policy_default', message: 'allow is true by default', line: 3 }]
          : [],
      }),
    'kbs.policy_simulate': ({ text }: { text: string }) =>
      ok({
        release: 'v0.14',
        theirs_sha256: sha256,
        cvms: [
          {
            participant: 'site-2',
            vm_id: 'vm-2',
            before: 'allow',
            after: text === inForce ? 'allow' : 'deny',
            change: text === inForce ? 'same' : 'loses',
          },
        ],
      }),
    ...more,
  };
  const calls = Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [
      name,
      (input: unknown) => {
        asked.push({ name, input: input as Record<string, unknown> });
        return answer(input as never);
      },
    ]),
  );
  workspaceReplica.use.setState({
    value: {
      open: { name: 'study', file: { token: 'place:x', label: '/study/project.yml' } },
      recent: [],
    } as never,
  });
  kbsReplica.use.setState({
    value: {
      address: 'https://kbs.example:8999',
      status: {
        at,
        address: 'https://kbs.example:8999',
        release: 'v0.14',
        release_sure: true,
        admin: 'ok',
        findings: [],
      },
      policy: { sha256, read_at: at, changed_elsewhere: { at, known_sha256: sha256, known_at: at } },
      counters: null,
      vault: { at, address: 'https://vault.example:8200', state: 'sealed' },
      error: null,
    },
  });
  draw(<KbsPage />, { calls: calls as never });
  const editor = await screen.findByRole('textbox', { name: 'Policy text' });
  return { user: userEvent.setup(), asked, editor };
}
afterEach(() => {
  act(() => {
    workspaceReplica.use.setState({ value: undefined });
    kbsReplica.use.setState({ value: undefined });
  });
});

const setButton = () => screen.getByRole('button', { name: 'Set policy' });

describe('the key broker page', () => {
  it('shows the policy in force, and that somebody else changed it', async () => {
    const { editor } = await page();
    expect(editor).toHaveProperty('value', inForce);
    expect(screen.getByText(/Somebody else changed it/)).toBeDefined();
    expect(screen.getByText('Vault sealed: no VM gets its key')).toBeDefined();
    expect(setButton().getAttribute('aria-disabled')).toBe('true');
  });

  it('names who would lose the key, and sets only with the typed name of the project', async () => {
    const { user, asked, editor } = await page({
      'kbs.policy_set': () => ok({ changed: true, sha256, at, findings: [], cvms: [] }),
    });
    await user.type(editor, '# none');
    await screen.findByText('loses its key', {}, { timeout: 3000 });
    await waitFor(() => expect(setButton().getAttribute('aria-disabled')).toBeNull());
    await user.click(setButton());
    const dialog = await screen.findByRole('dialog');
    expect(within(dialog).getByText(/site-2 would lose the key/)).toBeDefined();
    const confirm = within(dialog).getByRole('button', { name: 'Set policy' });
    expect(confirm).toHaveProperty('disabled', true);
    await user.type(within(dialog).getByRole('textbox'), 'study');
    await user.click(confirm);
    await waitFor(() => expect(asked.some(({ name }) => name === 'kbs.policy_set')).toBe(true));
    expect(asked.find(({ name }) => name === 'kbs.policy_set')?.input).toEqual({
      file: 'place:x',
      read_sha256: sha256,
      confirm: 'study',
      text: `${inForce}# none`,
      accept_findings: false,
    });
  });

  it('does not set a text with errors before they are accepted', async () => {
    const { user, editor } = await page();
    await user.type(editor, '# true');
    await screen.findByText('allow is true by default', {}, { timeout: 3000 });
    expect(setButton().getAttribute('aria-disabled')).toBe('true');
    await user.click(screen.getByRole('checkbox', { name: /although the check found errors/ }));
    await waitFor(() => expect(setButton().getAttribute('aria-disabled')).toBeNull());
  });

  it('leads from a refused stale write to both changes, and takes them together', async () => {
    const refused = { code: 'conflict', message: 'It was changed since it was read.', retryable: false };
    const { user, editor } = await page({
      'kbs.policy_deny_all': () => ({ ok: false, error: refused }),
      'kbs.policy_compare': () =>
        ok({
          base: { from: 'read', sha256, at },
          theirs_sha256: 'b'.repeat(64),
          theirs_text: '# theirs\n',
          conflict: false,
          merged: '# theirs and ours\n',
          ours: [{ kind: 'added', text: '# ours' }],
          theirs: [{ kind: 'added', text: '# theirs' }],
        }),
    });
    await user.click(screen.getByRole('button', { name: 'Deny all' }));
    const dialog = await screen.findByRole('dialog');
    await user.type(within(dialog).getByRole('textbox'), 'study');
    await user.click(within(dialog).getByRole('button', { name: 'Deny all' }));
    await user.click(await screen.findByRole('button', { name: 'Show differences' }));
    await screen.findByText('+ # theirs');
    await user.click(screen.getByRole('button', { name: 'Take both changes' }));
    expect(await screen.findByRole('textbox', { name: 'Policy text' })).toHaveProperty(
      'value',
      '# theirs and ours\n',
    );
    expect(editor.isConnected).toBe(false);
  });
});
