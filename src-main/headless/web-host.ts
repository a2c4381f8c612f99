/**
 * The local web host: pages and contract for a browser on this machine. Loopback only; a one-time token in the address
 * becomes a session; Host and Origin are checked; nothing is served without the session.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { PromptName } from '../contract/names.ts';
import type { Core } from '../core.ts';
import { createWire, type Wire } from '../core/wire.ts';
import { createPageServer } from './page-server.ts';

/** Largest message a page may send; the contract caps every field far below. */
const mostBytes = 16 * 1024 * 1024;
const promptMs = 120_000;

export interface WebHostOptions {
  core: Core;
  /** Folder of the built pages (holds `index.html`). */
  pages: string;
  /** 0 picks a free one. */
  port: number;
}

export interface WebHost {
  /** The address with its one-time token. */
  url: string;
  /** Puts a question to the newest page; rejects when none is open. */
  ask(name: PromptName, question: unknown, signal: AbortSignal): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts the web host. Rejects with the server's own error when the port is taken. */
export async function startWebHost({ core, pages, port }: WebHostOptions): Promise<WebHost> {
  const wires = new Set<Wire>();
  const hostAllowed = (request: IncomingMessage): boolean => {
    const own = (server.address() as AddressInfo).port;
    return [`127.0.0.1:${own}`, `localhost:${own}`].includes(request.headers.host ?? '');
  };
  const originAllowed = (request: IncomingMessage): boolean =>
    request.headers.origin === `http://${request.headers.host ?? ''}`;
  const pageServer = createPageServer(pages, hostAllowed);

  const attach = (socket: WebSocket): void => {
    const client = core.clientFor({ name: 'web page', placeOf: (given) => core.places.pathOf(given) });
    const wire = createWire(client, (message) => socket.send(JSON.stringify(message)));
    wires.add(wire);
    socket.on('message', (data, isBinary) => {
      if (isBinary) return;
      try {
        wire.receive(JSON.parse((data as Buffer).toString('utf8')));
      } catch {
        socket.close(1007, 'Not JSON.');
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      wires.delete(wire);
      wire.close();
    });
  };

  const server = createServer((request, response) => {
    pageServer.handle(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: mostBytes, perMessageDeflate: false });
  server.on('upgrade', (request, socket, head) => {
    const allowed =
      request.url === '/contract' &&
      hostAllowed(request) &&
      originAllowed(request) &&
      pageServer.hasSession(request);
    if (allowed) sockets.handleUpgrade(request, socket, head, attach);
    else socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const own = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${own}/?token=${pageServer.token}`,
    ask(name, question, signal) {
      const newest = [...wires].at(-1);
      if (!newest) return Promise.reject(new Error('No page is open to answer.'));
      return newest.ask(name, question, signal, Date.now() + promptMs);
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
