/** Tells alarms of attestation through the system, once each, where the person allowed it. */
import { attestationReplica, settingsReplica } from '../../state/replicas.ts';

/** Asks for leave to notify; only ever called from a click. */
export function askToNotify(): void {
  if (typeof Notification !== 'undefined' && Notification.permission === 'default') {
    void Notification.requestPermission();
  }
}

/** Follows the alarms until the returned function is called. */
export function notifyAlarms(title: string): () => void {
  let told = new Set<string>();
  return attestationReplica.use.subscribe(() => {
    const alarms = attestationReplica.use.getState().value?.alarms ?? [];
    const isWanted = settingsReplica.use.getState().value?.notifications !== false;
    for (const { key, message } of isWanted ? alarms : []) {
      if (told.has(key) || typeof Notification === 'undefined' || Notification.permission !== 'granted')
        continue;
      new Notification(title, { body: message, tag: key });
    }
    told = new Set(alarms.map(({ key }) => key));
  });
}
