/** Alarms of attestation, told by the system once each, whatever window is in front. */
import type { DeskClient, StateValue } from '../../contract/index.ts';
import type { Notify } from './notifier.ts';

type Alarm = StateValue<'attestation.board'>['alarms'][number];

/** Follows the alarms until the returned function is called; `open` shows the site, or the board when there is none. */
export function showAlarms(client: DeskClient, notify: Notify, open: (route: string) => void): () => void {
  let told = new Set<string>();
  return client.subscribe('attestation.board', ({ value: { alarms } }) => {
    for (const alarm of alarms) {
      if (told.has(alarm.key)) continue;
      const body = [alarm.message, alarm.hint].filter((line) => line !== undefined).join('\n');
      notify({ title: 'Attestation', body }, () => open(routeOf(alarm)));
    }
    told = new Set(alarms.map(({ key }) => key));
  });
}

const routeOf = ({ site }: Alarm): string =>
  site === undefined ? '/attestation' : `/attestation/site/${encodeURIComponent(site)}`;
