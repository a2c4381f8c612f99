/** Checks between participants: one server, unique names, relay and client trees, connection targets (§2.3, §2.6). */
import type { Participant } from './model.ts';
import { nearest } from './near-miss.ts';
import type { PlacedParticipant } from './participant.ts';
import { join } from './report.ts';
import type { Report } from './report.ts';
import { child, shorten } from './yaml/node.ts';
import type { YamlNode } from './yaml/node.ts';

/** `complete` = every entry of the list could be read; otherwise an unknown name may be one that could not. */
export function checkRelations(
  placed: readonly PlacedParticipant[],
  list: YamlNode,
  complete: boolean,
  report: Report,
): void {
  const byName = checkNames(placed, report);
  const servers = placed.filter((one) => one.participant.type === 'server');
  const [server, ...others] = servers;
  for (const other of others) {
    report.error(other.node, other.path, {
      code: 'server_repeated',
      message: `${other.path}: "${other.participant.name}" is a second server (the first is "${server?.participant.name}").`,
      hint: 'A project has one server; remove one, or make it a relay.',
    });
  }
  if (!server) {
    if (complete)
      report.error(list, 'participants', {
        code: 'server_missing',
        message: 'The project has no server.',
        hint: 'Add: - { name: server1.example.org, type: server, org: my_org, fed_learn_port: 8002 }',
      });
    return;
  }
  const trees = new Trees(placed, byName, server, complete, report);
  for (const one of placed) trees.check(one);
}

function nodeOf(one: PlacedParticipant, key: string): YamlNode {
  return child(one.node, key) ?? one.node;
}

function checkNames(placed: readonly PlacedParticipant[], report: Report): Map<string, PlacedParticipant> {
  const byName = new Map<string, PlacedParticipant>();
  for (const one of placed) {
    const earlier = byName.get(one.participant.name);
    if (earlier) {
      report.error(nodeOf(one, 'name'), join(one.path, 'name'), {
        code: 'name_repeated',
        message: `${one.path}: the name "${one.participant.name}" is already taken by ${earlier.path}.`,
        hint: 'Names are unique over all participants.',
      });
    } else byName.set(one.participant.name, one);
  }
  return byName;
}

class Trees {
  readonly #byName: Map<string, PlacedParticipant>;
  readonly #relays: string[];
  readonly #clients: string[];
  readonly #server: PlacedParticipant;
  readonly #complete: boolean;
  readonly #report: Report;
  readonly #settled = { parent: new Set<string>(), connect_to: new Set<string>() };
  #suggestions = 0;

  constructor(
    placed: readonly PlacedParticipant[],
    byName: Map<string, PlacedParticipant>,
    server: PlacedParticipant,
    complete: boolean,
    report: Report,
  ) {
    this.#byName = byName;
    this.#relays = placed
      .filter((one) => one.participant.type === 'relay')
      .map((one) => one.participant.name);
    this.#clients = placed
      .filter((one) => one.participant.type === 'client')
      .map((one) => one.participant.name);
    this.#server = server;
    this.#complete = complete;
    this.#report = report;
  }

  check(one: PlacedParticipant): void {
    const { participant } = one;
    if (participant.type === 'client' && participant.parent !== undefined)
      this.#checkParent(one, participant.parent);
    if (participant.connectTo && participant.type !== 'server') this.#checkTarget(one, participant.connectTo);
  }

  #isServer(name: string | undefined): boolean {
    return name === undefined || name === this.#server.participant.name || name === this.#server.writtenName;
  }

  #checkParent(one: PlacedParticipant, parent: string): void {
    const at = join(one.path, 'parent');
    if (this.#isServer(parent)) {
      one.participant.parent = undefined;
      return;
    }
    if (this.#byName.get(parent)?.participant.type !== 'client') {
      this.#unknown(one, 'parent', at, parent, 'is not a client of this project', [
        this.#server.participant.name,
        ...this.#clients,
      ]);
      return;
    }
    this.#checkCircle(one, at, 'parent', (participant) => participant.parent);
  }

  #checkTarget(one: PlacedParticipant, connectTo: NonNullable<Participant['connectTo']>): void {
    const at = join(one.path, 'connect_to');
    const isDirect = this.#isServer(connectTo.name);
    if (isDirect) {
      if (connectTo.name !== undefined) connectTo.name = this.#server.participant.name;
      this.#checkHost(one, at, connectTo.host, this.#server.participant.name, [
        this.#server.participant.defaultHost,
        ...this.#server.participant.hostNames,
      ]);
      return;
    }
    const name = connectTo.name ?? '';
    const relay = this.#byName.get(name)?.participant;
    if (one.participant.type === 'admin') {
      this.#report.warning(nodeOf(one, 'connect_to'), at, {
        code: 'connect_to_admin',
        message: `${at}: an admin always connects to the server, not to "${shorten(name)}".`,
        hint: 'Remove connect_to.name.',
      });
      return;
    }
    if (relay?.type !== 'relay') {
      this.#unknown(
        one,
        'connect_to',
        join(at, 'name'),
        name,
        'is neither the server nor a relay of this project',
        [this.#server.participant.name, ...this.#relays],
      );
      return;
    }
    if (relay.listeningHost) {
      this.#checkHost(one, at, connectTo.host, name, [
        relay.listeningHost.defaultHost,
        ...relay.listeningHost.hostNames,
      ]);
      if (connectTo.port === undefined && relay.listeningHost.port === undefined) {
        this.#report.warning(nodeOf(one, 'connect_to'), at, {
          code: 'relay_port_open',
          message: `${at}: the relay "${name}" has no listening_host.port, so nothing can connect to it.`,
          hint: `Write a port in the listening_host of "${name}".`,
        });
      }
    }
    if (one.participant.type === 'relay') {
      this.#checkCircle(one, join(at, 'name'), 'connect_to', (participant) => participant.connectTo?.name);
    }
  }

  /** Follows the parents up to the server. One finding per circle; a name once followed is not followed again. */
  #checkCircle(
    one: PlacedParticipant,
    at: string,
    key: 'parent' | 'connect_to',
    parentOf: (participant: Participant) => string | undefined,
  ): void {
    const settled = this.#settled[key];
    const chain: string[] = [];
    const inChain = new Set<string>();
    let next: string | undefined = one.participant.name;
    while (next !== undefined && !this.#isServer(next) && !settled.has(next) && !inChain.has(next)) {
      inChain.add(next);
      chain.push(next);
      const parent: Participant | undefined = this.#byName.get(next)?.participant;
      next = parent && parentOf(parent);
    }
    for (const name of chain) settled.add(name);
    if (next === undefined || !inChain.has(next)) return;
    const circle = [...chain.slice(chain.indexOf(next)), next];
    const shown = circle.length > 8 ? [...circle.slice(0, 6), '…', next] : circle;
    this.#report.error(nodeOf(one, key), at, {
      code: 'hierarchy_circle',
      message: `${at} leads into a circle: ${shown.join(' → ')}.`,
      hint: 'One of them must hang on the server.',
    });
  }

  #checkHost(
    one: PlacedParticipant,
    at: string,
    host: string | undefined,
    target: string,
    hosts: string[],
  ): void {
    if (host === undefined || hosts.includes(host)) return;
    this.#report.warning(nodeOf(one, 'connect_to'), at, {
      code: 'connect_to_host',
      message: `${at}: "${shorten(host)}" is not among the host names of "${target}", so it is not in its certificate.`,
      hint: `Add it to the host_names of "${target}", unless something in between answers for it.`,
    });
  }

  /** Comparing with every name is dear; in a project of thousands the first suggestions are enough. */
  #suggest(name: string, ownName: string, known: string[]): string | undefined {
    this.#suggestions += 1;
    return this.#suggestions > 20
      ? undefined
      : nearest(
          name,
          known.filter((other) => other !== ownName),
        );
  }

  #unknown(
    one: PlacedParticipant,
    key: string,
    at: string,
    name: string,
    what: string,
    known: string[],
  ): void {
    if (!this.#complete && !this.#byName.has(name)) return;
    const meant = this.#suggest(name, one.participant.name, known);
    this.#report.error(nodeOf(one, key), at, {
      code: 'participant_unknown',
      message: `${at}: "${shorten(name)}" ${what}.`,
      hint: meant ? `Did you mean "${meant}"?` : undefined,
    });
  }
}
