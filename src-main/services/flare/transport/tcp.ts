import { frameLength } from '../sfm.ts';
import { dial } from './dial.ts';
import { Splitter } from './splitter.ts';
import { watchSocket } from './watch.ts';
import type { OpenOptions, Transport, TransportEvents, TransportTarget } from './types.ts';

/** SFM frames one after another (docs/reference/admin-protocol.md §2.2). */
export async function openTcp(
  target: TransportTarget,
  events: TransportEvents,
  options: OpenOptions,
): Promise<Transport> {
  const socket = await dial(target, undefined, options);
  const splitter = new Splitter(4, frameLength);
  const closed = watchSocket(socket, events);
  socket.on('data', (piece: Buffer) => {
    try {
      for (const frame of splitter.push(piece)) if (!closed.done) events.onFrame(frame);
    } catch (error) {
      socket.destroy(error as Error);
    }
  });
  return {
    send: (frame) =>
      new Promise((resolve) => {
        socket.write(frame, () => resolve());
      }),
    close: () => {
      closed.silence();
      socket.destroy();
    },
  };
}
