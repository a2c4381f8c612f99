import './app/no-eval.ts';
import './app/nonce.ts';
import '@mantine/core/styles.css';
import '@mantine/spotlight/styles.css';
import '@mantine/notifications/styles.css';
import './app/theme.css';
import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';
import { initTexts } from './app/texts.ts';
import { createClient } from './bridge/client.ts';
import { createPreloadCarrier, type DeskApi } from './bridge/preload-carrier.ts';
import { createSocketCarrier } from './bridge/socket-carrier.ts';
import { followAll } from './state/replicas.ts';

declare global {
  interface Window {
    /** Present in the desktop app, put there by the preload. */
    desk?: DeskApi;
  }
}

const carrier = window.desk
  ? createPreloadCarrier(window.desk)
  : createSocketCarrier(`${location.origin.replace(/^http/, 'ws')}/contract`);
const client = createClient(carrier);

await initTexts();
followAll(client);
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root.');
createRoot(root).render(<App client={client} />);
