import { useSyncExternalStore } from 'react';
import { useClient } from '../bridge/provider.tsx';
import { useTexts } from './texts.ts';

/** Says when the window shows the past because main cannot be reached. */
export function ConnectionBanner() {
  const t = useTexts();
  const client = useClient();
  const state = useSyncExternalStore(client.onConnection, client.connection);
  if (state !== 'lost') return null;
  return (
    <div role="alert" style={{ padding: '6px 16px', background: 'var(--warn)', color: 'var(--ground)' }}>
      {t('common.connectionLost')}
    </div>
  );
}
