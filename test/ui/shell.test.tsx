import { MantineProvider } from '@mantine/core';
import { act, render, screen } from '@testing-library/react';
import { Profiler } from 'react';
import { MemoryRouter } from 'react-router';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { StateValue } from '../../src-main/contract/index.ts';
import { Shell } from '../../src-renderer/app/shell.tsx';
import { createClient } from '../../src-renderer/bridge/client.ts';
import { createMemoryCarrier } from '../../src-renderer/bridge/memory-carrier.ts';
import { ClientProvider } from '../../src-renderer/bridge/provider.tsx';
import { followAll } from '../../src-renderer/state/replicas.ts';

type Value = StateValue<'workspace.current'>;
type Open = NonNullable<Value['open']>;
type Site = Open['participants'][number];

const site = (name: string, more: Partial<Site> = {}): Site => ({
  name,
  type: 'client',
  org: 'org',
  problems: 0,
  ...more,
});
const admin = site('admin@nvidia.com', { type: 'admin', kit_place: { token: 't', label: 'kit' } });

const workspace = (participants: Site[], more: Partial<Open> = {}): Value => ({
  open: {
    kind: 'project',
    name: 'study',
    label: '/study',
    flare: '2.8.1',
    state: 'ok',
    errors: 0,
    warnings: 0,
    participants,
    attention: [],
    ...more,
  },
  recent: [],
});
const working = (text: string) => site('site-1', { delivered: { state: 'busy', text } });

let stop: () => void = () => undefined;
afterEach(() => stop());

/** The whole window with the console in it, how often something of it was drawn, and main's word on the open project. */
async function consoleWindow() {
  const carrier = createMemoryCarrier({
    calls: {},
    states: { 'workspace.current': workspace([admin, working('1 %')]) },
  });
  const client = createClient(carrier);
  stop = followAll(client);
  const drawn = vi.fn();
  render(
    <MantineProvider env="test">
      <MemoryRouter initialEntries={['/console']}>
        <ClientProvider client={client}>
          <Profiler id="window" onRender={drawn}>
            <Shell />
          </Profiler>
        </ClientProvider>
      </MemoryRouter>
    </MantineProvider>,
  );
  await screen.findByRole('button', { name: /Open session as/ }, { timeout: 10_000 });
  const tell = async (value: Value): Promise<number> => {
    drawn.mockClear();
    await act(async () => {
      carrier.setState('workspace.current', structuredClone(value));
      await Promise.resolve();
    });
    return drawn.mock.calls.length;
  };
  return { tell };
}

describe('the window around the console', () => {
  it('is not drawn again while sites are worked on', async () => {
    const { tell } = await consoleWindow();
    await tell(workspace([admin, working('2 %')]));
    expect(await tell(workspace([admin, working('3 %')]))).toBe(0);
    expect(await tell(workspace([admin, site('site-1')]))).toBe(0);
  });

  it('is drawn again for what it shows', async () => {
    const { tell } = await consoleWindow();
    expect(await tell(workspace([admin, working('1 %')], { name: 'trial' }))).toBeGreaterThan(0);
    expect(screen.getByText('trial')).toBeDefined();
    const confidential = site('site-1', { confidential: true });
    expect(await tell(workspace([admin, confidential], { name: 'trial' }))).toBeGreaterThan(0);
    expect(screen.getByRole('link', { name: 'Builds' })).toBeDefined();
    const other = { ...admin, name: 'lead@nvidia.com' };
    expect(await tell(workspace([admin, other, confidential], { name: 'trial' }))).toBeGreaterThan(0);
    expect(screen.getByRole('button', { name: 'Open session as lead@nvidia.com' })).toBeDefined();
    await tell({ open: null, recent: [] });
    expect(screen.getByRole('link', { name: 'Sites' }).getAttribute('aria-disabled')).toBe('true');
  });
});
