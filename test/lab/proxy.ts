/** A TCP proxy in user space: adds delay, limits speed, cuts or freezes connections. */
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface ProxyOptions {
  targetPort: number;
  targetHost?: string;
  /** Where to listen; missing = any free port. */
  port?: number;
  /** Milliseconds added to each direction. */
  delay?: number;
  /** Each connection is cut after this many bytes towards the target. */
  cutAfterBytes?: number;
}

export interface LabProxy {
  readonly port: number;
  /** Counts over all connections so far. */
  readonly counts: { connections: number; toTarget: number; fromTarget: number };
  delay: number;
  cutAfterBytes: number | undefined;
  /** Ends all open connections with a reset; new ones are taken as before. */
  cut(): void;
  /** While frozen nothing passes in either direction and nothing is closed: a silent network. */
  freeze(frozen: boolean): void;
  /** While refused, new connections are reset at once. */
  refuse(refused: boolean): void;
  stop(): Promise<void>;
}

export async function startProxy(options: ProxyOptions): Promise<LabProxy> {
  const open = new Set<Socket>();
  let frozen = false;
  let refused = false;

  const pass = (from: Socket, to: Socket, count: (bytes: number) => boolean) => {
    // One queue per direction keeps the order; the end of the stream travels with the same delay as its data.
    let queue = Promise.resolve();
    const later = (action: () => void) => {
      const due = Date.now() + proxy.delay;
      queue = queue.then(async () => {
        while (frozen || Date.now() < due) {
          await new Promise((resolve) => setTimeout(resolve, frozen ? 20 : due - Date.now()));
        }
        action();
      });
    };
    from.on('data', (chunk) => {
      if (count(chunk.length)) return;
      later(() => {
        if (!to.destroyed && !to.write(chunk) && !from.destroyed) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
    });
    from.on('end', () => later(() => to.end()));
  };

  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (refused) return void near.resetAndDestroy();
    proxy.counts.connections += 1;
    const far = connect({
      port: options.targetPort,
      host: options.targetHost ?? '127.0.0.1',
      allowHalfOpen: true,
    });
    let sent = 0;
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.setNoDelay(true);
      one.on('error', () => other.resetAndDestroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
    pass(near, far, (bytes) => {
      sent += bytes;
      proxy.counts.toTarget += bytes;
      const over = proxy.cutAfterBytes !== undefined && sent > proxy.cutAfterBytes;
      if (over) {
        near.resetAndDestroy();
        far.resetAndDestroy();
      }
      return over;
    });
    pass(far, near, (bytes) => {
      proxy.counts.fromTarget += bytes;
      return false;
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });

  const cut = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  const proxy: LabProxy = {
    port: (server.address() as AddressInfo).port,
    counts: { connections: 0, toTarget: 0, fromTarget: 0 },
    delay: options.delay ?? 0,
    cutAfterBytes: options.cutAfterBytes,
    cut,
    freeze: (value) => void (frozen = value),
    refuse: (value) => void (refused = value),
    stop: () =>
      new Promise((resolve) => {
        frozen = false;
        server.close(() => resolve());
        cut();
      }),
  };
  return proxy;
}
