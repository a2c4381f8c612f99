/** How the core reaches hosts: whose keys are trusted, who is asked, who answers for passphrases. */
import { join } from 'node:path';
import type { PassphraseQuestion } from '../services/ssh/index.ts';
import type { SitesOptions, SiteTarget } from '../services/sites/index.ts';
import type { CoreParts } from './context.ts';

/** A host with the name desk.yml gives it. */
export type Reached = Pick<SiteTarget, 'name' | 'ssh'>;

export interface SshUse {
  core: CoreParts;
  signal: AbortSignal;
  targets: readonly Reached[];
  /** Host name or participant → the key a person accepted beforehand. */
  accepted?: Readonly<Record<string, string>>;
  /** The task that works, for the questions and the audit trail. */
  task?: { id: string; waiting<Answer>(ask: () => Promise<Answer>): Promise<Answer> };
}

/** The names under which a host may be accepted: as the question shows it, or the participant desk.yml puts there. */
function acceptedKey(
  question: { host: string; port: number },
  targets: readonly Reached[],
  accepted: Readonly<Record<string, string>>,
): string | undefined {
  const shown = question.port === 22 ? question.host : `[${question.host}]:${question.port}`;
  const there = targets.filter(
    ({ ssh }) => ssh.host.replace(/^.*@/, '') === question.host && (ssh.port ?? 22) === question.port,
  );
  const name = [shown, ...there.map((target) => target.name)].find((one) => Object.hasOwn(accepted, one));
  return name === undefined ? undefined : accepted[name];
}

const participantAt = (host: string, port: number, targets: readonly Reached[]): string | undefined =>
  targets.find(({ ssh }) => ssh.host.replace(/^.*@/, '') === host && (ssh.port ?? 22) === port)?.name;

export function sshOptionsOf({ core, signal, targets, accepted = {}, task }: SshUse): SitesOptions['ssh'] {
  const about = task ? { task: task.id } : {};
  const waiting = task ? task.waiting.bind(task) : <Answer>(ask: () => Promise<Answer>) => ask();
  return {
    home: core.environment.home,
    hostKeys: {
      ownFile: join(core.stateFolder, 'known_hosts'),
      readFiles: [join(core.environment.home, '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'],
      ask: async ({ host, port, presented, notes }) => {
        const trail = await core.audit();
        const decided = async (accept: boolean): Promise<boolean> => {
          await trail.append({
            actor: task ? `task ${task.id}` : 'window',
            action: 'host_key.decision',
            target: `[${host}]:${port}`,
            outcome: accept ? 'accepted' : 'refused',
            detail: { key_type: presented.keyType, fingerprint: presented.fingerprint },
          });
          return accept;
        };
        const expected = acceptedKey({ host, port }, targets, accepted);
        if (expected !== undefined) return decided(expected === presented.fingerprint);
        const target = participantAt(host, port, targets);
        const { accept } = await waiting(() =>
          core.prompts.ask(
            'prompts.host_key',
            {
              ...about,
              ...(target === undefined ? {} : { target }),
              host,
              port,
              key_type: presented.keyType,
              fingerprint: presented.fingerprint,
              notes: [...notes],
            },
            { signal, otherwise: 'Pin the key in desk.yml (host_key).' },
          ),
        );
        return decided(accept);
      },
    },
    auth: {
      ...(core.environment.sshAgentSocket === undefined
        ? {}
        : { agentSocket: core.environment.sshAgentSocket }),
      defaultUser: core.environment.user,
      passphrase: async ({ file, host, attempt }: PassphraseQuestion) => {
        const answer = await waiting(() =>
          core.prompts.ask(
            'prompts.passphrase',
            { ...about, target: host, what: file, attempt },
            { signal, otherwise: 'Name a passphrase file in desk.yml.' },
          ),
        );
        return answer.passphrase ?? undefined;
      },
    },
  };
}
