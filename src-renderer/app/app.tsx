import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { useEffect } from 'react';
import { HashRouter } from 'react-router';
import type { Client } from '../bridge/client.ts';
import { ClientProvider } from '../bridge/provider.tsx';
import { Prompts } from '../features/prompts/prompts.tsx';
import { settingsReplica } from '../state/replicas.ts';
import { ErrorBoundary } from './error-boundary.tsx';
import { styleNonce } from './nonce.ts';
import { Shell } from './shell.tsx';
import { theme } from './theme.ts';

/** Everything around the pages: theme, client, routes, prompts, notifications. */
export function App({ client }: { client: Client }) {
  const settings = settingsReplica.use((replica) => replica.value);
  const appearance = settings?.appearance ?? 'system';
  useEffect(() => {
    document.documentElement.dataset.contrast = settings?.contrast ?? 'normal';
  }, [settings?.contrast]);
  return (
    <MantineProvider
      theme={theme}
      getStyleNonce={() => styleNonce}
      defaultColorScheme="auto"
      {...(appearance === 'system' ? {} : { forceColorScheme: appearance })}
    >
      <ErrorBoundary>
        <ClientProvider client={client}>
          <HashRouter>
            <Shell />
            <Prompts />
          </HashRouter>
          <Notifications position="bottom-right" limit={3} mb={28} />
        </ClientProvider>
      </ErrorBoundary>
    </MantineProvider>
  );
}
