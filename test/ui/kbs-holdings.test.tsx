import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import { Images } from '../../src-renderer/features/kbs/images.tsx';
import { References } from '../../src-renderer/features/kbs/references.tsx';
import { Resources } from '../../src-renderer/features/kbs/resources.tsx';
import { draw } from './render.tsx';

const at = '2026-01-01T00:00:00.000Z';
const ok = (value: unknown) => ({ ok: true as const, value });

/** Calls held in memory; every one is kept. */
function calls(answers: Record<string, (input: never) => unknown>) {
  const asked: { name: string; input: Record<string, unknown> }[] = [];
  const kept = Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [
      name,
      (input: unknown) => {
        asked.push({ name, input: input as Record<string, unknown> });
        return answer(input as never);
      },
    ]),
  );
  return { asked, kept: kept as never };
}

async function typeName(user: ReturnType<typeof userEvent.setup>, button: string): Promise<void> {
  const dialog = await screen.findByRole('dialog');
  const confirm = within(dialog).getByRole('button', { name: button });
  expect(confirm).toHaveProperty('disabled', true);
  await user.type(within(dialog).getByRole('textbox'), 'study');
  await user.click(confirm);
}

const path = 'keys/root/vm-1';
const listed = (deletes: boolean) =>
  ok({
    release: deletes ? 'v0.20' : 'v0.14',
    deletes,
    counted_at: at,
    resources: [{ path, participant: 'site-1', reads: 2, writes: 1, done: null }],
  });

describe('the resources of a key broker', () => {
  it('puts the picked file by its place, never by its content, with the typed name', async () => {
    const { asked, kept } = calls({
      'kbs.resource_list': () => listed(true),
      'places.pick': () => ok({ place: { token: 'place:key', label: 'disk.key' } }),
      'kbs.resource_put': () => ok({ path, at, participant: 'site-1', size: 32 }),
    });
    draw(<Resources file="place:x" word="study" />, { calls: kept });
    const user = userEvent.setup();
    await user.click(await screen.findByRole('button', { name: 'Use path' }));
    const put = screen.getByRole('button', { name: 'Put resource' });
    expect(put.getAttribute('title')).toBe('Choose the file with its content');
    await user.click(screen.getByRole('button', { name: 'Choose file…' }));
    await screen.findByText('disk.key');
    await user.click(put);
    expect(await screen.findByText(/This is the disk key of site-1/)).toBeDefined();
    await typeName(user, 'Put resource');
    await waitFor(() =>
      expect(asked.find(({ name }) => name === 'kbs.resource_put')?.input).toEqual({
        file: 'place:x',
        path,
        content: 'place:key',
        confirm: 'study',
      }),
    );
    expect(asked.find(({ name }) => name === 'places.pick')?.input).toEqual({ purpose: 'resource_content' });
    await waitFor(() => expect(asked.filter(({ name }) => name === 'kbs.resource_list')).toHaveLength(2));
  });

  it('says why a release cannot delete, and deletes where it can', async () => {
    const old = calls({ 'kbs.resource_list': () => listed(false) });
    const { unmount } = draw(<Resources file="place:x" word="study" />, { calls: old.kept });
    const cannot = await screen.findByRole('button', { name: 'Delete' });
    expect(cannot.getAttribute('title')).toBe('Trustee v0.14 cannot delete a resource; v0.20 is the first.');
    unmount();
    const { asked, kept } = calls({
      'kbs.resource_list': () => listed(true),
      'kbs.resource_delete': () => ok({ path, at, participant: 'site-1' }),
    });
    draw(<Resources file="place:x" word="study" />, { calls: kept });
    const user = userEvent.setup();
    await user.click(await screen.findByRole('button', { name: 'Delete' }));
    expect(await screen.findByText(/cannot boot then/)).toBeDefined();
    await typeName(user, 'Delete');
    await waitFor(() =>
      expect(asked.find(({ name }) => name === 'kbs.resource_delete')?.input).toEqual({
        file: 'place:x',
        path,
        confirm: 'study',
      }),
    );
  });
});

describe('the reference values of a key broker', () => {
  it('says that a release answers by name, looks one up, and registers what the images measure', async () => {
    const { asked, kept } = calls({
      'kbs.reference_read': ({ names }: { names?: string[] }) =>
        ok({
          release: 'v0.16',
          complete: false,
          values: (names ?? []).map((name) => ({ name, value: null, registered_at: null })),
        }),
      'kbs.reference_register': () =>
        ok({ name: 'launch', changed: true, before: null, after: '[]', at, left_out: [] }),
    });
    draw(<References file="place:x" word="study" />, { calls: kept });
    const user = userEvent.setup();
    await screen.findByText(/Trustee v0.16 answers for a name only/);
    await user.type(screen.getByRole('textbox', { name: 'Name' }), 'launch');
    await user.click(screen.getByRole('button', { name: 'Look up' }));
    await screen.findByText('none of this name');
    const register = screen.getByRole('button', { name: 'Register' });
    expect(register.getAttribute('title')).toBe('Give values, or take those of the images');
    await user.type(screen.getByRole('textbox', { name: 'New values' }), 'aa{enter}{enter}bb');
    await user.click(screen.getByRole('checkbox', { name: 'Measurements of the images' }));
    await user.click(register);
    await typeName(user, 'Register');
    await waitFor(() =>
      expect(asked.find(({ name }) => name === 'kbs.reference_register')?.input).toEqual({
        file: 'place:x',
        name: 'launch',
        values: ['aa', 'bb'],
        from_images: true,
        confirm: 'study',
      }),
    );
  });
});

describe('the images beside the policy', () => {
  it('name the image that gets no key, the measurement left over and whose key it still gets', async () => {
    let generated = 0;
    const { asked, kept } = calls({
      'kbs.policy_measurements': () =>
        ok({
          release: 'v0.14',
          images: [
            {
              participant: 'site-1',
              vm_id: 'vm-1',
              answer: 'deny',
              measurement: '11'.repeat(48),
              lines: [],
            },
          ],
          stale: [
            {
              measurement: '22'.repeat(48),
              lines: [9],
              opens: ['site-1'],
              was: { participant: 'site-1', run: 'prod_00', debug_swap: false },
            },
          ],
        }),
    });
    draw(<Images file="place:x" text="package policy" onGenerate={() => (generated += 1)} />, {
      calls: kept,
    });
    const images = await screen.findByRole('table', { name: 'Images' });
    expect(within(images).getByText('refused')).toBeDefined();
    expect(within(images).getByText('nowhere')).toBeDefined();
    const stale = screen.getByRole('table', { name: 'Allowed, and of no newest image' });
    expect(within(stale).getByText('site-1 in prod_00')).toBeDefined();
    expect(within(stale).getByText('gets the key of site-1')).toBeDefined();
    expect(within(stale).getByText('line 9')).toBeDefined();
    await userEvent.click(screen.getByRole('button', { name: 'Write rules from images' }));
    expect(generated).toBe(1);
    expect(asked[0]?.input).toEqual({ file: 'place:x', text: 'package policy' });
  });
});
