/**
 * Every badge a site can wear: when, on what proof, and what it does not prove. The first rule that holds, wins. This table is
 * the product's promise: `docs/attestation.md` and the windows are made from it, and no other place decides a colour.
 */
import type { Facts } from './facts.ts';
import type { EvidenceClass } from './events.ts';

export type BadgeColour = 'green' | 'green_outline' | 'blue' | 'grey' | 'amber' | 'red' | 'striped';

export interface BadgeRule {
  id: string;
  label: string;
  colour: BadgeColour;
  /** The class of the evidence it rests on; P is the project's own files. */
  class: EvidenceClass;
  /** For the reviewer: when it is shown. */
  condition: string;
  /** For the reviewer: what stands behind it. */
  proof: string;
  /** What it does not prove. */
  limit: string;
  when(facts: Facts): boolean;
  /** One sentence for this site now. */
  message(facts: Facts): string;
}

const outcome = (facts: Facts): string | undefined => facts.evidence?.verdict.outcome;
const said = (facts: Facts): string => facts.evidence?.verdict.message ?? '';
const nearlyOver = ({ evidence, evidenceUntil, windows, now }: Facts): boolean =>
  evidence !== undefined && evidenceUntil !== undefined && evidenceUntil - now < windows.hardware / 5;
const verifiedByAmd = (facts: Facts): boolean =>
  outcome(facts) === 'verified' && facts.evidence?.verdict.simulated === false;

const replayLimit =
  'The random bytes in a report are the prover’s: who holds the site’s key and an unseen old report of the same VM could replay it. It says nothing about the time after the check, or about data and people inside the VM.';

export const badges = [
  {
    id: 'not_configured',
    label: 'not confidential',
    colour: 'grey',
    class: 'P',
    condition: 'The project or kit asks for no confidential computing at this site.',
    proof: 'project.yml or the kit',
    limit: 'Whoever runs the host can read its memory.',
    when: (facts) => facts.configured === 'none',
    message: () => 'The site is not set up for confidential computing.',
  },
  {
    id: 'simulated_failing',
    label: 'failing (simulated)',
    colour: 'striped',
    class: 'H',
    condition: 'As "failing", with a report whose chain ends in the test root.',
    proof: 'A report signed by a test key.',
    limit: 'Nothing about real hardware: the test root is accepted for trials only.',
    when: (facts) => outcome(facts) === 'refused' && facts.evidence?.verdict.simulated === true,
    message: said,
  },
  {
    id: 'failing',
    label: 'failing',
    colour: 'red',
    class: 'H',
    condition: 'The newest evidence within its window was refused by this console.',
    proof: 'The raw report and the check that failed.',
    limit:
      'Not who is to blame: a wrong report can be a changed VM, a wrong bundle on record here, or a forgery.',
    when: (facts) => outcome(facts) === 'refused',
    message: said,
  },
  {
    id: 'federation_stopped',
    label: 'federation stopped',
    colour: 'red',
    class: 'L',
    condition: 'The server does not answer any more, and it did before in this run.',
    proof: 'The connection of this console.',
    limit:
      'Not why, and not whether only this console lost its way to the server: the reason is the last line a source said, or unknown.',
    when: (facts) => facts.stopped,
    message: ({ federation }) =>
      `The server is not reachable: ${federation.stopping?.line ?? federation.server?.reason ?? 'the reason is unknown'}`,
  },
  {
    id: 'peers_failed',
    label: 'refused by peers',
    colour: 'red',
    class: 'F',
    condition:
      'The newest line about it in a log of FLARE, within its window, says that the peers refused it.',
    proof: 'A line of the log of the server or of a site.',
    limit: 'Forgeable by the FLARE process that wrote the line.',
    when: (facts) => facts.peers?.kind === 'failed' && !verifiedByAmd(facts),
    message: ({ peers }) => peers?.line ?? '',
  },
  {
    id: 'mock',
    label: 'mock',
    colour: 'striped',
    class: 'P',
    condition: 'Its kit names the mock attester, or its token is that attester’s constant.',
    proof: 'The kit or the token.',
    limit: 'Proves nothing at all, whatever the token says.',
    when: (facts) => facts.configured === 'mock' || outcome(facts) === 'mock',
    message: () => 'The mock attester proves nothing.',
  },
  {
    id: 'contradiction',
    label: 'contradiction',
    colour: 'amber',
    class: 'I',
    condition: 'Two sources within their windows cannot both be right.',
    proof: 'Both statements, side by side.',
    limit: 'Which of them is wrong.',
    when: (facts) => facts.contradictions.length > 0,
    message: ({ contradictions }) => contradictions[0]?.message ?? '',
  },
  {
    id: 'lost',
    label: 'lost',
    colour: 'red',
    class: 'L',
    condition:
      'It was connected, and its last heartbeat is older than 60 s or the server does not list it any more.',
    proof: 'check_status of the server.',
    limit: 'Nothing about its VM, which may run on without a connection.',
    when: (facts) => facts.lost,
    message: () =>
      'The server has not heard of it for a minute. The federation may stop at the next check of its peers.',
  },
  {
    id: 'no_answer',
    label: 'no answer',
    colour: 'amber',
    class: 'H',
    condition: 'The newest request for evidence was not answered in time.',
    proof: 'The request and how long it was waited for.',
    limit: 'Neither passed nor failed: a slow attester, a network problem and a stopped VM look the same.',
    when: (facts) => facts.unanswered > 0,
    message: ({ unanswered }) =>
      unanswered > 1
        ? `${unanswered} requests in a row were not answered.`
        : 'The newest request for evidence was not answered.',
  },
  {
    id: 'simulated_attested',
    label: 'attested (simulated)',
    colour: 'striped',
    class: 'H',
    condition: 'As "attested", but the chain ends in the test root, which an explicit switch allowed.',
    proof: 'A report signed by a test key.',
    limit: 'Nothing about real hardware: the test root is accepted for trials only.',
    when: (facts) => outcome(facts) === 'verified' && facts.evidence?.verdict.simulated === true,
    message: said,
  },
  {
    id: 'attested_ending',
    label: 'attested, check due',
    colour: 'amber',
    class: 'H',
    condition: 'As "attested", with less than a fifth of the window left.',
    proof: 'As "attested".',
    limit: replayLimit,
    when: (facts) => verifiedByAmd(facts) && nearlyOver(facts),
    message: () => 'The evidence was verified; a fresh check is due.',
  },
  {
    id: 'attested',
    label: 'attested',
    colour: 'green',
    class: 'H',
    condition:
      'The newest evidence is a report verified by this console in this run and connection, within max(2 × check interval, 15 min), and nothing contradicts it.',
    proof:
      'AMD’s signature chain to a built-in root, measurement equal to the bundle’s, debugging off, VMPL 0, chip and firmware as expected, report never seen before.',
    limit: replayLimit,
    when: (facts) => verifiedByAmd(facts),
    message: said,
  },
  {
    id: 'genuine',
    label: 'genuine, image unknown',
    colour: 'blue',
    class: 'H',
    condition:
      'As "attested", but something could not be compared: no bundle on record, a masked chip, a VLEK.',
    proof: 'AMD’s signature chain to a built-in root.',
    limit: 'Not which image runs there, or on which chip.',
    when: (facts) => outcome(facts) === 'genuine' && facts.evidence?.verdict.simulated === false,
    message: said,
  },
  {
    id: 'simulated_genuine',
    label: 'genuine (simulated)',
    colour: 'striped',
    class: 'H',
    condition: 'As "genuine", but the chain ends in the test root.',
    proof: 'A report signed by a test key.',
    limit: 'Nothing about real hardware.',
    when: (facts) => outcome(facts) === 'genuine',
    message: said,
  },
  {
    id: 'unchecked',
    label: 'evidence not checked',
    colour: 'grey',
    class: 'H',
    condition: 'Evidence came, but the certificate of its chip is not here.',
    proof: 'A report as received, signature not checked.',
    limit: 'Anybody could have written such a report.',
    when: (facts) => outcome(facts) === 'unchecked',
    message: said,
  },
  {
    id: 'attested_at_boot',
    label: 'attested at boot',
    colour: 'green_outline',
    class: 'K',
    condition:
      'The key broker released its key after its launch, and its kit is connected (heartbeat at most 30 s old).',
    proof: 'The release counter of the key broker; the heartbeat.',
    limit: 'Forgeable by whoever runs the key broker; says nothing about the time after the boot.',
    when: (facts) => facts.released && facts.connected,
    message: () => 'The key broker gave it its key at boot, and it is connected. No hardware evidence since.',
  },
  {
    id: 'peer_checked',
    label: 'peer-checked',
    colour: 'blue',
    class: 'F',
    condition: 'A log of FLARE says that the cross-site check passed, within the time the next one is due.',
    proof: 'A line of the log, read over the admin connection.',
    limit: 'Peers check for some genuine guest, not for your image or for debugging.',
    when: (facts) => facts.peers?.kind === 'passed',
    message: () => 'Its peers checked it: a genuine guest, not more.',
  },
  {
    id: 'connected',
    label: 'connected',
    colour: 'blue',
    class: 'L',
    condition: 'Its last heartbeat at the server is at most 30 s old; nothing stronger is known.',
    proof: 'check_status of the server.',
    limit: 'The kit is connected; not that it runs in a confidential VM.',
    when: (facts) => facts.connected,
    message: () => 'Its kit is connected. Where the kit runs is not proven.',
  },
  {
    id: 'host_reported',
    label: 'host says',
    colour: 'grey',
    class: 'S',
    condition: 'Only its host says something: a process, serial output, files.',
    proof: 'Commands run on the host by ssh.',
    limit: 'The owner of the host can make it say anything.',
    when: (facts) => facts.hostSays,
    message: ({ process }) =>
      process && process.count > 0
        ? 'Its host says that the VM runs.'
        : 'Its host tells of files or serial output only.',
  },
  {
    id: 'stale',
    label: 'not known any more',
    colour: 'grey',
    class: 'I',
    condition:
      'There was evidence; its window is over, the connection or the server was renewed, or this program restarted.',
    proof: 'The timeline.',
    limit: 'Nothing about now.',
    when: ({ memory }) =>
      memory.lastVerifiedAt !== undefined ||
      memory.evidence !== undefined ||
      memory.peers !== undefined ||
      memory.live !== undefined,
    message: ({ federation }) =>
      federation.sinceWhy === undefined
        ? 'What was known is too old to count.'
        : `What was known does not count any more: ${federation.sinceWhy}.`,
  },
  {
    id: 'unknown',
    label: 'unknown',
    colour: 'grey',
    class: 'I',
    condition: 'No source has said anything.',
    proof: 'None.',
    limit: 'Everything.',
    when: () => true,
    message: () => 'Nothing is known of it yet.',
  },
] as const satisfies readonly BadgeRule[];

export type BadgeId = (typeof badges)[number]['id'];
const table: readonly BadgeRule[] = badges;

/** The badge of a site: the first rule that holds. */
export function badgeOf(facts: Facts): BadgeRule & { id: BadgeId } {
  return (table.find((rule) => rule.when(facts)) ?? table.at(-1)) as BadgeRule & { id: BadgeId };
}
