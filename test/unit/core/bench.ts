/** A core in a folder of its own, and callers to ask it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { createCore, type Core } from '../../../src-main/core.ts';
import type { DeskClient } from '../../../src-main/contract/index.ts';
import type { Caller, CorePorts, Logger } from '../../../src-main/ports.ts';

const command: Caller = { name: 'command', placeOf: (given) => given };

/** A page: knows tokens, not paths. */
export const page = (tokens: Record<string, string> = {}): Caller => ({
  name: 'window',
  placeOf: (given) => (Object.hasOwn(tokens, given) ? tokens[given] : undefined),
});

export interface LogLine {
  level: string;
  message: string;
  data?: Record<string, unknown>;
}

export interface CoreBench {
  core: Core;
  client: DeskClient;
  folder: string;
  log: LogLine[];
}

/** Calls by any name with any payload, as a carrier hands them over. */
export interface LooseClient {
  call(name: string, payload: unknown, options?: object): Promise<Answer>;
  start(name: string, payload: unknown): Promise<Answer>;
  open(name: string, payload: unknown): Promise<Answer>;
}
export type Answer =
  | { ok: true; value: Record<string, unknown> }
  | { ok: false; error: { code: string; message: string; hint?: string; fields?: { path?: string }[] } };

export const loose = (client: DeskClient): LooseClient => client as unknown as LooseClient;

const benches: CoreBench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) {
    await bench.core.dispose();
    await rm(bench.folder, { recursive: true, force: true });
  }
});

export async function makeCore(ports: Partial<CorePorts> = {}): Promise<CoreBench> {
  const folder = await mkdtemp(join(tmpdir(), 'core-unit-'));
  const log: LogLine[] = [];
  const write =
    (level: string) =>
    (message: string, data?: Record<string, unknown>): void =>
      void log.push({ level, message, ...(data ? { data } : {}) });
  const logger: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
  const core = createCore({
    stateFolder: join(folder, 'state'),
    version: '0.0.0-test',
    environment: { home: folder, user: 'tester' },
    checkOutputs: true,
    logger,
    ...ports,
  });
  const bench = { core, client: core.clientFor(command), folder, log };
  benches.push(bench);
  return bench;
}
