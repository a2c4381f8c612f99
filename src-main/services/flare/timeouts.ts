/** Milliseconds. */
export interface SessionTimeouts {
  /** Each of resolve, connect, TLS, open, hello. */
  stepMs: number;
  /** The challenge with its repetitions. */
  loginMs: number;
  /** Register and login, each. */
  messageMs: number;
  /** A command without `siteTimeoutMs`; longer than the 10 s the server waits for sites. */
  commandMs: number;
  /** One part of an upload or download. */
  transferMs: number;
  /** Between keep-alive messages; after two without any sign of life the link is given up. */
  pingMs: number;
  /** Without a command for so long we log out; 0 = never. */
  idleMs: number;
  /** For so long we try to connect again. */
  reconnectMs: number;
}

export const defaultTimeouts: SessionTimeouts = {
  stepMs: 10_000,
  loginMs: 10_000,
  messageMs: 5_000,
  commandMs: 12_000,
  transferMs: 15_000,
  pingMs: 25_000,
  idleMs: 900_000,
  reconnectMs: 600_000,
};

/** Added to the time the server waits for sites. */
export const siteMarginMs = 5_000;
/** How long a connection that may have died unseen has to show that it lives. */
export const probeMs = 5_000;
export const logoutMs = 2_000;
export const byeMs = 1_000;
/** The first try comes soon, because a lost connection is often back at once. */
export const reconnectDelays = [250, 1_000, 2_000, 4_000, 8_000, 10_000] as const;

export function defined<Values extends object>(values: Values): Partial<Values> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Partial<Values>;
}
