import type { HostNews } from './parts.ts';

/** Hands on what hosts said; nothing is kept. */
export function createHostNews(): HostNews {
  const listeners = new Set<Parameters<HostNews['follow']>[0]>();
  return {
    tell(project, events) {
      if (events.length > 0) for (const listener of listeners) listener(project, events);
    },
    follow(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
