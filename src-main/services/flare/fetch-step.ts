/** One part of a file from the server, asked for again after a drop (docs/reference/admin-protocol.md §9.3). */
import { DeskError } from '../../contract/errors.ts';
import { readable } from './answers.ts';
import type { CellReply } from './pending-requests.ts';
import type { ProtocolProfile } from './profiles.ts';
import { downloadRequest, downloadStep, type DownloadStep, isUnknownChannel } from './transfer.ts';

const mostTries = 5;

export interface FetchPort {
  /** Waits until the session is connected. */
  connected(): Promise<void>;
  profile(): ProtocolProfile;
  /** Takes the server for the next thing it may be; false when there is none. */
  nextProfile(): boolean;
  request(channel: string, topic: string, payload: Buffer): Promise<CellReply>;
}

/** The part behind `received` bytes, or the end. */
export async function fetchStep(refId: string, received: number, port: FetchPort): Promise<DownloadStep> {
  for (let tries = 1; ; ) {
    await port.connected();
    const { channel, topic } = port.profile().download;
    try {
      const reply = await port.request(channel, topic, downloadRequest(refId, received));
      if (!isUnknownChannel(reply) || !port.nextProfile()) {
        return readable(() => downloadStep(reply, received));
      }
    } catch (error) {
      // Asking again for the same place is safe.
      const again = error instanceof DeskError && (error.code === 'unreachable' || error.code === 'timeout');
      if (!again || ++tries > mostTries) throw error;
    }
  }
}
