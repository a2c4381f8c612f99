/** How the core reaches hosts: whose keys are trusted, who is asked, who answers for passphrases. */
import { join } from 'node:path';
import type { HostKeyQuestion, PassphraseQuestion } from '../services/ssh/index.ts';
import type { SitesOptions, SiteTarget } from '../services/sites/index.ts';
import type { CoreParts } from './context.ts';
import { askPassphrase } from './passphrases.ts';

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

type HostQuestion = Pick<HostKeyQuestion, 'label' | 'host' | 'port'>;

/**
 * The participants at the host of a question. desk.yml names a host or an alias of ~/.ssh/config; the question carries
 * both what was written (`label`) and what it stands for. An alias may bring its own port.
 */
const targetsAt = ({ label, host, port }: HostQuestion, targets: readonly Reached[]): readonly Reached[] =>
  targets.filter(({ ssh }) => {
    const written = ssh.host.replace(/^.*@/, '');
    if (written === label) return ssh.port === undefined || ssh.port === port;
    return written === host && (ssh.port ?? 22) === port;
  });

/** The key accepted beforehand for a host: as the question or desk.yml names it, or by the participant there. */
function acceptedKey(
  question: HostQuestion,
  targets: readonly Reached[],
  accepted: Readonly<Record<string, string>>,
): string | undefined {
  const { label, host, port } = question;
  const shown = port === 22 ? host : `[${host}]:${port}`;
  // The bare label stands for a host at another port only when it is an alias, which has one port.
  const names = [shown, ...(label === host && port !== 22 ? [] : [label])];
  const name = [...names, ...targetsAt(question, targets).map((target) => target.name)].find((one) =>
    Object.hasOwn(accepted, one),
  );
  return name === undefined ? undefined : accepted[name];
}

export function sshOptionsOf({ core, signal, targets, accepted = {}, task }: SshUse): SitesOptions['ssh'] {
  const about = task ? { task: task.id } : {};
  const waiting = task ? task.waiting.bind(task) : <Answer>(ask: () => Promise<Answer>) => ask();
  return {
    home: core.environment.home,
    hostKeys: {
      ownFile: join(core.stateFolder, 'known_hosts'),
      readFiles: [join(core.environment.home, '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'],
      ask: async ({ label, host, port, presented, notes }) => {
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
        const expected = acceptedKey({ label, host, port }, targets, accepted);
        if (expected !== undefined) return decided(expected === presented.fingerprint);
        const target = targetsAt({ label, host, port }, targets)[0]?.name;
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
        const otherwise = 'Name a passphrase file in desk.yml.';
        const question = { ...about, target: host, what: file, attempt };
        return waiting(() => askPassphrase(core, { opens: `SSH key ${file}`, question, signal, otherwise }));
      },
    },
  };
}
