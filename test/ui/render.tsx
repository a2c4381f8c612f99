import { MantineProvider } from '@mantine/core';
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { MemoryRouter } from 'react-router';
import { createClient } from '../../src-renderer/bridge/client.ts';
import { createMemoryCarrier, type MemoryBackend } from '../../src-renderer/bridge/memory-carrier.ts';
import { ClientProvider } from '../../src-renderer/bridge/provider.tsx';

/** Draws a part of the windows over a backend held in memory. */
export function draw(part: ReactNode, backend: Partial<MemoryBackend> = {}) {
  const carrier = createMemoryCarrier({ calls: {}, ...backend });
  const client = createClient(carrier);
  const view = render(
    <MantineProvider env="test">
      <MemoryRouter>
        <ClientProvider client={client}>{part}</ClientProvider>
      </MemoryRouter>
    </MantineProvider>,
  );
  return { ...view, carrier, client };
}
