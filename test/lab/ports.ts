/** Free TCP ports of this machine, picked at run time. */
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Below the kernel's ephemeral range, so that an outgoing connection does not take the port in the meantime. */
const lowest = 20_000;
const highest = 32_000;
const given = new Set<number>();

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });

/** Gives one port that nobody listens on. Never the same twice in one process. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`No free TCP port found between ${lowest} and ${highest}.`);
}

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

/** True when something accepts connections on the port. */
export const isListening = (port: number, host = '127.0.0.1') =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ port, host });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });

/** Waits until the port accepts connections. Throws after `milliseconds`. */
export async function waitForPort(port: number, milliseconds = 20_000, host = '127.0.0.1'): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!(await isListening(port, host))) {
    if (Date.now() > end) throw new Error(`Nothing listens on ${host}:${port} after ${milliseconds} ms.`);
    await sleep(50);
  }
}
