import { createContext, useContext, type ReactNode } from 'react';
import type { Client } from './client.ts';

const ClientContext = createContext<Client | undefined>(undefined);

export function ClientProvider({ client, children }: { client: Client; children: ReactNode }) {
  return <ClientContext value={client}>{children}</ClientContext>;
}

/** The client of the contract. */
export function useClient(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error('No ClientProvider above this component.');
  return client;
}
