import type { SitesOptions } from './types.ts';

/**
 * Puts the questions of several sites one after the other, and keeps a passphrase for this run: several sites with the
 * same identity ask once. A second attempt means the kept one was wrong, so a person is asked again.
 */
export function questionsInTurn(ssh: SitesOptions['ssh']): SitesOptions['ssh'] {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(question: () => Promise<T>): Promise<T> => {
    const result = last.then(question);
    last = result.catch(() => undefined);
    return result;
  };
  const given = new Map<string, string>();
  const { ask } = ssh.hostKeys;
  const { passphrase } = ssh.auth;
  return {
    ...ssh,
    hostKeys: {
      ...ssh.hostKeys,
      ...(ask ? { ask: (question, context) => inTurn(() => ask(question, context)) } : {}),
    },
    auth: {
      ...ssh.auth,
      ...(passphrase
        ? {
            passphrase: (question, context) =>
              inTurn(async () => {
                const kept = given.get(question.file);
                if (kept !== undefined && question.attempt === 1) return kept;
                const answer = await passphrase(question, context);
                if (answer !== undefined) given.set(question.file, answer);
                return answer;
              }),
          }
        : {}),
    },
  };
}
