import type { Participant } from '../../project/model.ts';

/** The two ports of a server; one number in single-port mode (docs/reference/provisioning.md §2.5). */
export function serverPorts(server: Participant): { fedLearn: number; admin: number } {
  const fedLearn = server.fedLearnPort ?? 8002;
  return { fedLearn, admin: server.adminPort ?? fedLearn };
}
