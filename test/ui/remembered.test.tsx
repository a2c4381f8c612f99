import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { Remembered } from '../../src-renderer/features/settings/remembered.tsx';
import { draw } from './render.tsx';

const kept = { id: 'a1', opens: 'SSH key /home/ada/.ssh/id', kept_at: new Date().toISOString() };

it('lists what the remembered passphrases open, and forgets one', async () => {
  let passphrases = [kept];
  const forgotten = vi.fn(() => {
    passphrases = [];
    return { ok: true as const, value: {} };
  });
  draw(<Remembered />, {
    calls: {
      'settings.remembered': () => ({ ok: true, value: { mode: 'keychain', passphrases } }),
      'settings.forget_remembered': forgotten,
    },
  });
  await userEvent.click(
    await screen.findByRole('button', { name: `Forget the passphrase of ${kept.opens}` }),
  );
  await waitFor(() => expect(screen.getByText('None is remembered.')).toBeDefined());
  expect(forgotten).toHaveBeenCalledTimes(1);
});

it('says that nothing is kept without a keychain', async () => {
  draw(<Remembered />, {
    calls: { 'settings.remembered': () => ({ ok: true, value: { mode: 'memory_only', passphrases: [] } }) },
  });
  expect(await screen.findByText(/kept in memory only/)).toBeDefined();
});
