import { WebSocket } from 'ws';
import { ProtocolError, SessionStepError } from '../errors.ts';
import { limits } from '../limits.ts';
import { within } from '../wait.ts';
import { dial } from './dial.ts';
import { closedEarly, openErrorOf } from './open-errors.ts';
import { watchSocket } from './watch.ts';
import type { OpenOptions, Transport, TransportEvents, TransportTarget } from './types.ts';

/** One SFM frame in one binary message (docs/reference/admin-protocol.md §2.3). */
export async function openWebSocket(
  target: TransportTarget,
  events: TransportEvents,
  options: OpenOptions,
): Promise<Transport> {
  const socket = await dial(target, undefined, options);
  options.onStep?.('open');
  const place = `${target.host}:${target.port}`;
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  // `ws:` because the socket below it is already encrypted; nothing else depends on the name.
  const web = new WebSocket(`ws://${host}:${target.port}/f3`, {
    createConnection: () => socket,
    perMessageDeflate: false,
    maxPayload: limits.frameBytes,
    followRedirects: false,
  });
  const closing = watchSocket(web, events);
  web.on('message', (data, isBinary) => {
    if (!isBinary || closing.done) return;
    try {
      events.onFrame(data as Buffer);
    } catch (error) {
      closing.end(error as Error);
      web.terminate();
    }
  });
  const opened = new Promise<void>((resolve, reject) => {
    web.once('open', resolve);
    web.once('error', reject);
    web.once('close', () => reject(closedEarly()));
    web.once('unexpected-response', (_request, response) => {
      reject(new ProtocolError(`answered HTTP ${response.statusCode ?? '?'}`));
    });
  });
  try {
    await within(opened, {
      ms: options.stepTimeoutMs,
      signal: options.signal,
      timeout: () =>
        new SessionStepError('open', 'timeout', `${place} does not answer the WebSocket request.`, {
          retryable: true,
          hint: 'The server may use another scheme than "http" on this port, or hang.',
        }),
    });
  } catch (error) {
    closing.silence();
    web.terminate();
    socket.destroy();
    throw openErrorOf(error, target);
  }
  return {
    send: (frame) =>
      new Promise((resolve) => {
        web.send(frame, { binary: true }, () => resolve());
      }),
    close: () => {
      closing.silence();
      web.close();
      web.terminate();
      socket.destroy();
    },
  };
}
