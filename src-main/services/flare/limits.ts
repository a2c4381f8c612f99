/**
 * What this side is ready to hold for a peer. A larger claim is refused by its prefix, before memory is set aside.
 * Ordinary sizes (docs/reference/admin-protocol.md §5.1, §8.1, §9.3): stream chunks 1 MiB, download replies 5 MiB,
 * log replies up to 5 MiB for each site.
 */
export const limits = {
  /** One SFM frame. A plain reply is one frame, so it must hold the largest single reply text of a usual server. */
  frameBytes: 64 * 1024 * 1024,
  /** One reassembled stream. */
  streamBytes: 256 * 1024 * 1024,
  /** Streams the server may have open towards us at the same time. */
  openStreams: 64,
  /** Chunks that may wait for an earlier one. The reference receiver keeps 16. */
  waitingChunks: 64,
  /** Finished streams that are remembered, so that chunks sent again are acknowledged again (§5.2). */
  rememberedStreams: 256,
  /** Nesting of msgpack values. */
  nesting: 64,
  /** A kit file. */
  kitFileBytes: 1024 * 1024,
} as const;
