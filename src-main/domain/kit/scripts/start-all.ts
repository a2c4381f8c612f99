import type { Participant, Project } from '../../project/model.ts';
import type { KitFile } from '../kit-file.ts';
import { findOwnFolder, shebang } from './shell.ts';

/**
 * `start_all.sh` beside the kits: starts the server, then the relays from the top of their tree down, then the
 * clients (docs/reference/provisioning.md §4.8). The path is relative to the `prod_NN` folder.
 */
export function renderStartAll(project: Project): KitFile {
  const ofType = (type: Participant['type']): Participant[] =>
    project.participants.filter((participant) => participant.type === type);
  const relays = ofType('relay');
  const order = [
    ...ofType('server'),
    ...relays.toSorted((a, b) => relayPath(a, relays).length - relayPath(b, relays).length),
    ...ofType('client'),
  ];
  const starts = order.map(({ name }) => `"$here/${name}/startup/start.sh"\n`).join('');
  return { path: 'start_all.sh', mode: 0o755, content: shebang + findOwnFolder + starts };
}

/** The FQCN of a relay: the names from the top of its tree, joined by dots. A cycle ends at the first repetition. */
function relayPath(relay: Participant, relays: Participant[]): string {
  const names = [relay.name];
  let parent = relays.find(({ name }) => name === relay.connectTo?.name);
  while (parent && !names.includes(parent.name)) {
    names.unshift(parent.name);
    const above = parent.connectTo?.name;
    parent = relays.find(({ name }) => name === above);
  }
  return names.join('.');
}
