/** What a server says of itself right after the login: its commands, and its exact version where it reports one. */
import { DeskError } from '../../contract/errors.ts';
import { readable } from './answers.ts';
import { SessionStepError } from './errors.ts';
import { commandsOf, versionOf } from './hci.ts';
import type { CommandInfo, CommandReply } from './types.ts';

/**
 * @param ask runs one command
 * @throws SessionStepError of the step `commands`; DeskError `cancelled`
 */
export async function learnServer(
  ask: (line: string) => Promise<CommandReply>,
  reportsVersion: boolean,
): Promise<{ commands: CommandInfo[]; version: string | undefined }> {
  const version = reportsVersion ? ask('report_version server').catch(() => undefined) : undefined;
  try {
    const reply = await ask('_commands');
    return { commands: readable(() => commandsOf(reply.items)), version: versionOf(await version) };
  } catch (error) {
    if (!(error instanceof DeskError) || error.code === 'cancelled') throw error;
    const { code, message, hint, retryable } = error;
    throw new SessionStepError('commands', code, message, { hint, retryable, cause: error });
  } finally {
    await version;
  }
}
